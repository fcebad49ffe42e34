//! What is reported.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{Result, contender::Contender, measure::Measurement};

/// The medians of all that was measured, as a table in Markdown.
pub(super) struct Table<S> {
    contenders: Vec<(&'static str, String)>,
    measured: BTreeMap<(S, &'static str), Vec<Measurement>>,
}

impl<S: Copy + Ord + fmt::Display> Table<S> {
    /// Begins one with the versions of the contenders; the first of them is ours.
    pub(super) fn new(contenders: &[&dyn Contender]) -> Result<Self> {
        let version = |one: &&dyn Contender| Ok((one.name(), one.version()?));
        let contenders = contenders.iter().map(version).collect::<Result<_>>()?;
        Ok(Self { contenders, measured: BTreeMap::new() })
    }

    /// Adds what one build took.
    pub(super) fn add(&mut self, scenario: S, contender: &'static str, one: Measurement) {
        self.measured.entry((scenario, contender)).or_default().push(one);
    }

    /// What was measured by scenario, and within one in the order of the contenders.
    fn ordered(&self) -> Vec<((S, &'static str), &[Measurement])> {
        let rank = |name| self.contenders.iter().position(|(other, _)| *other == name);
        let mut all: Vec<_> = self.measured.iter().map(|(key, all)| (*key, &**all)).collect();
        all.sort_by_key(|((scenario, name), _)| (*scenario, rank(*name)));
        all
    }

    /// The time of ours as a share of the fastest other.
    fn ratio(&self, scenario: S) -> Option<f64> {
        let time =
            |name| self.measured.get(&(scenario, name)).map(|all| median(all).time.as_secs_f64());
        let mut names = self.contenders.iter().map(|(name, _)| *name);
        let ours = time(names.next()?)?;
        let fastest = names.filter_map(time).min_by(f64::total_cmp)?;
        Some(ours / fastest)
    }
}

impl<S: Copy + Ord + fmt::Display> fmt::Display for Table<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.measured.values().map(Vec::len).max().unwrap_or(0);
        let versions: Vec<_> = self.contenders.iter().map(|(_, version)| &**version).collect();
        writeln!(f, "{}; medians of {rounds}.\n", versions.join(", "))?;
        writeln!(
            f,
            "| | program | time | of the fastest other | peak memory | written | requests |"
        )?;
        writeln!(f, "|---|---|--:|--:|--:|--:|--:|")?;
        let mut last = None;
        for ((scenario, name), all) in self.ordered() {
            let Measurement { time, memory, written, requests } = median(all);
            let is_first = last.replace(scenario) != Some(scenario);
            let title = if is_first { scenario.to_string() } else { String::new() };
            let ratio = self.ratio(scenario).filter(|_| is_first);
            let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            writeln!(
                f,
                "| {title} | {name} | {} | {ratio} | {} MB | {} MB | {requests} |",
                seconds(time),
                memory / 1_000_000,
                written / 1_000_000
            )?;
        }
        Ok(())
    }
}

/// The median of each figure by itself.
fn median(all: &[Measurement]) -> Measurement {
    fn middle<T: Ord + Copy>(all: &[Measurement], figure: impl Fn(&Measurement) -> T) -> T {
        let mut figures: Vec<_> = all.iter().map(figure).collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    }
    Measurement {
        time: middle(all, |one| one.time),
        memory: middle(all, |one| one.memory),
        written: middle(all, |one| one.written),
        requests: middle(all, |one| one.requests),
    }
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Scenario;

    fn took(milliseconds: u64) -> Measurement {
        let time = Duration::from_millis(milliseconds);
        Measurement { time, memory: 30_000_000, written: 2_000_000, requests: 4 }
    }

    #[test]
    fn medians_stand_beside_each_other() {
        let contenders = vec![("ours", "ours 1".into()), ("theirs", "theirs 2".into())];
        let mut table = Table { contenders, measured: BTreeMap::new() };
        for milliseconds in [90, 5_000, 100] {
            table.add(Scenario::Unchanged, "ours", took(milliseconds));
            table.add(Scenario::Unchanged, "theirs", took(milliseconds * 10));
        }
        insta::assert_snapshot!(table.to_string().trim_end(), @r"
        ours 1, theirs 2; medians of 3.

        | | program | time | of the fastest other | peak memory | written | requests |
        |---|---|--:|--:|--:|--:|--:|
        | Django app, unchanged commit | ours | 100 ms | 0.10 | 30 MB | 2 MB | 4 |
        |  | theirs | 1.00 s |  | 30 MB | 2 MB | 4 |
        ");
    }
}
