//! A root file system made of busybox, and commands run in it by a process of its own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Stdio};

use notes_sandbox::{Command, Exit, Root};
use serde::Deserialize;
use tempfile::TempDir;

const BUSYBOX: &str = "/bin/busybox";
/// Nobody: a user who owns nothing and has no subordinate ids.
const NOBODY: u32 = 65534;
const APPLETS: &str = "sh ls cat echo id ps env touch mkdir rm mv ln stat sleep chown chmod mknod head \
                       hostname grep ip test wc true find sort cp setsid";

/// Who runs the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The user of this test run.
    Current,
    /// An ordinary user with a single id.
    Single,
    /// An ordinary user with subordinate ids.
    Ranges,
    /// Root, on the rung without mounts.
    Chroot,
}

/// Those that have name spaces.
const WITH_NAME_SPACES: [Who; 3] = [Who::Current, Who::Single, Who::Ranges];

/// What `sandbox-probe run` prints for one command.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) exit: Option<Exit>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) error: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) changes: Vec<String>,
}

impl Answer {
    /// Returns standard output of a command that succeeded.
    #[track_caller]
    pub(crate) fn success(&self) -> &str {
        assert_eq!(self.exit, Some(Exit::Code(0)), "{self:#?}");
        &self.stdout
    }
}

/// One directory with everything a command needs.
#[derive(Debug)]
pub(crate) struct World {
    directory: TempDir,
    who: Who,
}

/// Runs a test as everyone with name spaces this machine allows; says who is skipped and why.
pub(crate) fn everyone(test: &str, run: impl Fn(World)) {
    for who in WITH_NAME_SPACES {
        as_user(test, who, &run);
    }
}

/// Runs a test as everyone and on every rung.
pub(crate) fn everywhere(test: &str, run: impl Fn(World)) {
    everyone(test, &run);
    as_user(test, Who::Chroot, &run);
}

/// Runs a test as one of them.
pub(crate) fn as_user(test: &str, who: Who, run: impl Fn(World)) {
    match World::new(who) {
        Ok(world) => run(world),
        Err(reason) => {
            #[expect(clippy::print_stderr, reason = "xtask counts these lines")]
            {
                eprintln!("SKIPPED {test} ({who:?}): {reason}");
            }
        }
    }
}

impl World {
    fn new(who: Who) -> Result<Self, String> {
        let root = rustix::process::geteuid().is_root();
        if !Path::new(BUSYBOX).exists() {
            return Err(format!("no {BUSYBOX} (package busybox-static)"));
        }
        if who != Who::Current && !root {
            return Err("only root can become another user".to_owned());
        }
        if who == Who::Ranges {
            for needed in
                ["/usr/bin/newuidmap", "/usr/bin/unshare", "/usr/bin/setpriv", "/etc/subuid"]
            {
                if !Path::new(needed).exists() {
                    return Err(format!("no {needed}"));
                }
            }
        }
        let world = Self { directory: tempfile::tempdir().unwrap(), who };
        world.fill();
        if who == Who::Chroot {
            return Ok(world);
        }
        let output = world.process(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).replace('\n', "; ");
        if said.starts_with("isolation: namespaces") { Ok(world) } else { Err(said) }
    }

    fn fill(&self) {
        let base = self.path("base");
        for directory in
            ["base/bin", "base/etc", "base/tmp", "base/root/old", "upper", "work", "at"]
        {
            fs::create_dir_all(self.path(directory)).unwrap();
        }
        fs::copy(BUSYBOX, base.join("bin/busybox")).unwrap();
        for applet in APPLETS.split_whitespace() {
            symlink("busybox", base.join("bin").join(applet)).unwrap();
        }
        fs::set_permissions(base.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        fs::write(base.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
        fs::write(base.join("root/old/file"), "old\n").unwrap();
        let program = self.path("sandbox-probe");
        let built = env!("CARGO_BIN_EXE_sandbox-probe");
        if fs::hard_link(built, &program).is_err() {
            fs::copy(built, &program).unwrap();
        }
        fs::write(self.path("subuid"), format!("{NOBODY}:100000:70000\n")).unwrap();
        fs::set_permissions(self.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        self.give_away();
    }

    /// Makes the user the owner of all that was made so far.
    pub(crate) fn give_away(&self) {
        fn give(path: &Path) {
            std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            if fs::symlink_metadata(path).unwrap().is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    give(&entry.unwrap().path());
                }
            }
        }
        if self.is_another_user() {
            for entry in ["base", "upper", "work", "at", "above"] {
                if self.path(entry).exists() {
                    give(&self.path(entry));
                }
            }
            chown(self.directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn is_another_user(&self) -> bool {
        matches!(self.who, Who::Single | Who::Ranges)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a directory of the user's.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        if self.is_another_user() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path
    }

    /// Makes a file of the user's.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        if self.is_another_user() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path
    }

    pub(crate) fn root(&self) -> Root {
        Root::new(vec![self.path("base")], self.path("upper"), self.path("work"))
    }

    /// Returns a command that runs a shell script.
    pub(crate) fn script(&self, script: &str) -> Command {
        let mut command = Command::new(self.root(), ["/bin/sh", "-c", script]);
        command.env = vec![("PATH".to_owned(), "/bin".to_owned())];
        command
    }

    pub(crate) fn run(&self, command: Command) -> Answer {
        self.run_all(&[command]).pop().unwrap()
    }

    /// Runs commands at the same time, in one process.
    pub(crate) fn run_all(&self, commands: &[Command]) -> Vec<Answer> {
        Self::answers(self.start(commands))
    }

    /// Runs commands on top of each other, in one process.
    pub(crate) fn chain(&self, scripts: &[&str]) -> Vec<Answer> {
        let command = |(number, script): (usize, &&str)| {
            let mut command = self.script(script);
            command.root.upper = self.directory(&format!("upper-{number}"));
            command.root.work = self.directory(&format!("work-{number}"));
            command
        };
        let commands: Vec<Command> = scripts.iter().enumerate().map(command).collect();
        Self::answers(self.ask("chain", &commands))
    }

    fn answers(child: Child) -> Vec<Answer> {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    pub(crate) fn start(&self, commands: &[Command]) -> Child {
        self.ask("run", &commands)
    }

    /// Starts `sandbox-probe` with a word and a question.
    pub(crate) fn ask(&self, word: &str, question: &impl serde::Serialize) -> Child {
        let mut process = match self.who {
            Who::Chroot => self.process(&[word, "chroot"]),
            _ => self.process(&[word]),
        };
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = process.spawn().unwrap();
        let question = serde_json::to_vec(question).unwrap();
        child.stdin.take().unwrap().write_all(&question).unwrap();
        child
    }

    fn process(&self, arguments: &[&str]) -> process::Command {
        let program = self.path("sandbox-probe");
        let mut process = match self.who {
            Who::Current | Who::Single | Who::Chroot => process::Command::new(program),
            Who::Ranges => self.with_ranges(&program),
        };
        process.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("LEAK", "leaked");
        process.current_dir(self.directory.path());
        if self.who == Who::Single {
            process.uid(NOBODY).gid(NOBODY);
        }
        process
    }

    /// Gives nobody subordinate ids that only this one process sees.
    fn with_ranges(&self, program: &Path) -> process::Command {
        let script = "mount --bind \"$1\" /etc/subuid && mount --bind \"$1\" /etc/subgid && shift && \
                      exec setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\"";
        let mut process = process::Command::new("/usr/bin/unshare");
        process.args(["--mount", "--", "/bin/sh", "-c", script, "sh"]);
        process.arg(self.path("subuid")).arg(program);
        process
    }
}
