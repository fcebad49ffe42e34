//! Needs to the objects that grant them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Grants, Needs};
use crate::Object;

const GROUP: &str = "rbac.authorization.k8s.io";

impl Needs {
    /// Returns the objects that let the service account `account` in `namespace` do this and nothing else: the account itself, a
    /// Role and its binding for each namespace, and a `ClusterRole` where something belongs to the whole cluster.
    pub fn grant(&self, account: &str, namespace: &str) -> Vec<Object> {
        let mut objects: Vec<Value> = self
            .in_namespaces
            .keys()
            .map(
                |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            )
            .collect();
        let named = json!({"name": account, "namespace": namespace});
        objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named}));
        let subject = json!({"kind": "ServiceAccount", "name": account, "namespace": namespace});
        for (space, grants) in &self.in_namespaces {
            objects.extend(role(
                &json!({"name": account, "namespace": space}),
                "",
                grants,
                &subject,
            ));
        }
        if !self.in_cluster.is_empty() {
            // Cluster roles have no namespace: two applications must not overwrite each other's.
            let name = format!("{namespace}-{account}");
            objects.extend(role(&json!({"name": name}), "Cluster", &self.in_cluster, &subject));
        }
        objects.into_iter().map(Object::new).collect()
    }
}

/// Returns a role and its binding.
fn role(metadata: &Value, prefix: &str, grants: &Grants, subject: &Value) -> [Value; 2] {
    let kind = format!("{prefix}Role");
    [
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata,
            "rules": rules(grants),
        }),
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": format!("{kind}Binding"), "metadata": metadata,
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": metadata["name"]},
            "subjects": [subject],
        }),
    ]
}

/// Puts resources of one group with the same verbs into one rule.
fn rules(grants: &Grants) -> Vec<Value> {
    let mut rules: BTreeMap<(&str, &BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
    for ((group, resource), verbs) in grants {
        rules.entry((group, verbs)).or_default().push(resource);
    }
    rules
        .into_iter()
        .map(|((group, verbs), resources)| {
            json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
        })
        .collect()
}
