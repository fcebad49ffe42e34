//! What is reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::{Case, Transfer, contestant::Contestant};

/// The medians of all that was measured, as a table in Markdown.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<Case, Vec<Transfer>>);

impl Table {
    pub(super) fn add(&mut self, case: Case, transfer: Transfer) {
        self.0.entry(case).or_default().push(transfer);
    }

    fn time(&self, case: Case, server: Contestant) -> Option<Duration> {
        self.0.get(&Case { server, ..case }).map(|all| middle(all.iter().map(|one| one.time)))
    }

    /// The most memory that a server has had in a case.
    fn memory(&self, case: Case, server: Contestant) -> Option<u64> {
        self.0.get(&Case { server, ..case }).map(|all| middle(all.iter().map(|one| one.memory)))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounds = self.0.values().map(Vec::len).max().unwrap_or(0);
        writeln!(f, "Medians of {rounds}.\n")?;
        writeln!(
            f,
            "| | client | embedded | CNCF distribution | ratio | memory, embedded | distribution |"
        )?;
        writeln!(f, "|---|---|--:|--:|--:|--:|--:|")?;
        let server = Contestant::Embedded;
        let cases: BTreeSet<_> = self.0.keys().map(|case| Case { server, ..*case }).collect();
        for case in cases {
            let both = |figure: &dyn Fn(Contestant) -> Option<f64>| {
                figure(Contestant::Embedded).zip(figure(Contestant::Distribution))
            };
            let times = both(&|server| Some(self.time(case, server)?.as_secs_f64()));
            #[expect(clippy::cast_precision_loss, reason = "megabytes without a fraction")]
            let memory = both(&|server| Some(self.memory(case, server)? as f64 / 1e6));
            let (Some((ours, theirs)), Some((own, other))) = (times, memory) else { continue };
            let Case { images, operation, client, .. } = case;
            let ratio = ours / theirs;
            #[expect(clippy::cast_precision_loss, reason = "megabytes without a fraction")]
            let rate = |seconds: f64| images.bytes() as f64 / 1e6 / seconds;
            writeln!(
                f,
                "| {operation}, {images} | {client} | {ours:.2} s ({:.0} MB/s) | {theirs:.2} s ({:.0} MB/s) \
                 | {ratio:.2} | {own:.0} MB | {other:.0} MB |",
                rate(ours),
                rate(theirs),
            )?;
        }
        Ok(())
    }
}

fn middle<T: Ord>(figures: impl Iterator<Item = T>) -> T {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_unstable();
    let middle = figures.len() / 2;
    figures.swap_remove(middle)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Images, Operation},
        *,
    };

    #[test]
    fn servers_stand_beside_each_other() {
        let mut table = Table::default();
        for (server, time) in [
            (Contestant::Embedded, 900),
            (Contestant::Embedded, 9_000),
            (Contestant::Embedded, 1_000),
            (Contestant::Distribution, 2_000),
        ] {
            let (images, operation) = (Images::Large, Operation::Push);
            let case = Case { images, operation, client: "notes-build", server };
            table.add(case, Transfer { time: Duration::from_millis(time), memory: 20_000_000 });
        }
        insta::assert_snapshot!(table.to_string().trim_end(), @r"
        Medians of 3.

        | | client | embedded | CNCF distribution | ratio | memory, embedded | distribution |
        |---|---|--:|--:|--:|--:|--:|
        | push, 1 × 1 GB | notes-build | 1.00 s (1000 MB/s) | 2.00 s (500 MB/s) | 0.50 | 20 MB | 20 MB |
        ");
    }
}
