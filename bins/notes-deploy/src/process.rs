//! This process, so that another can tell whether it has ended.

use std::{fs, time::Duration};

use notes_k8s_deploy::lock;

/// Returns how this process locks an application that another deploys; it waits for `wait` at most.
pub(crate) fn lock(wait: Duration) -> lock::Options {
    lock::Options { wait, process: identity(), has_ended }
}

/// Returns what identifies this process: the boot of its machine, its process namespace, its number and when it began.
fn identity() -> String {
    let (boot, namespace) = surroundings().unwrap_or_default();
    let number = std::process::id();
    let start = start(number).unwrap_or_default();
    format!("{boot} {namespace} {number} {start}")
}

/// Tells whether a process is known to have ended. Of another machine, or from within a container, that cannot be told.
fn has_ended(identity: &str) -> bool {
    let words: Vec<_> = identity.split(' ').collect();
    let [boot, namespace, number, begun] = words.as_slice() else { return false };
    let is_here = surroundings().is_some_and(|here| here == ((*boot).into(), (*namespace).into()));
    let Ok(number) = number.parse() else { return false };
    is_here && start(number).is_none_or(|start| start != *begun)
}

fn surroundings() -> Option<(String, String)> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some((boot.trim().into(), namespace.display().to_string()))
}

/// Returns when a process began, in ticks since boot (proc(5), field 22 of `stat`); nothing for one that has ended.
fn start(number: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    // A zombie waits for its parent alone.
    (state != "Z").then(|| fields.nth(18).map(Into::into)).flatten()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_ended_is_known_to_have() {
        let ours = identity();
        assert!(!has_ended(&ours), "{ours}");
        let mut child = Command::new("true").spawn().unwrap();
        let number = child.id().to_string();
        child.wait().unwrap();
        let words: Vec<_> = ours.split(' ').collect();
        let gone = format!("{} {} {number} {}", words[0], words[1], words[3]);
        assert!(has_ended(&gone), "{gone}");
        let later = format!("{} {} {} 1", words[0], words[1], words[2]);
        assert!(has_ended(&later), "another has its number now");
        let elsewhere = format!("boot {} {number} 1", words[1]);
        assert!(!has_ended(&elsewhere) && !has_ended(""));
    }
}
