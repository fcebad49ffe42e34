//! The built-in kinds, so that they cost no discovery request.

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They belong to the whole cluster.
    Cluster,
    /// They live in a namespace.
    Namespaced,
}

/// What is needed to build the URL of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, as `v1`.
    pub version: String,
    /// The kind, as `Deployment`.
    pub kind: String,
    /// The name in URLs, as `deployments`.
    pub plural: String,
    /// Whether objects live in a namespace.
    pub scope: Scope,
}

use Scope::{Cluster as C, Namespaced as N};

/// Group, stable version for suggestions, kind, plural, scope. From the API reference of Kubernetes 1.36.
const KINDS: &[(&str, &str, &str, &str, Scope)] = &[
    ("", "v1", "ConfigMap", "configmaps", N),
    ("", "v1", "Endpoints", "endpoints", N),
    ("", "v1", "Event", "events", N),
    ("", "v1", "LimitRange", "limitranges", N),
    ("", "v1", "Namespace", "namespaces", C),
    ("", "v1", "Node", "nodes", C),
    ("", "v1", "PersistentVolume", "persistentvolumes", C),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", N),
    ("", "v1", "Pod", "pods", N),
    ("", "v1", "PodTemplate", "podtemplates", N),
    ("", "v1", "ReplicationController", "replicationcontrollers", N),
    ("", "v1", "ResourceQuota", "resourcequotas", N),
    ("", "v1", "Secret", "secrets", N),
    ("", "v1", "Service", "services", N),
    ("", "v1", "ServiceAccount", "serviceaccounts", N),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        C,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        C,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        C,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        C,
    ),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", C),
    ("apiregistration.k8s.io", "v1", "APIService", "apiservices", C),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", N),
    ("apps", "v1", "DaemonSet", "daemonsets", N),
    ("apps", "v1", "Deployment", "deployments", N),
    ("apps", "v1", "ReplicaSet", "replicasets", N),
    ("apps", "v1", "StatefulSet", "statefulsets", N),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", N),
    ("batch", "v1", "CronJob", "cronjobs", N),
    ("batch", "v1", "Job", "jobs", N),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", C),
    ("coordination.k8s.io", "v1", "Lease", "leases", N),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", N),
    ("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", C),
    (
        "flowcontrol.apiserver.k8s.io",
        "v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        C,
    ),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", N),
    ("networking.k8s.io", "v1", "IngressClass", "ingressclasses", C),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", N),
    ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", C),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", N),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", C),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", C),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", N),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", N),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", C),
    ("storage.k8s.io", "v1", "CSIDriver", "csidrivers", C),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", C),
    ("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", C),
];

/// Returns how a built-in kind is addressed; `None` for kinds that only the cluster knows.
///
/// Any version of a built-in group is taken as it is: whether it is served, the server says.
pub fn resource(api_version: &str, kind: &str) -> Option<Resource> {
    let (group, version) = split(api_version);
    KINDS.iter().find(|entry| entry.0 == group && entry.2 == kind).map(|entry| Resource {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        plural: entry.3.into(),
        scope: entry.4,
    })
}

/// Tells whether all kinds of `group` are in the table.
pub(super) fn is_built_in(group: &str) -> bool {
    KINDS.iter().any(|entry| entry.0 == group)
}

/// Returns the most similar built-in kind with its version, as `apps/v1 Deployment`.
pub(crate) fn nearest_kind(api_version: &str, kind: &str) -> Option<String> {
    let (group, _) = split(api_version);
    KINDS
        .iter()
        .map(|entry| {
            let mut distance = edit_distance(&entry.2.to_lowercase(), &kind.to_lowercase()) * 2;
            // Of two equally similar kinds, the one in the group that was written.
            distance += usize::from(entry.0 != group);
            (distance, entry)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| distance / 2 <= kind.len() / 3 + 1)
        .map(|(_, entry)| match entry.0 {
            "" => format!("{} {}", entry.1, entry.2),
            group => format!("{group}/{} {}", entry.1, entry.2),
        })
}

fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Returns the Levenshtein distance of two short words.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_kind_prefers_the_group_written() {
        for (api_version, kind, nearest) in [
            ("apps/v1", "Deploymenit", Some("apps/v1 Deployment")),
            ("v1", "Deployment", Some("apps/v1 Deployment")),
            ("app/v1", "deployment", Some("apps/v1 Deployment")),
            ("v1", "Servise", Some("v1 Service")),
            ("networking.k8s.io/v1", "Ingres", Some("networking.k8s.io/v1 Ingress")),
            ("v1", "Frobnicator", None),
        ] {
            assert_eq!(nearest_kind(api_version, kind).as_deref(), nearest, "{kind}");
        }
    }

    #[test]
    fn versions_are_kept() {
        let found = resource("autoscaling/v1", "HorizontalPodAutoscaler").unwrap();
        assert_eq!((found.version.as_str(), found.scope), ("v1", Scope::Namespaced));
        assert_eq!(resource("example.com/v1", "Deployment"), None);
    }
}
