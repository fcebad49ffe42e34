//! `NoEmptyContinuation`.

use super::{Found, Judge, Rule, Status, Subject};
use crate::RemarkKind;

pub(super) const RULE: Rule = Rule {
    name: "NoEmptyContinuation",
    description: "No empty line stands between continued lines.",
    status: Status::Standard,
    check: Judge::File(check),
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let remarks = subject.file.remarks.iter();
    remarks
        .filter(|remark| remark.kind == RemarkKind::EmptyContinuation)
        .map(|remark| {
            Found::new(remark.span, "an empty line between continued lines")
                .with_hint("delete it, or put a `#` on it")
        })
        .collect()
}
