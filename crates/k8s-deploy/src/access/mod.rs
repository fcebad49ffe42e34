//! What an account must be allowed, to deploy these objects, follow them and go back.

mod manifests;
mod review;

pub use self::review::missing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    Object,
    manifest::{self, Scope},
    pin::pod_spec_path,
};

/// One thing that an account must be allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The namespace; none for what belongs to the whole cluster.
    pub namespace: Option<String>,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, as `deployments` or `pods/log`.
    pub resource: String,
    /// The verb, as `patch`.
    pub verb: &'static str,
}

/// `patch deployments.apps in notes`, as kubectl and the server call it.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        self.namespace.iter().try_for_each(|namespace| write!(f, " in {namespace}"))
    }
}

/// Verbs by group and resource.
type Grants = BTreeMap<(String, String), BTreeSet<&'static str>>;

/// All that an account must be allowed, to deploy some objects.
///
/// ```
/// use notes_k8s_deploy::{Object, access::Needs};
///
/// let web = Object::new(serde_json::json!({
///     "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"type": "ClusterIP"},
/// }));
/// let needs: Vec<_> = Needs::of([&web], "apps").iter().map(|need| need.to_string()).collect();
/// assert!(needs.contains(&"patch services in apps".to_owned()));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Needs {
    in_namespaces: BTreeMap<String, Grants>,
    in_cluster: Grants,
    guessed: BTreeSet<String>,
}

/// To read an object and to write it: `create` is asked for where a PATCH makes what was not there.
const WRITE: [&str; 3] = ["get", "create", "patch"];
const FOLLOW: [&str; 2] = ["list", "watch"];

impl Needs {
    /// Returns what deploying `objects` needs, those that name no namespace into `namespace`, where the records are too.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Object>, namespace: &str) -> Self {
        let objects: Vec<&Object> = objects.into_iter().collect();
        let mut needs = Self::default();
        // The records of the releases, one of which is the lock.
        needs.add(Some(namespace), "", "secrets", &WRITE);
        needs.add(Some(namespace), "", "secrets", &["list", "update", "delete"]);
        for object in &objects {
            needs.add_object(object, &objects, namespace);
        }
        needs
    }

    /// Returns each need.
    pub fn iter(&self) -> impl Iterator<Item = Need> {
        let cluster = std::iter::once((None, &self.in_cluster));
        let spaces = self.in_namespaces.iter().map(|(name, grants)| (Some(name.clone()), grants));
        cluster.chain(spaces).flat_map(|(namespace, grants)| {
            grants.iter().flat_map(move |((group, resource), verbs)| {
                let namespace = namespace.clone();
                verbs.iter().map(move |verb| Need {
                    namespace: namespace.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    verb,
                })
            })
        })
    }

    /// Returns the kinds of which only the cluster knows how they are called in rules, so that it was guessed.
    pub fn guessed(&self) -> impl Iterator<Item = &str> {
        self.guessed.iter().map(String::as_str)
    }

    fn add_object(&mut self, object: &Object, all: &[&Object], default: &str) {
        let (plural, scope) = self.resource(object, all);
        // One that is there is used as it is, and one that is not there is made by whoever grants these rights.
        if object.kind() == "Namespace" {
            return;
        }
        let own = object.namespace().unwrap_or(default);
        let namespace = (scope == Scope::Namespaced).then_some(own);
        let group = object.group();
        self.add(namespace, group, &plural, &WRITE);
        if is_removed(object) {
            self.add(namespace, group, &plural, &["delete"]);
        }
        if is_waited_for(object) {
            self.add(namespace, group, &plural, &FOLLOW);
        }
        if pod_spec_path(object).is_some() && is_waited_for(object) {
            self.add(namespace, "", "pods", &FOLLOW);
            self.add(namespace, "", "events", &FOLLOW);
            self.add(namespace, "", "pods/log", &["get"]);
        }
        if object.kind() == "Deployment" {
            self.add(namespace, "apps", "replicasets", &FOLLOW);
        }
        // Pods of a StatefulSet that block the way to a release that works.
        if object.kind() == "StatefulSet" {
            self.add(namespace, "", "pods", &["delete"]);
        }
    }

    fn add(
        &mut self,
        namespace: Option<&str>,
        group: &str,
        resource: &str,
        verbs: &[&'static str],
    ) {
        let grants = match namespace {
            Some(name) => self.in_namespaces.entry(name.into()).or_default(),
            None => &mut self.in_cluster,
        };
        grants.entry((group.into(), resource.into())).or_default().extend(verbs);
    }

    /// Returns what a kind is called in rules.
    fn resource(&mut self, object: &Object, all: &[&Object]) -> (String, Scope) {
        if let Some(known) = manifest::resource(object.api_version(), object.kind()) {
            return (known.plural, known.scope);
        }
        let definition = all.iter().find(|other| {
            other.kind() == "CustomResourceDefinition"
                && other.text("/spec/group") == Some(object.group())
                && other.text("/spec/names/kind") == Some(object.kind())
        });
        if let Some(plural) = definition.and_then(|other| other.text("/spec/names/plural")) {
            let is_cluster = definition.and_then(|d| d.text("/spec/scope")) == Some("Cluster");
            return (plural.into(), if is_cluster { Scope::Cluster } else { Scope::Namespaced });
        }
        self.guessed.insert(object.kind().into());
        (plural(&object.kind().to_lowercase()), Scope::Namespaced)
    }
}

