//! Reads the evidence, once and within a limit of time.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{ListParams, LogParams},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{ContainerLog, Evidence, Redactor, Run, pods};
use crate::{
    Cluster, Object, Release,
    apply::Resources,
    cluster::untyped,
    diagnosis::event_time,
    manifest::{self, Resource},
    pin::pod_spec_path,
    references::references,
    rollout::printable,
};

/// How many requests are in flight.
const IN_FLIGHT: usize = 8;
/// Of how many pods of each workload the logs are read: the others say the same.
const PODS: usize = 6;
/// How many lines of a log are kept, and how many bytes of lines that are very long.
const LINES: i64 = 2_000;
const BYTES: i64 = 1 << 20;
/// How long one answer may take; a kubelet on a node that is gone gives none.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many Secrets are read only to find their values in logs.
const SECRETS: usize = 32;

/// Reads what the cluster knows about a release.
///
/// Never fails: what cannot be read within `limit`, or may not be, is [named](Evidence::missing).
pub async fn collect(cluster: &Cluster, release: &Release, limit: Duration) -> Evidence {
    let redactor = Redactor::of(release.objects());
    let evidence = Evidence { redactor, ..Evidence::default() };
    let mut collection = Collection { cluster, end: Instant::now() + limit, evidence };
    let objects = collection.objects(release).await;
    let workloads: Vec<Object> =
        objects.iter().filter(|object| pod_spec_path(object).is_some()).cloned().collect();
    let replica_sets =
        pods::owned_by(collection.list(&workloads, "apps/v1", "ReplicaSet").await, &workloads);
    let owners: Vec<Object> = workloads.iter().chain(&replica_sets).cloned().collect();
    let mut pods = pods::owned_by(collection.list(&workloads, "v1", "Pod").await, &owners);
    pods::sort(&mut pods);
    pods.truncate(PODS * workloads.len().max(1));
    let about: Vec<Object> = [objects, replica_sets, pods.clone()].concat();
    let mut events = collection.list(&about, "v1", "Event").await;
    events.retain(|event| is_about(event, &about));
    events.sort_by_key(event_time);
    collection.secrets(&about).await;
    collection.logs(&pods).await;
    collection.finish(&about, &events)
}

struct Collection<'a> {
    cluster: &'a Cluster,
    end: Instant,
    evidence: Evidence,
}

impl Collection<'_> {
    /// Waits for an answer, and says where there is none.
    async fn answer<T, E: std::fmt::Display>(
        &mut self,
        what: &str,
        request: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let end = self.end.min(Instant::now() + PATIENCE);
        let problem = match timeout_at(end, request).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => format!("{what}: {error}"),
            Err(_) => format!("{what}: there was no answer in time"),
        };
        self.evidence.missing.push(problem);
        None
    }

    /// Reads the objects of the release that are there.
    async fn objects(&mut self, release: &Release) -> Vec<Object> {
        let resolving = Resources::resolve(self.cluster, &release.manifests);
        let resources = self.answer("the kinds of the release", resolving).await;
        let resource = |object: &Object| {
            resources
                .as_ref()
                .and_then(|resources| resources.of(object))
                .cloned()
                .or_else(|| manifest::resource(object.api_version(), object.kind()))
        };
        let wanted: Vec<(Resource, Object)> = release
            .objects()
            .filter_map(|object| Some((resource(object)?, object.clone())))
            .collect();
        let cluster = self.cluster;
        let end = self.end.min(Instant::now() + PATIENCE);
        let answers: Vec<_> = stream::iter(wanted)
            .map(|(resource, object)| async move {
                let namespace = object.namespace().unwrap_or(&release.namespace);
                let reading = cluster.read(&resource, Some(namespace), object.name());
                (object.id(), timeout_at(end, reading).await)
            })
            .buffered(IN_FLIGHT)
            .collect()
            .await;
        let mut found = Vec::new();
        for (id, answer) in answers {
            match answer {
                Ok(Ok(object)) => found.extend(object),
                Ok(Err(error)) => self.evidence.missing.push(format!("{id}: {error}")),
                Err(_) => self.evidence.missing.push(format!("{id}: there was no answer in time")),
            }
        }
        found
    }

    /// Lists the objects of a kind in the namespaces of `around`.
    async fn list(&mut self, around: &[Object], api_version: &str, kind: &str) -> Vec<Object> {
        let resource = manifest::resource(api_version, kind).expect("a built-in kind");
        let namespaces: BTreeSet<&str> = around.iter().filter_map(Object::namespace).collect();
        let mut found = Vec::new();
        for namespace in namespaces {
            let api = self.cluster.api(&resource, Some(namespace));
            let what = format!("{} in {namespace}", resource.plural);
            let params = ListParams::default();
            if let Some(list) = self.answer(&what, api.list(&params)).await {
                // The items of a list do not say what they are.
                found.extend(list.items.iter().map(|item| named(untyped(item), api_version, kind)));
            }
        }
        found
    }

    /// Learns the Secrets that the pods use, so that their values can be hidden in logs.
    async fn secrets(&mut self, objects: &[Object]) {
        let resource = manifest::resource("v1", "Secret").expect("a built-in kind");
        let used: BTreeSet<(String, String)> = objects.iter().flat_map(secrets_of).collect();
        for (namespace, name) in used.into_iter().take(SECRETS) {
            let what = format!("the secret {name}, whose values may stand in the logs");
            let cluster = self.cluster;
            let reading = cluster.read(&resource, Some(&namespace), &name);
            if let Some(Some(secret)) = self.answer(&what, reading).await {
                self.evidence.redactor.learn(&secret);
            }
        }
    }

    async fn logs(&mut self, pods: &[Object]) {
        let wanted: Vec<(&Object, &str, Run)> = pods
            .iter()
            .flat_map(|pod| pods::ran(pod).into_iter().map(move |ran| (pod, ran)))
            .flat_map(|(pod, ran)| {
                let previous = (ran.restarts > 0).then_some((pod, ran.container, Run::Previous));
                previous.into_iter().chain([(pod, ran.container, Run::Current)])
            })
            .collect();
        let (cluster, end) = (self.cluster, self.end);
        let answers: Vec<_> = stream::iter(wanted)
            .map(|(pod, container, run)| async move {
                let end = end.min(Instant::now() + PATIENCE);
                (pod, container, run, timeout_at(end, log(cluster, pod, container, run)).await)
            })
            .buffered(IN_FLIGHT)
            .collect()
            .await;
        for (pod, container, run, answer) in answers {
            let what = format!("the {run} log of {container} in pod/{}", pod.name());
            match answer {
                Ok(Ok(text)) => self.evidence.logs.push(ContainerLog {
                    namespace: pod.namespace().unwrap_or_default().into(),
                    pod: pod.name().into(),
                    container: container.into(),
                    run,
                    lines: text.lines().map(printable).collect(),
                }),
                Ok(Err(error)) => self.evidence.missing.push(format!("{what}: {error}")),
                Err(_) => {
                    self.evidence.missing.push(format!("{what}: there was no answer in time"));
                }
            }
        }
    }

    /// Hides the secrets: all of them are known by now.
    fn finish(self, objects: &[Object], events: &[Object]) -> Evidence {
        let Evidence { redactor, mut logs, missing, .. } = self.evidence;
        for line in logs.iter_mut().flat_map(|log| &mut log.lines) {
            *line = redactor.text(line);
        }
        Evidence {
            objects: objects.iter().map(|object| redactor.object(object)).collect(),
            events: events.iter().map(|event| redactor.object(event)).collect(),
            missing: missing.iter().map(|text| redactor.text(text)).collect(),
            logs,
            redactor,
        }
    }
}

