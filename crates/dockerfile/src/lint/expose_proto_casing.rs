//! `ExposeProtoCasing`.

use super::scope::Scope;
use super::{Found, Judge, Rule, Status, Subject, expose_invalid_format};
use crate::Statement;

pub(super) const RULE: Rule = Rule {
    name: "ExposeProtoCasing",
    description: "Protocols of `EXPOSE` are written in lower case.",
    status: Status::Standard,
    check: Judge::Statement(check),
};

fn check(_: &Subject<'_>, scope: &mut Scope<'_>, statement: &Statement) -> Vec<Found> {
    let ports = expose_invalid_format::ports(scope, statement).into_iter();
    ports
        .filter_map(|(port, span)| {
            let (_, protocol) = port.split_once('/')?;
            let lower = protocol.to_lowercase();
            (lower != protocol).then(|| {
                let message = format!("protocol `{protocol}` is not in lower case");
                Found::new(span, message).with_hint(format!("write `{lower}`"))
            })
        })
        .collect()
}
