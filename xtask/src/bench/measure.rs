//! What commands take: time, memory, bytes written to disks, requests.

use std::{
    collections::BTreeSet,
    fmt, fs,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Result, contender::Contender, registry::Registry};
use crate::compare::succeeded;

/// How often memory is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// What the commands of one contender took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measurement {
    pub(super) time: Duration,
    /// The peak of what the contender's programs held together, in bytes, shared pages divided among those who share them;
    /// what they start themselves (`RUN`) is not theirs.
    pub(super) memory: u64,
    /// Bytes that this machine wrote to its disks until all was on them.
    pub(super) written: u64,
    pub(super) requests: usize,
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, memory, written, requests } = self;
        let (memory, written) = (memory / 1_000_000, written / 1_000_000);
        write!(
            f,
            "{} ms, {memory} MB memory, {written} MB written, {requests} requests",
            time.as_millis()
        )
    }
}

/// Runs `commands` of `contender`, which talk to `registry`, and measures it.
pub(super) fn measure(
    contender: &dyn Contender,
    commands: Vec<Command>,
    registry: &Registry,
) -> Result<Measurement> {
    settle()?;
    let (written, requests) = (written()?, registry.requests()?);
    let (programs, building) = (contender.programs(), AtomicBool::new(true));
    let (time, memory) = thread::scope(|scope| -> Result<_> {
        let memory = scope.spawn(|| peak(programs, &building));
        let started = Instant::now();
        let ended = commands.into_iter().try_for_each(|command| succeed(contender, command));
        let time = started.elapsed();
        building.store(false, Ordering::Relaxed);
        let memory = memory.join().expect("looking at memory does not panic");
        ended.map(|()| (time, memory))
    })?;
    settle()?;
    let written = self::written()?.saturating_sub(written);
    let requests = registry.requests()?.saturating_sub(requests);
    Ok(Measurement { time, memory, written, requests })
}

fn succeed(contender: &dyn Contender, mut command: Command) -> Result<()> {
    let ended = command.stdin(Stdio::null()).output().and_then(succeeded);
    ended.map(drop).map_err(|error| format!("{contender} failed: {error}").into())
}

/// Waits until what was written is on the disks, so that nobody pays for the one before.
pub(super) fn settle() -> Result<()> {
    if Command::new("sync").status()?.success() { Ok(()) } else { Err("sync failed".into()) }
}

/// Bytes that the disks have written since the machine started (the kernel's iostats.rst: the tenth field, in sectors of 512 bytes).
fn written() -> Result<u64> {
    let table = fs::read_to_string("/proc/diskstats")?;
    let is_disk = |name: &str| fs::exists(format!("/sys/block/{name}/device")).unwrap_or(false);
    Ok(table.lines().filter_map(|line| sectors(line, is_disk)).sum::<u64>() * 512)
}

fn sectors(line: &str, is_disk: impl Fn(&str) -> bool) -> Option<u64> {
    let mut fields = line.split_whitespace().skip(2);
    let name = fields.next()?;
    if is_disk(name) { fields.nth(6)?.parse().ok() } else { None }
}

/// The peak of what `programs` hold together while `building`.
fn peak(programs: &[&str], building: &AtomicBool) -> u64 {
    let mut peak = 0;
    while building.load(Ordering::Relaxed) {
        peak = peak.max(processes(programs).iter().filter_map(|process| held(*process)).sum());
        thread::sleep(INTERVAL);
    }
    peak
}

fn processes(programs: &[&str]) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_one = |process: &u32| {
        let program = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
        let name = program.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| programs.contains(&name))
    };
    numbers.filter(is_one).collect()
}

/// The proportional set size of a process, in bytes (proc(5), `smaps_rollup`).
fn held(process: u32) -> Option<u64> {
    let table = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sectors_written_are_the_tenth_field_of_a_disk() {
        let line = "   8       0 sda 1 2 3 4 5 6 7000 8 9 10 11";
        assert_eq!(sectors(line, |name| name == "sda"), Some(7000));
        assert_eq!(sectors(line, |_| false), None);
    }

    #[test]
    fn a_process_holds_memory() {
        assert!(held(std::process::id()).is_some_and(|bytes| bytes > 100_000));
    }
}