async fn log(cluster: &Cluster, pod: &Object, container: &str, run: Run) -> kube::Result<String> {
    let params = LogParams {
        container: Some(container.into()),
        previous: run == Run::Previous,
        tail_lines: Some(LINES),
        limit_bytes: Some(BYTES),
        ..LogParams::default()
    };
    let namespace = pod.namespace().unwrap_or_default();
    let api: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    api.logs(pod.name(), &params).await
}

fn named(mut object: Object, api_version: &str, kind: &str) -> Object {
    let mut fields = serde_json::Map::new();
    fields.insert("apiVersion".into(), api_version.into());
    fields.insert("kind".into(), kind.into());
    if let Some(rest) = object.as_value_mut().as_object_mut() {
        fields.extend(std::mem::take(rest).into_iter().filter(|(key, value)| {
            !["apiVersion", "kind"].contains(&key.as_str()) && !value.is_null()
        }));
    }
    Object::new(Value::Object(fields))
}

/// Tells whether an event is about one of `objects`, or about a pod that a `ReplicaSet` among them had.
fn is_about(event: &Object, objects: &[Object]) -> bool {
    let (uid, name) = (event.text("/involvedObject/uid"), event.text("/involvedObject/name"));
    objects.iter().any(|object| {
        let is_former_pod = || {
            object.kind() == "ReplicaSet"
                && event.text("/involvedObject/kind") == Some("Pod")
                && name
                    .and_then(|name| name.strip_prefix(object.name())?.strip_prefix('-'))
                    .is_some()
        };
        uid == Some(object.uid()) || is_former_pod()
    })
}

/// Returns the namespaces and names of the Secrets that the pods of a workload use.
fn secrets_of(object: &Object) -> Vec<(String, String)> {
    let namespace = object.namespace().unwrap_or_default();
    let pod = pod_spec_path(object).and_then(|path| object.at(path));
    let references = pod.map(references).unwrap_or_default();
    let secrets = references.into_iter().filter(|(kind, _)| *kind == "Secret");
    secrets.map(|(_, name)| (namespace.to_owned(), name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_about_pods_that_are_gone_count() {
        let set =
            Object::new(json!({"kind": "ReplicaSet", "metadata": {"name": "web-7f", "uid": "1"}}));
        let about = |uid: &str, name: &str| {
            let event = json!({"involvedObject": {"kind": "Pod", "uid": uid, "name": name}});
            is_about(&Object::new(event), std::slice::from_ref(&set))
        };
        assert!(about("9", "web-7f-abcde"));
        assert!(!about("9", "web-7fa-abcde"));
    }
}
