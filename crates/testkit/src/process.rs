//! Other programs, run to their end, with their words passed on line by line.

use std::{
    io::{self, BufRead as _, BufReader, Read},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

/// Runs a command and hands each line of its stdout and stderr to `line` as it comes.
///
/// # Errors
///
/// Where it cannot be started, or its output cannot be read.
pub fn stream(command: &mut Command, mut line: impl FnMut(&str)) -> io::Result<ExitStatus> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (sender, lines) = mpsc::channel();
    let readers = [
        child.stdout.take().map(|pipe| forward(pipe, sender.clone())),
        child.stderr.take().map(|pipe| forward(pipe, sender)),
    ];
    for text in lines {
        line(&text);
    }
    for reader in readers.into_iter().flatten() {
        reader.join().expect("a reader of lines does not panic");
    }
    child.wait()
}

/// Sends the lines of a pipe until it ends. Bytes that are no UTF-8 are replaced.
fn forward(
    pipe: impl Read + Send + 'static,
    lines: mpsc::Sender<String>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if lines.send(text).is_err() {
                break;
            }
        }
    })
}

/// Returns the path of a program, looked for in `PATH` and in the directories of the administrator's programs.
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path)
        .chain(administrators)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// True where this process is root. Asked of the kernel by the owner of its own directory in `/proc`.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// True where this process may mount, which root in a container often may not: `CAP_SYS_ADMIN` is among its effective
/// capabilities.
pub fn may_mount() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| has_capability(&status, 21))
}

/// Reads the mask of effective capabilities; their numbers are those of capability.h.
fn has_capability(status: &str, number: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << number) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_streams_and_the_status_come_back() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo error >&2; exit 3"]);
        let status = stream(&mut command, |line| lines.push(line.to_owned())).unwrap();
        lines.sort();
        assert_eq!(lines, ["error", "out"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn capabilities_are_read_from_their_mask() {
        let docker_job = "Name:\tsh\nCapEff:\t00000000a80425fb\nCapBnd:\t000001ffffffffff\n";
        assert!(!has_capability(docker_job, 21));
        assert!(has_capability("CapEff:\t000001ffffffffff\n", 21));
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(find("sh").is_some());
        assert_eq!(find("notes-no-such-program"), None);
    }
}
