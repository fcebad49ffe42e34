//! Giving ids to a user namespace (`user_namespaces(7)`, `newuidmap(1)`).

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use rustix::process::{getegid, geteuid};

use crate::ids::Ids;
use crate::wire::{Doing, Failure};

/// One line of a map: first id inside, first id outside, how many.
type Line = (u32, u32, u32);

/// Writes the maps of a process that has just entered a user namespace: all ids this process has if
/// it is root, else its own and its subordinate ones, else only its own. Returns why there are not
/// more.
pub(crate) fn write(pid: u32) -> Result<Option<String>, Failure> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    if uid == 0 && write_own(pid).is_ok() {
        return Ok(None);
    }
    let limit = match subordinate(uid, gid).and_then(|maps| write_subordinate(pid, &maps)) {
        Ok(()) => return Ok(None),
        Err(limit) => limit,
    };
    let write = |name: &str, text: &str| fs::write(format!("/proc/{pid}/{name}"), text);
    // The order is the kernel's: groups can only be mapped once setgroups is given up.
    write("setgroups", "deny").doing(|| "give up setgroups".to_owned())?;
    write("uid_map", &format!("0 {uid} 1")).doing(|| "map the user id".to_owned())?;
    write("gid_map", &format!("0 {gid} 1")).doing(|| "map the group id".to_owned())?;
    Ok(Some(limit))
}

/// Reads the ids a process has.
pub(crate) fn read(pid: u32) -> io::Result<Ids> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
    Ok(Ids::parse(&read("uid_map")?, &read("gid_map")?))
}

/// Maps every id of this process to itself.
fn write_own(pid: u32) -> io::Result<()> {
    for name in ["uid_map", "gid_map"] {
        let own = fs::read_to_string(format!("/proc/self/{name}"))?;
        let mut map = String::new();
        for line in own.lines() {
            let mut fields = line.split_ascii_whitespace();
            if let (Some(first), Some(_), Some(count)) =
                (fields.next(), fields.next(), fields.next())
            {
                let _ = writeln!(map, "{first} {first} {count}");
            }
        }
        fs::write(format!("/proc/{pid}/{name}"), map)?;
    }
    Ok(())
}

/// The maps for users and groups.
#[derive(Debug, PartialEq, Eq)]
struct Maps {
    users: Vec<Line>,
    groups: Vec<Line>,
}

/// Reads what `/etc/subuid` and `/etc/subgid` grant (`subuid(5)`), or says what is missing.
fn subordinate(uid: u32, gid: u32) -> Result<Maps, String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = user_name(&passwd, uid);
    let map = |own: u32, path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let granted = granted(&text, uid, name);
        if granted.is_empty() {
            return Err(format!("{path} has no line for user {}", name.unwrap_or("with this id")));
        }
        Ok(lines(own, &granted))
    };
    Ok(Maps { users: map(uid, "/etc/subuid")?, groups: map(gid, "/etc/subgid")? })
}

fn user_name(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

/// Returns the granted ranges, as first id and count.
fn granted(text: &str, uid: u32, name: Option<&str>) -> Vec<(u32, u32)> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let owner = fields.next()?;
            let ours = Some(owner) == name || owner.parse() == Ok(uid);
            let range = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            (ours && range.1 > 0).then_some(range)
        })
        .collect()
}

/// Puts the own id at 0 and the granted ones behind it.
fn lines(own: u32, granted: &[(u32, u32)]) -> Vec<Line> {
    let mut lines = vec![(0, own, 1)];
    let mut inside = 1_u32;
    for (first, count) in granted {
        lines.push((inside, *first, *count));
        inside = inside.saturating_add(*count);
    }
    lines
}

/// Has the setuid programs of package `uidmap` write the maps, or says why they did not.
fn write_subordinate(pid: u32, maps: &Maps) -> Result<(), String> {
    for (program, map) in [("newuidmap", &maps.users), ("newgidmap", &maps.groups)] {
        let numbers = map.iter().flat_map(|(inside, outside, count)| [inside, outside, count]);
        let output = Command::new(program)
            .arg(pid.to_string())
            .args(numbers.map(u32::to_string))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(said.trim().to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_granted_by_name_or_number() {
        let text = "alice:100000:65536\n1000:300000:10\nbob:1:1\nbroken\n";
        assert_eq!(granted(text, 1000, Some("alice")), [(100_000, 65536), (300_000, 10)]);
        assert_eq!(granted(text, 1001, None), []);
    }

    #[test]
    fn the_own_id_is_root_and_granted_ones_follow() {
        let lines = lines(1000, &[(100_000, 65536), (300_000, 10)]);
        assert_eq!(lines, [(0, 1000, 1), (1, 100_000, 65536), (65537, 300_000, 10)]);
    }

    #[test]
    fn a_user_is_found_by_id() {
        let passwd = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(user_name(passwd, 1000), Some("alice"));
        assert_eq!(user_name(passwd, 1001), None);
    }
}
