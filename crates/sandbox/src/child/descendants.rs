//! Ending every process below this one, which adopts those whose parents have ended
//! (`PR_SET_CHILD_SUBREAPER`).

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};

/// How long processes get to end before it is looked for new ones.
const PAUSE: Duration = Duration::from_millis(1);

/// Ends all of them and waits until they are gone.
pub(crate) fn end() -> io::Result<()> {
    loop {
        for pid in halted()? {
            // It may have been ended by another of them.
            let _ = kill_process(pid, Signal::KILL);
        }
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(Errno::CHILD) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        thread::sleep(PAUSE);
    }
}

/// Stops all of them, so that none starts another one behind our back, and returns them.
fn halted() -> io::Result<HashSet<Pid>> {
    let mut halted = HashSet::new();
    loop {
        let fresh: Vec<Pid> =
            below(getpid())?.into_iter().filter(|pid| !halted.contains(pid)).collect();
        if fresh.is_empty() {
            return Ok(halted);
        }
        for pid in fresh {
            let _ = kill_process(pid, Signal::STOP);
            halted.insert(pid);
        }
    }
}

/// Lists the processes below `ancestor`.
fn below(ancestor: Pid) -> io::Result<Vec<Pid>> {
    let mut children = BTreeMap::<i32, Vec<i32>>::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else { continue };
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut todo = vec![Pid::as_raw(Some(ancestor))];
    while let Some(pid) = todo.pop() {
        let next = children.remove(&pid).unwrap_or_default();
        found.extend(next.iter().filter_map(|pid| Pid::from_raw(*pid)));
        todo.extend(next);
    }
    Ok(found)
}

/// Reads the parent of a process from its `stat` (`proc_pid_stat(5)`). The name of the program
/// before it is in parentheses, and may have some of its own.
fn parent(stat: &[u8]) -> Option<i32> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = str::from_utf8(&stat[end + 1..]).ok()?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_behind_any_name() {
        assert_eq!(parent(b"42 (sh) S 7 42 42 0 -1"), Some(7));
        assert_eq!(parent(b"42 (a) b) S 1) S 9 42 42"), Some(9));
        assert_eq!(parent(b"42"), None);
    }
}
