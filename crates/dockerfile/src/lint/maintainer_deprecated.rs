//! `MaintainerDeprecated`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::Instruction;

pub(super) const RULE: Rule = Rule {
    name: "MaintainerDeprecated",
    description: "The author is a label, not a `MAINTAINER`.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    subject
        .statements()
        .filter_map(|statement| match &statement.instruction {
            Instruction::Maintainer(maintainer) => Some((statement, maintainer)),
            _ => None,
        })
        .map(|(statement, maintainer)| {
            let name = &maintainer.name.value;
            Found::new(statement.span, "`MAINTAINER` is deprecated")
                .with_hint(format!("write `LABEL org.opencontainers.image.authors=\"{name}\"`"))
        })
        .collect()
}
