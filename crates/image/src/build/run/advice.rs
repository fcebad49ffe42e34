//! What to do about a command that failed: the frequent causes, told by how it ended and what it said last.

mod manager;
mod sayings;

use notes_sandbox::{Exit, Network};

pub(super) use manager::Manager;

use sayings::{OFFLINE, SAYINGS};

/// A command that failed, and what its image tells about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    pub(super) exit: Exit,
    /// The last lines it wrote.
    pub(super) output: &'a [String],
    /// Who it ran as.
    pub(super) uid: u32,
    pub(super) network: Network,
    pub(super) manager: Option<Manager>,
}

/// Returns what a person may do about it, if the cause is one of the frequent ones.
pub(super) fn advice(failure: &Failure<'_>) -> Option<String> {
    let lines: Vec<String> = failure.output.iter().map(|line| line.to_lowercase()).collect();
    let says = |words: &&str| lines.iter().any(|line| line.contains(*words));
    if let Some((_, advice)) = SAYINGS.iter().find(|(words, _)| words.iter().any(&says)) {
        return Some((*advice).to_owned());
    }
    if OFFLINE.iter().any(&says) {
        return Some(unreachable(failure.network).to_owned());
    }
    match failure.exit.shell_status() {
        137 => Some(
            "something killed it, most likely for want of memory: give the job more, or let fewer processes run at once"
                .to_owned(),
        ),
        127 => {
            let name = failure.output.iter().rev().find_map(|line| missing(line))?;
            Some(absent(name, failure.manager))
        }
        _ if failure.uid != 0 && says(&"permission denied") => Some(format!(
            "it ran as user {}: write `USER root` before it and the user again after it, or give that user the files with `COPY --chown`",
            failure.uid
        )),
        126 => Some(
            "the file cannot be executed: `git update-index --chmod=+x FILE` makes it so in the repository, `COPY --chmod=755` in the image"
                .to_owned(),
        ),
        _ => None,
    }
}

fn unreachable(network: Network) -> &'static str {
    match network {
        Network::None => "`--network=none` gives this step no network",
        Network::Host => {
            "the step has the network of the job: behind a proxy, give `--build-arg HTTPS_PROXY=…` and `HTTP_PROXY`, else look at its name server"
        }
    }
}

/// Returns the program that a shell did not find: `/bin/sh: 1: curl: not found`, `bash: line 1: curl: command not found`.
fn missing(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let line =
        line.strip_suffix(": not found").or_else(|| line.strip_suffix(": command not found"))?;
    let name = line.rsplit(": ").next()?;
    (!name.is_empty() && !name.contains(char::is_whitespace)).then_some(name)
}

