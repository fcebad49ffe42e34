//! Git repositories made for a test, the same every time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

/// The hash a repository names its objects by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectFormat {
    /// What nearly every repository has.
    #[default]
    Sha1,
    /// `git init --object-format=sha256`.
    Sha256,
}

/// A git repository in a temporary directory, with a fixed author, a clock that moves a minute per commit, and no
/// configuration of the machine: the same script gives the same commit ids everywhere.
///
/// ```no_run
/// # fn test() {
/// let Some(repository) = notes_testkit::TestRepo::new("a_commit_is_named") else { return };
/// repository.write("Dockerfile", "FROM scratch\n");
/// let commit = repository.commit("Add a Dockerfile");
/// assert_eq!(commit.len(), 40);
/// # }
/// ```
#[derive(Debug)]
pub struct TestRepo {
    directory: TempDir,
    commits: AtomicU32,
}

impl TestRepo {
    /// Makes an empty repository with the branch `main`, or says why `test` is skipped: there is no git binary.
    pub fn new(test: &str) -> Option<Self> {
        Self::with_format(test, ObjectFormat::Sha1)
    }

    /// Makes an empty repository that names its objects by `format`.
    pub fn with_format(test: &str, format: ObjectFormat) -> Option<Self> {
        if !is_git_there() {
            crate::skip(test, "there is no git binary to make a repository with");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let repository = Self { directory, commits: AtomicU32::new(0) };
        let format = match format {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        };
        let option = format!("--object-format={format}");
        repository.git(&["init", "--quiet", "--initial-branch=main", &option]);
        Some(repository)
    }

    /// Returns the working directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file, with the directories on the way.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        let parent = path.parent().expect("a file below the repository has a parent");
        fs::create_dir_all(parent).expect("a directory can be made");
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Commits all there is and returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository and returns what it prints, trimmed.
    ///
    /// # Panics
    ///
    /// When git fails: then the fixture is wrong.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(self.path(), arguments)
    }

    /// Runs git in another directory, such as a clone, with the same author and clock.
    ///
    /// # Panics
    ///
    /// When git fails.
    pub fn git_in(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.run(directory, arguments).expect("git can be started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?} failed: {stderr}");
        String::from_utf8_lossy(&output.stdout).trim().into()
    }

    fn run(&self, directory: &Path, arguments: &[&str]) -> io::Result<Output> {
        // 2024-01-02 03:04:05 UTC, and a minute more for each commit.
        let seconds = 1_704_164_645 + 60 * u64::from(self.commits.load(Ordering::Relaxed));
        let date = format!("{seconds} +0000");
        let mut command = command("git");
        command.args(arguments).current_dir(directory);
        for (name, value) in [
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.com"),
            ("GIT_AUTHOR_DATE", &date),
            ("GIT_COMMITTER_DATE", &date),
            // A clone from a path with submodules or a shallow depth needs this.
            ("GIT_ALLOW_PROTOCOL", "file"),
        ] {
            command.env(name, value);
        }
        command.output()
    }
}

/// Returns a command without any configuration of the machine.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in
        [("HOME", "/nonexistent"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")]
    {
        command.env(name, value);
    }
    command
}

fn is_git_there() -> bool {
    Command::new("git").arg("--version").output().is_ok_and(|output| output.status.success())
}
