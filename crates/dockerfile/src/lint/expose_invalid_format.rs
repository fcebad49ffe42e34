//! `ExposeInvalidFormat`.

use super::scope::Scope;
use super::{Found, Judge, Rule, Status, Subject};
use crate::{Instruction, Span, Statement};

pub(super) const RULE: Rule = Rule {
    name: "ExposeInvalidFormat",
    description: "`EXPOSE` names container ports, neither addresses nor host ports.",
    status: Status::Standard,
    check: Judge::Statement(check),
};

fn check(_: &Subject<'_>, scope: &mut Scope<'_>, statement: &Statement) -> Vec<Found> {
    let ports = ports(scope, statement).into_iter();
    ports
        .filter_map(|(port, span)| {
            let (host, container) = port.rsplit_once(':')?;
            // `:80` names no host port.
            (!host.is_empty()).then(|| {
                let message = format!("`{port}` names more than a container port");
                Found::new(span, message).with_hint(format!("write `{container}`"))
            })
        })
        .collect()
}

/// Returns every port specification of the statement whose text is known, and the word that it stands in.
pub(super) fn ports(scope: &Scope<'_>, statement: &Statement) -> Vec<(String, Span)> {
    let Instruction::Expose(expose) = &statement.instruction else { return Vec::new() };
    let mut ports = Vec::new();
    for word in &expose.ports {
        let fields = scope.text(word).map(|expanded| expanded.fields).unwrap_or_default();
        ports.extend(fields.into_iter().map(|port| (port, word.span())));
    }
    ports
}
