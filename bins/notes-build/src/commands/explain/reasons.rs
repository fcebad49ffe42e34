//! Why a step ran: what of its input is another one than in the build that it is compared with.

use notes_image::report::StepTrace;

use super::place;
use crate::record::{Before, Record, Step};

/// So many files are named.
const SHOWN: usize = 8;

/// Inputs that are known by their parts: they are not named where a part is.
const WHOLES: [&str; 2] = ["files", "mounted files"];

/// Returns the reasons, at least one.
pub(super) fn reasons(step: &Step, record: &Record) -> Vec<String> {
    let Before { name, steps } = &record.before;
    if steps.is_empty() {
        return vec!["there is no earlier build to compare with".into()];
    }
    let Some(before) = same(&step.trace, steps) else {
        return vec![format!("it was not in {name}")];
    };
    let changes = changes(&step.trace, before);
    if changes.is_empty() {
        return vec![unchanged(record)];
    }
    let details = changes.iter().filter(|change| change.is_detail()).count();
    let mut reasons: Vec<_> = changes
        .iter()
        .filter(|change| details == 0 || !change.is_told_by_details(&changes))
        .map(|change| change.sentence(step, record))
        .collect();
    let more = reasons.len().saturating_sub(SHOWN);
    reasons.truncate(SHOWN);
    reasons.extend((more > 0).then(|| format!("and {more} more")));
    reasons
}

/// The same step of another build.
fn same<'a>(step: &StepTrace, steps: &'a [StepTrace]) -> Option<&'a StepTrace> {
    steps.iter().find(|it| (&it.stage, it.number) == (&step.stage, step.number))
}

fn unchanged(record: &Record) -> String {
    let name = &record.before.name;
    match record.caches.as_slice() {
        [] => format!("no cache was asked; its input is that of {name}"),
        caches => format!(
            "its input is that of {name}, and its result is not in {}",
            caches.join(", nor in ")
        ),
    }
}

/// An input that is another one.
struct Change<'a> {
    input: &'a str,
    how: &'static str,
}

fn changes<'a>(now: &'a StepTrace, then: &'a StepTrace) -> Vec<Change<'a>> {
    let (now, then) = (&now.inputs, &then.inputs);
    let changed = now.iter().filter(|(name, value)| then.get(*name) != Some(value));
    let changed = changed.map(|(name, _)| {
        let how = if then.contains_key(name) { "changed" } else { "is new" };
        Change { input: name, how }
    });
    let gone = then.keys().filter(|name| !now.contains_key(*name));
    changed.chain(gone.map(|name| Change { input: name, how: "is gone" })).collect()
}

impl Change<'_> {
    /// Tells whether it is a part of another input.
    fn is_detail(&self) -> bool {
        ["file ", "argument "].iter().any(|start| self.input.starts_with(start))
    }

    /// Tells whether others say the same more exactly.
    fn is_told_by_details(&self, changes: &[Self]) -> bool {
        let any = |start: &str| changes.iter().any(|it| it.input.starts_with(start));
        match self.input.split_once(' ') {
            _ if WHOLES.contains(&self.input) => any("file "),
            Some(("variable", name)) => any(&format!("argument {name}")),
            _ => false,
        }
    }

    fn sentence(&self, step: &Step, record: &Record) -> String {
        let how = self.how;
        match self.input.split_once(' ') {
            None if self.input == "parent" => below(step, record),
            Some(("file", name)) if name.contains('`') => format!("{name} {how}"),
            Some(("file", path)) => format!("`{path}` {how}"),
            Some((kind @ ("argument" | "variable"), name)) => format!("the {kind} `{name}` {how}"),
            _ => format!("the {} {how}", self.input),
        }
    }
}

/// Returns what of the layers below changed: the first step of the stage that made another one, or the base.
fn below(step: &Step, record: &Record) -> String {
    let mut earlier = record
        .steps
        .iter()
        .filter(|it| it.trace.stage == step.trace.stage && it.trace.number < step.trace.number);
    let made_another = |it: &&Step| {
        same(&it.trace, &record.before.steps).is_none_or(|before| before.layer != it.trace.layer)
    };
    match earlier.find(made_another) {
        Some(other) => format!("what is below it changed, with [{}]", place(other)),
        None => "the base that it stands on changed".into(),
    }
}

#[cfg(test)]
mod tests {
    use notes_image::report::Outcome;
    use notes_oci::Digest;

    use super::*;

    fn trace(number: usize, layer: &str, inputs: &[(&str, &str)]) -> StepTrace {
        let inputs = inputs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        StepTrace {
            stage: "build".into(),
            number,
            layer: Some(layer.into()),
            inputs: inputs.collect(),
        }
    }

    fn record(now: Vec<StepTrace>, then: Vec<StepTrace>) -> Record {
        let steps = now.into_iter().map(|trace| Step {
            of: 9,
            text: "RUN make".into(),
            outcome: Outcome::Cached,
            trace,
        });
        Record {
            commit: "a3f92bd".into(),
            isolation: "namespaces".into(),
            digest: Digest::of("image"),
            steps: steps.collect(),
            caches: vec!["the store".into()],
            before: Before { name: "the build before".into(), steps: then },
        }
    }

    fn reasons_of(now: &[(&str, &str)], then: &[(&str, &str)]) -> Vec<String> {
        let record = record(vec![trace(1, "a", now)], vec![trace(1, "a", then)]);
        reasons(&record.steps[0], &record)
    }

    #[test]
    fn a_reason_is_as_exact_as_it_can_be() {
        let (one, two) = ("1", "2");
        for (now, then, reason) in [
            (
                vec![("files", one), ("file a/b", one)],
                vec![("files", two), ("file a/b", two)],
                "`a/b` changed",
            ),
            (vec![("files", one)], vec![("files", two)], "the files changed"),
            (vec![("files", one), ("file a", one)], vec![("files", two)], "`a` is new"),
            (vec![("files", one)], vec![("files", two), ("file a", one)], "`a` is gone"),
            (vec![("file stage `x`", one)], vec![("file stage `x`", two)], "stage `x` changed"),
            (
                vec![("variable A", one), ("argument A", one)],
                vec![("variable A", two), ("argument A", two)],
                "the argument `A` changed",
            ),
            (vec![("variable A", one)], vec![("variable A", two)], "the variable `A` changed"),
            (vec![("command", one)], vec![("command", two)], "the command changed"),
            (vec![("parent", one)], vec![("parent", two)], "the base that it stands on changed"),
            (
                vec![("parent", one)],
                vec![("parent", one)],
                "its input is that of the build before, and its result is not in the store",
            ),
        ] {
            assert_eq!(reasons_of(&now, &then), [reason]);
        }
    }

    #[test]
    fn what_is_below_is_named_by_the_step_that_made_it() {
        let step = |number, layer| trace(number, layer, &[("parent", layer)]);
        let record = record(
            vec![step(1, "a"), step(2, "new"), step(3, "new")],
            vec![step(1, "a"), step(2, "b"), step(3, "c")],
        );
        let reasons = reasons(&record.steps[2], &record);
        assert_eq!(reasons, ["what is below it changed, with [build 2/9]"]);
    }

    #[test]
    fn many_files_are_counted() {
        let names: Vec<_> = (0..20).map(|number| format!("file {number}")).collect();
        let now: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let reasons = reasons_of(&now, &[("files", "1")]);
        assert_eq!((reasons.len(), reasons[SHOWN].as_str()), (SHOWN + 1, "and 12 more"));
    }
}
