//! Which rules are on.

use super::{Options, RULES, Status};
use crate::{Check, Selection};

/// What somebody says about each rule, by its number in [`RULES`]: a list of names is read once, however long it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Switches {
    skipped: u32,
    wanted: u32,
}

const _: () = assert!(RULES.len() <= 32, "every rule has a bit");

impl Switches {
    /// Returns what `# check=` says, at the top or above an instruction.
    pub(super) fn of(check: &Check) -> Self {
        Self { skipped: bits(&check.skip), wanted: bits(&check.experimental) }
    }

    /// Returns what the caller says.
    pub(super) fn of_caller(options: &Options) -> Self {
        Self { skipped: bits(&options.skip), wanted: bits(&options.experimental) }
    }

    /// Returns what both say.
    pub(super) fn and(self, other: Self) -> Self {
        Self { skipped: self.skipped | other.skipped, wanted: self.wanted | other.wanted }
    }

    /// Returns whether the rule counts. An experimental one is on when somebody asks for it, and only the caller takes it back;
    /// the others are on unless somebody skips them (`Linter.Run` in `BuildKit`).
    pub(super) fn let_through(self, rule: usize, status: Status, caller: Self) -> bool {
        let has = |bits: u32| bits >> rule & 1 == 1;
        let on = match status {
            Status::Standard => !has(self.skipped),
            Status::Experimental => has(self.wanted | caller.wanted),
        };
        on && !has(caller.skipped)
    }
}

fn bits(selection: &Selection) -> u32 {
    let number = |name: &String| RULES.iter().position(|rule| rule.name == name);
    match selection {
        Selection::All => u32::MAX,
        Selection::Named(names) => {
            names.iter().filter_map(number).fold(0, |bits, number| bits | 1 << number)
        }
    }
}
