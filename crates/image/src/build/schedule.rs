//! Which stage can be built when.

use std::collections::{BTreeMap, BTreeSet};

/// The stages of a build by their numbers: those that wait for others, and those that are finished.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// What each needs that has not begun.
    waiting: BTreeMap<usize, BTreeSet<usize>>,
    begun: BTreeSet<usize>,
    finished: BTreeSet<usize>,
}

impl Schedule {
    /// Adds a stage, or one that came to know that it needs more than it had when it began.
    pub(super) fn add(&mut self, stage: usize, needs: BTreeSet<usize>) {
        self.begun.remove(&stage);
        self.waiting.insert(stage, needs);
    }

    /// Tells whether a stage was added.
    pub(super) fn knows(&self, stage: usize) -> bool {
        self.waiting.contains_key(&stage) || self.begun.contains(&stage)
    }

    /// Returns the first stage that can begin.
    pub(super) fn next(&mut self) -> Option<usize> {
        let ready = |(_, needs): &(&usize, &BTreeSet<usize>)| needs.is_subset(&self.finished);
        let (stage, _) = self.waiting.iter().find(ready)?;
        let stage = *stage;
        self.waiting.remove(&stage);
        self.begun.insert(stage);
        Some(stage)
    }

    /// Lets those begin that waited for `stage` alone.
    pub(super) fn finish(&mut self, stage: usize) {
        self.finished.insert(stage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_begins_when_what_it_needs_is_finished() {
        let mut schedule = Schedule::default();
        schedule.add(0, BTreeSet::new());
        schedule.add(1, BTreeSet::new());
        schedule.add(2, [0].into());
        schedule.add(3, [1, 2].into());
        assert_eq!([schedule.next(), schedule.next(), schedule.next()], [Some(0), Some(1), None]);
        schedule.finish(0);
        assert_eq!([schedule.next(), schedule.next()], [Some(2), None]);
        schedule.finish(1);
        schedule.finish(2);
        assert_eq!([schedule.next(), schedule.next()], [Some(3), None]);
    }

    #[test]
    fn a_stage_that_needs_more_than_it_knew_waits_again() {
        let mut schedule = Schedule::default();
        schedule.add(1, BTreeSet::new());
        assert_eq!(schedule.next(), Some(1));
        assert!(schedule.knows(1) && !schedule.knows(0));
        schedule.add(0, BTreeSet::new());
        schedule.add(1, [0].into());
        assert_eq!([schedule.next(), schedule.next()], [Some(0), None]);
        schedule.finish(0);
        assert_eq!(schedule.next(), Some(1));
    }
}
