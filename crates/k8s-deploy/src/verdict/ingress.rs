//! An Ingress: it stands once it is written.

use super::{Verdict, addresses};
use crate::Object;

/// Judges as kstatus does. An address is told and not waited for: many controllers never write one.
pub(super) fn judge(object: &Object) -> Verdict {
    let id = object.id();
    match addresses(object).as_slice() {
        [] => Verdict::complete(format!("{id} is as specified")),
        addresses => Verdict::complete(format!("{id} answers at {}", addresses.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::told;

    #[test]
    fn the_address_is_told_and_not_waited_for() {
        for (rest, expected) in [
            (json!({}), "complete: ingress/n is as specified"),
            (json!({"status": {"loadBalancer": {}}}), "complete: ingress/n is as specified"),
            (
                json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example"}]}}}),
                "complete: ingress/n answers at 192.0.2.1, lb.example",
            ),
        ] {
            assert_eq!(told("networking.k8s.io/v1", "Ingress", rest.clone()), expected, "{rest}");
        }
    }
}