/// Forms the plural as Kubernetes' own tools do for kinds that they do not know (`meta.UnsafeGuessKindToResource`).
fn plural(word: &str) -> String {
    match word.chars().last() {
        Some('s') => format!("{word}es"),
        Some('y') => format!("{}ies", &word[..word.len() - 1]),
        _ => format!("{word}s"),
    }
}

/// Tells whether a rollout may have to wait for objects of this kind: the others are complete once they are written.
fn is_waited_for(object: &Object) -> bool {
    match (object.group(), object.kind()) {
        ("", "Pod" | "PersistentVolumeClaim" | "ReplicationController")
        | (
            "apps" | "autoscaling" | "policy" | "apiregistration.k8s.io" | "apiextensions.k8s.io",
            _,
        )
        | ("batch", "Job") => true,
        ("", "Service") => object.text("/spec/type") == Some("LoadBalancer"),
        (_, kind) => manifest::resource(object.api_version(), kind).is_none(),
    }
}

/// Tells whether an object goes when a release no longer has it.
fn is_removed(object: &Object) -> bool {
    !matches!(
        object.kind(),
        "PersistentVolumeClaim" | "PersistentVolume" | "CustomResourceDefinition" | "Namespace"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needs(objects: &[Object]) -> Vec<String> {
        Needs::of(objects, "apps").iter().map(|need| need.to_string()).collect()
    }

    fn object(api_version: &str, kind: &str, rest: serde_json::Value) -> Object {
        let mut object = rest;
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        Object::new(object)
    }

    #[test]
    fn pods_are_looked_at_only_where_there_are_some() {
        let template = json!({"spec": {"template": {"spec": {"containers": []}}}});
        let found = needs(&[object("apps/v1", "Deployment", template)]);
        for need in [
            "watch deployments.apps in apps",
            "watch replicasets.apps in apps",
            "get pods/log in apps",
        ] {
            assert!(found.contains(&need.to_owned()), "{need} in {found:?}");
        }
        let found = needs(&[object("v1", "ConfigMap", json!({}))]);
        assert!(
            !found.iter().any(|need| need.contains("pods") || need.contains("watch")),
            "{found:?}"
        );
    }

    #[test]
    fn scope_and_plural_come_from_the_table_the_release_or_a_guess() {
        let definition = object(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Ox", "plural": "oxen"}}}),
        );
        let objects = [
            object("example.com/v1", "Ox", json!({})),
            definition,
            object("example.com/v1", "Policy", json!({"metadata": {"namespace": "other"}})),
        ];
        let found = needs(&objects);
        for need in [
            "patch oxen.example.com",
            "patch customresourcedefinitions.apiextensions.k8s.io",
            "watch policies.example.com in other",
        ] {
            assert!(found.contains(&need.to_owned()), "{need} in {found:?}");
        }
        assert_eq!(Needs::of(&objects, "apps").guessed().collect::<Vec<_>>(), ["Policy"]);
    }
}
