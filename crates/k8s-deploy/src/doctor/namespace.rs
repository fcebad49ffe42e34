//! The namespaces: are they there, what do they demand, have they what pods refer to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Finding, Plan, Topic, pod_security::violations};
use crate::{
    Cluster, Object,
    manifest::{self, Resource},
    pin::pod_spec_path,
};

/// The label by which a namespace demands a Pod Security Standard.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
/// The annotation of the class that claims without one get.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) async fn examine(cluster: &Cluster, plan: Plan<'_>) -> Vec<Finding> {
    let of_objects = plan.objects.iter().filter_map(Object::namespace);
    let namespaces: BTreeSet<&str> = of_objects.chain([plan.namespace]).collect();
    let mut found = Vec::new();
    for name in namespaces {
        match cluster.read(&built_in("v1", "Namespace"), None, name).await {
            Ok(Some(live)) => found.extend(of_live(&live, plan)),
            Ok(None) => found.push(
                Finding::warning(Topic::Namespace, format!("`{name}` is not there"))
                    .with_hint("a deploy makes it, where the account may; `create-namespace = \"never\"` stops there"),
            ),
            Err(error) if error.status() == Some(403) => found.push(Finding::good(
                Topic::Namespace,
                format!("`{name}` may not be read, and need not be where it is there"),
            )),
            Err(error) => found.push(Finding::unseen(Topic::Namespace, &error)),
        }
    }
    found.extend(pull_secrets(cluster, plan).await);
    found.extend(storage_class(cluster, plan).await);
    found
}

fn of_live(live: &Object, plan: Plan<'_>) -> Vec<Finding> {
    let name = live.name();
    if live.text("/status/phase") == Some("Terminating") {
        let text = format!("`{name}` is being deleted");
        return vec![Finding::problem(Topic::Namespace, text).with_hint("deploy when it is gone")];
    }
    let mut found = vec![Finding::good(Topic::Namespace, format!("`{name}` is there"))];
    let Some(level) = live.label(ENFORCE) else { return found };
    let lacking: Vec<String> = pods(plan)
        .filter(|(object, _)| object.namespace().unwrap_or(plan.namespace) == name)
        .flat_map(|(object, pod)| {
            let id = object.id();
            violations(pod, level).into_iter().map(move |what| format!("{id}: {what}"))
        })
        .collect();
    found.push(if lacking.is_empty() {
        Finding::good(
            Topic::PodSecurity,
            format!("`{name}` enforces `{level}`, which the pods keep"),
        )
    } else {
        let text = format!("`{name}` enforces `{level}`, which forbids {}", lacking.join(", "));
        Finding::problem(Topic::PodSecurity, text)
            .with_hint("give the pods the securityContext that the level asks for")
    });
    found
}

/// Looks at the secrets that pods pull images with: whether they are there and of the right type, not at what they hold.
async fn pull_secrets(cluster: &Cluster, plan: Plan<'_>) -> Vec<Finding> {
    let wanted: BTreeSet<(&str, &str)> = pods(plan)
        .flat_map(|(object, pod)| {
            let namespace = object.namespace().unwrap_or(plan.namespace);
            let secrets = pod["imagePullSecrets"].as_array().into_iter().flatten();
            secrets.filter_map(move |secret| Some((namespace, secret["name"].as_str()?)))
        })
        .collect();
    let topic = Topic::PullSecret;
    let mut found = Vec::new();
    for (namespace, name) in wanted {
        let is_ours = plan.objects.iter().any(|o| o.kind() == "Secret" && o.name() == name);
        found.push(match cluster.read(&built_in("v1", "Secret"), Some(namespace), name).await {
            Ok(Some(secret)) => of_pull_secret(&secret),
            Ok(None) if is_ours => {
                Finding::good(topic, format!("`{name}` comes with the manifests"))
            }
            Ok(None) => Finding::problem(topic, format!("`{name}` is not in `{namespace}`"))
                .with_hint(format!(
                    "`kubectl -n {namespace} create secret docker-registry {name}` makes it"
                )),
            Err(error) => Finding::unseen(topic, &error),
        });
    }
    found
}

fn of_pull_secret(secret: &Object) -> Finding {
    let name = secret.name();
    match secret.text("/type") {
        Some("kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg") => {
            Finding::good(Topic::PullSecret, format!("`{name}` is there"))
        }
        other => Finding::problem(
            Topic::PullSecret,
            format!(
                "`{name}` is of the type `{}`, which no node pulls with",
                other.unwrap_or("Opaque")
            ),
        )
        .with_hint("`kubectl create secret docker-registry` makes one of the right type"),
    }
}

/// Looks for a default class, where a claim needs one, and for the classes that claims name.
async fn storage_class(cluster: &Cluster, plan: Plan<'_>) -> Option<Finding> {
    let claims: Vec<Option<&str>> = plan.objects.iter().flat_map(claims).collect();
    if claims.is_empty() {
        return None;
    }
    let topic = Topic::StorageClass;
    let classes = match cluster.list(&built_in("storage.k8s.io/v1", "StorageClass"), None).await {
        Ok(classes) => classes,
        Err(error) => return Some(Finding::unseen(topic, &error)),
    };
    let names: Vec<&str> = classes.iter().map(Object::name).collect();
    let default = classes.iter().find(|class| class.annotation(DEFAULT_CLASS) == Some("true"));
    // An empty name asks for a volume that somebody has made by hand.
    let unknown = claims.iter().flatten().find(|name| !name.is_empty() && !names.contains(name));
    Some(match (unknown, default) {
        (Some(name), _) => Finding::problem(topic, format!("there is no class `{name}`"))
            .with_hint(format!(
                "there are {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            )),
        (None, None) if claims.contains(&None) => {
            Finding::problem(topic, "a claim names no class, and the cluster has no default")
                .with_hint("name one with `storageClassName`, or mark one as the default")
        }
        (None, Some(class)) if claims.contains(&None) => {
            Finding::good(topic, format!("`{}` is the default", class.name()))
        }
        (None, _) => Finding::good(topic, "the classes that claims name are there"),
    })
}

/// Returns the class of each claim that an object is or makes.
fn claims(object: &Object) -> Vec<Option<&str>> {
    match object.kind() {
        "PersistentVolumeClaim" => vec![object.text("/spec/storageClassName")],
        "StatefulSet" => object
            .list("/spec/volumeClaimTemplates")
            .iter()
            .map(|claim| claim.pointer("/spec/storageClassName").and_then(Value::as_str))
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the pods that objects make.
fn pods(plan: Plan<'_>) -> impl Iterator<Item = (&Object, &Value)> {
    plan.objects.iter().filter_map(|object| Some((object, object.at(pod_spec_path(object)?)?)))
}

fn built_in(api_version: &str, kind: &str) -> Resource {
    manifest::resource(api_version, kind).expect("a built-in kind")
}
