//! A person's surroundings: a repository, a registry, an environment of their own, and `notes-build`.

use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use notes_testkit::{
    TestRepo,
    registry::{Login, TestRegistry},
    skip,
};
use tempfile::TempDir;

/// What a test runs `notes-build` in.
pub(crate) struct World {
    pub(crate) repository: TestRepo,
    pub(crate) registry: TestRegistry,
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    /// Makes an empty repository and an open registry, or says why `test` is skipped.
    pub(crate) async fn new(test: &str) -> Option<Self> {
        Self::with_login(test, Login::Open).await
    }

    pub(crate) async fn with_login(test: &str, login: Login) -> Option<Self> {
        Some(Self {
            repository: TestRepo::new(test)?,
            registry: TestRegistry::with_login(login).await,
            home: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        })
    }

    /// Pushes `busybox:1` to the registry, which mirrors Docker Hub from then on; says why `test` is skipped otherwise.
    pub(crate) fn push_base(&mut self, test: &str) -> Option<()> {
        const APPLETS: [&str; 7] = ["sh", "cat", "echo", "id", "ls", "sleep", "true"];
        let Some(busybox) = busybox() else {
            skip(test, "there is no static busybox to make a base image of");
            return None;
        };
        let base = TestRepo::new(test)?;
        let program = base.write("bin/busybox", std::fs::read(busybox).unwrap());
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        for applet in APPLETS {
            std::os::unix::fs::symlink("busybox", base.path().join("bin").join(applet)).unwrap();
        }
        base.write("Dockerfile", "FROM scratch\nCOPY bin /bin\nENV PATH=/bin\nCMD [\"sh\"]\n");
        base.commit("A base");
        let image = format!("{}/library/busybox", self.registry.registry());
        let pushed = self.run_in(base.path(), &["--image", &image, "--tag", "1"]);
        assert_eq!(pushed.status, 0, "{pushed}");
        self.set("NOTES_MIRRORS", &format!("docker.io={}", self.registry.registry()));
        Some(())
    }

    /// Sets a variable for every later run.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), value.into()));
    }

    /// Writes a Dockerfile and commits it with all else there is.
    pub(crate) fn commit(&self, dockerfile: &str) {
        self.repository.write("Dockerfile", dockerfile);
        self.repository.commit("Change");
    }

    /// The name that images are pushed under.
    pub(crate) fn image(&self) -> String {
        format!("{}/team/app", self.registry.registry())
    }

    /// Builds in the repository and pushes to the registry.
    pub(crate) fn build(&self, arguments: &[&str]) -> Ran {
        let image = self.image();
        self.run(&[&["--image", image.as_str()][..], arguments].concat())
    }

    /// Runs `notes-build` in the repository.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(self.repository.path(), arguments)
    }

    /// Runs `notes-build` in another directory.
    pub(crate) fn run_in(&self, directory: &Path, arguments: &[&str]) -> Ran {
        let output = self.command(directory, arguments).output().unwrap();
        self.normalize(&output)
    }

    pub(crate) fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notes-build"));
        command.args(arguments).current_dir(directory).env_clear();
        command.env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The drafts that builds left in the store.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        let drafts = self.home.path().join(".cache/notes/drafts");
        let Ok(entries) = std::fs::read_dir(drafts) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn normalize(&self, output: &Output) -> Ran {
        let normal = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let text = text.replace(self.registry.registry().as_str(), "REGISTRY");
            let text = text.replace(self.repository.path().to_str().unwrap(), "REPOSITORY");
            text.replace(self.home.path().to_str().unwrap(), "HOME")
        };
        Ran {
            stdout: normal(&output.stdout),
            stderr: normal(&output.stderr),
            status: output.status.code().unwrap_or(-1),
        }
    }
}

/// What a run said and how it ended.
#[must_use]
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl Ran {
    /// The failure alone, without what was said before it: from `error:` on, and the exit code.
    pub(crate) fn failure(&self) -> String {
        assert_eq!(self.stdout, "", "a failure prints no result");
        let start = self.stderr.find("error:").unwrap_or_default();
        format!("{}exit code {}", &self.stderr[start..], self.status)
    }

    /// The digest that was printed.
    pub(crate) fn digest(&self) -> &str {
        assert_eq!(self.status, 0, "{self}");
        let (_, digest) = self.stdout.trim_end().split_once('@').expect("name@digest was printed");
        assert_eq!(self.stdout.lines().count(), 1, "one line is printed");
        digest
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}exit code {}", self.stdout, self.stderr, self.status)
    }
}

fn busybox() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin/busybox");
    // A dynamic one would need its loader and libraries in the image.
    let bytes = std::fs::read(&path).ok()?;
    let interpreter = b"/lib64/ld-linux";
    let is_static = !bytes.windows(interpreter.len()).any(|window| window == interpreter);
    is_static.then_some(path)
}
