//! A Service: it stands once it has the addresses that its type promises.

use super::{Verdict, addresses};
use crate::Object;

/// Judges by the addresses. kstatus is content with a load balancer's cluster address; here it is waited for until it
/// has the one that clients use.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    if object.text("/spec/type") != Some("LoadBalancer") {
        return Verdict::complete(format!("{id} is as specified"));
    }
    if object.text("/spec/clusterIP").is_none_or(str::is_empty) {
        return Verdict::progressing(format!("Waiting for {id}: it has no cluster address..."));
    }
    match addresses(object).as_slice() {
        [] => {
            Verdict::progressing(format!("Waiting for {id}: the load balancer has no address..."))
        }
        addresses => Verdict::complete(format!("{id} answers at {}", addresses.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn a_load_balancer_needs_the_address_that_clients_use() {
        for (rest, expected) in [
            (json!({"metadata": {"generation": 1}}), "complete: service/n is as specified"),
            (json!({"spec": {"type": "NodePort"}}), "complete: service/n is as specified"),
            (
                json!({"spec": {"type": "ExternalName", "externalName": "db.example"}}),
                "complete: service/n is as specified",
            ),
            (
                json!({"spec": {"type": "LoadBalancer"}}),
                "progressing: Waiting for service/n: it has no cluster address...",
            ),
            (
                json!({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}}),
                "progressing: Waiting for service/n: the load balancer has no address...",
            ),
            (
                json!({
                    "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
                    "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
                }),
                "complete: service/n answers at 192.0.2.1",
            ),
        ] {
            assert_eq!(told("v1", "Service", rest.clone()), expected, "{rest}");
        }
    }
}