fn absent(name: &str, manager: Option<Manager>) -> String {
    if name.contains('/') {
        return format!(
            "`{name}` is not in the image, or the program that its `#!` line names is not: Windows line ends make that a name that nothing has"
        );
    }
    match manager {
        Some(manager) => format!(
            "`{name}` is not in the image; if its package is called so, `{}` installs it",
            manager.install(name)
        ),
        None => format!(
            "`{name}` is not in the image, and nothing that installs packages: run it in an earlier stage and copy what it makes"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: i32, output: &str) -> Option<String> {
        let output: Vec<String> = output.lines().map(str::to_owned).collect();
        let manager = Some(Manager::Apt);
        let (exit, network) = (Exit::Code(status), Network::Host);
        advice(&Failure { exit, output: &output, uid: 0, network, manager })
    }

    /// What the programs write, copied from their output.
    #[test]
    fn frequent_causes_have_advice() {
        for (status, output, advice) in [
            (127, "/bin/sh: 1: curl: not found", "install --yes curl"),
            (127, "/bin/sh: git: not found", "install --yes git"),
            (127, "/bin/bash: line 1: make: command not found", "install --yes make"),
            (127, "bash: pip: command not found\nbye", "install --yes pip"),
            (127, "/bin/sh: 1: ./run.sh: not found", "`#!` line"),
            (127, "/usr/bin/env: 'bash\\r': No such file or directory", "Windows line ends"),
            (126, "/bin/sh: ./a: /bin/sh^M: bad interpreter: No such file or directory", "Windows"),
            (127, "/bin/sh: line 2: $'\\r': command not found", "Windows line ends"),
            (126, "/bin/sh: 1: ./run.sh: Permission denied", "--chmod=755"),
            (126, "/bin/sh: 1: /app: Exec format error", "another architecture"),
            (2, "exec /app: exec format error", "another architecture"),
            (137, "Killed", "memory"),
            (
                134,
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
                "node's heap",
            ),
            (100, "E: Unable to locate package curl", "apt-get update &&"),
            (100, "E: Package 'x' has no installation candidate", "apt-get update &&"),
            (
                100,
                "  404  Not Found [IP: 192.0.2.1 80]\nE: Unable to fetch some archives",
                "apt-get update &&",
            ),
            (1, "Do you want to continue? [Y/n] Abort.", "--yes"),
            (100, "Temporary failure resolving 'deb.debian.org'", "proxy"),
            (6, "curl: (6) Could not resolve host: example.com", "proxy"),
            (1, "wget: bad address 'example.com'", "proxy"),
            (1, "npm error code EAI_AGAIN", "proxy"),
            (1, "[Errno -3] Temporary failure in name resolution')': /simple/django/", "proxy"),
            (1, "error: externally-managed-environment", "venv"),
            (1, "ERROR: No matching distribution found for django==99", "index"),
            (
                1,
                "ERROR: Could not open requirements file: [Errno 2] No such file",
                "COPY requirements.txt",
            ),
            (1, "Error: pg_config executable not found.", "psycopg2-binary"),
            (1, "error: command 'gcc' failed: No such file or directory", "compiler"),
            (
                1,
                "npm error The `npm ci` command can only install with an existing package-lock.json",
                "package-lock.json",
            ),
            (254, "npm error enoent Could not read package.json: Error: ENOENT", "`package.json`"),
            (1, "  busybox-x (no such package):\nERROR: unable to select packages:", "Alpine"),
            (128, "git@example.com: Permission denied (publickey).", "--mount=type=ssh"),
            (128, "Host key verification failed.\nfatal: Could not read", "ssh_known_hosts"),
            (1, "OSError: [Errno 28] No space left on device", "disk"),
            (
                1,
                "ssl.SSLCertVerificationError: certificate verify failed: unable to get",
                "ca-certificates",
            ),
            (1, "ImproperlyConfigured: The SECRET_KEY setting must not be empty.", "placeholder"),
        ] {
            let told = told(status, output).unwrap_or_else(|| panic!("{output}"));
            assert!(told.contains(advice), "{output}: {told}");
        }
    }

    #[test]
    fn what_is_not_known_has_none() {
        for (status, output) in [
            (1, "AssertionError"),
            (2, "make: *** [all] Error 2"),
            (1, "Permission denied"),
            (127, ""),
            (127, "the page was not found"),
            (1, "npm error Could not resolve dependency:"),
            (3, "/bin/sh: curl: not found, going on without"),
        ] {
            assert_eq!(told(status, output), None, "{output}");
        }
    }

    #[test]
    fn advice_depends_on_the_image_and_the_step() {
        let output = |text: &str| vec![text.to_owned()];
        let (host, exit) = (Network::Host, Exit::Code(127));
        let curl = output("/bin/sh: curl: not found");
        let told = |manager| {
            advice(&Failure { exit, output: &curl, uid: 0, network: host, manager }).unwrap()
        };
        assert!(told(Some(Manager::Apk)).contains("`apk add --no-cache curl`"));
        assert!(told(None).contains("earlier stage"));
        let exit = Exit::Code(1);
        let output = output("mkdir: cannot create directory '/x': Permission denied");
        let failure = Failure { exit, output: &output, uid: 1000, network: host, manager: None };
        assert!(advice(&failure).unwrap().contains("ran as user 1000"));
        let output = ["could not resolve host".to_owned()];
        let failure = Failure { output: &output, network: Network::None, ..failure };
        assert_eq!(advice(&failure).unwrap(), "`--network=none` gives this step no network");
        let failure = Failure { exit: Exit::Signal(9), output: &[], ..failure };
        assert!(advice(&failure).unwrap().contains("memory"));
    }
}
