//! A person's surroundings: a repository, a registry, an environment of their own, and `notes-build`.

use std::{
    fmt,
    io::Write as _,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use notes_oci::{Image, ImageSource as _};
use notes_registry::Remote;
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
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("tmp")).unwrap();
        Some(Self {
            repository: TestRepo::new(test)?,
            registry: TestRegistry::with_login(login).await,
            home,
            variables: Vec::new(),
        })
    }

    /// Makes a world whose registry mirrors Docker Hub and has `busybox:1`, or says why `test` is skipped.
    pub(crate) async fn with_base(test: &str) -> Option<Self> {
        let mut world = Self::new(test).await?;
        world.push_base(test)?;
        Some(world)
    }

    fn push_base(&mut self, test: &str) -> Option<()> {
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
        self.commit_files(&[("Dockerfile", dockerfile)]);
    }

    /// Writes files and commits them with all else there is.
    pub(crate) fn commit_files(&self, files: &[(&str, &str)]) {
        for (path, content) in files {
            self.repository.write(path, content);
        }
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

    /// Builds and pushes what cannot be built or pushed; returns the failure, after a look at what is left of it.
    pub(crate) fn fail(&self, arguments: &[&str]) -> String {
        let image = self.image();
        self.failure(&[&["--image", image.as_str()][..], arguments].concat())
    }

    /// The same without a name to push to.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let before = self.repository.git(&["status", "--porcelain"]);
        self.registry.take_lines();
        let failure = self.run(arguments).failure();
        let requests = self.registry.take_lines();
        let tagged = |line: &&String| {
            line.starts_with("PUT ") && line.contains("/manifests/") && line.contains(" 2")
        };
        assert_eq!(requests.iter().find(tagged), None, "no image is in the registry");
        assert_eq!(self.left_behind(), <[PathBuf; 0]>::default(), "no draft is in the store");
        assert_eq!(self.temporary_files(), <[String; 0]>::default(), "no file is in /tmp");
        assert_eq!(
            self.repository.git(&["status", "--porcelain"]),
            before,
            "no file is in the clone"
        );
        failure
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

    /// Runs `notes-build` in the repository with `input` on stdin.
    pub(crate) fn run_with(&self, input: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(self.repository.path(), arguments);
        let piped = || std::process::Stdio::piped();
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        self.normalize(&child.wait_with_output().unwrap())
    }

    /// The store that builds use.
    pub(crate) fn store(&self) -> PathBuf {
        self.home.path().join(".cache/notes")
    }

    /// Reads an image from the registry.
    pub(crate) async fn pull(&self, reference: &str, platform: &str) -> Image {
        let remote = Remote::new(notes_registry::Options::default()).unwrap();
        let reference = self.registry.reference(reference);
        remote.image(&reference, &platform.parse().unwrap()).await.unwrap()
    }

    pub(crate) fn command(&self, directory: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notes-build"));
        command.args(arguments).current_dir(directory).env_clear();
        command.env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command.env("TMPDIR", self.temporary());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The home directory of the person.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The value of `--output` for a layout of this name.
    pub(crate) fn layout(&self, name: &str) -> String {
        format!("type=oci,dest={}", self.home.path().join(name).display())
    }

    /// The config of the one image in a layout.
    pub(crate) fn config(&self, layout: &str) -> String {
        let layout = self.home.path().join(layout);
        let blob = |descriptor: &serde_json::Value| {
            let digest = descriptor["digest"].as_str().unwrap().replace("sha256:", "sha256/");
            std::fs::read_to_string(layout.join("blobs").join(digest)).unwrap()
        };
        let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let index = json(std::fs::read_to_string(layout.join("index.json")).unwrap());
        blob(&json(blob(&index["manifests"][0]))["config"])
    }

    /// The processes that have `mark` in their environment, a moment after the builds have ended.
    pub(crate) fn running(&self, mark: &str) -> Vec<String> {
        let begun = Instant::now();
        loop {
            // What a build starts inherits its home directory; what a RUN starts has the mark.
            let home = self.home.path().to_str().unwrap();
            let running = processes(&|process| process.contains(mark) || process.contains(home));
            // The kernel takes a moment to end the processes of a name space.
            if running.is_empty() || begun.elapsed() > Duration::from_secs(10) {
                return running;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What builds left in the directory for temporary files.
    pub(crate) fn temporary_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.temporary()).unwrap();
        entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
    }

    fn temporary(&self) -> PathBuf {
        self.home.path().join("tmp")
    }

    /// The drafts that builds left in the store.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        let drafts = self.home.path().join(".cache/notes/drafts");
        let Ok(entries) = std::fs::read_dir(drafts) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub(crate) fn normalize(&self, output: &Output) -> Ran {
        self.normalized(&output.stdout, &output.stderr, output.status.code().unwrap_or(-1))
    }

    /// The same of what was written elsewhere.
    pub(crate) fn normalized(&self, stdout: &[u8], stderr: &[u8], status: i32) -> Ran {
        let normal = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let text = text.replace(self.registry.registry().as_str(), "REGISTRY");
            let text = text.replace(self.repository.path().to_str().unwrap(), "REPOSITORY");
            text.replace(self.home.path().to_str().unwrap(), "HOME")
        };
        Ran { stdout: normal(stdout), stderr: normal(stderr), status }
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
        // A warning before it may quote an error.
        let start = self.stderr.find("\nerror:").map_or(0, |newline| newline + 1);
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

/// The command lines of the processes whose command line or environment `is_ours`.
fn processes(is_ours: &dyn Fn(&str) -> bool) -> Vec<String> {
    let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers =
        entries.filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
    numbers
        .filter_map(|entry| {
            let line = read(entry.path().join("cmdline"));
            let all = [line.clone(), read(entry.path().join("environ"))].concat();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            is_ours(&String::from_utf8_lossy(&all)).then_some(line)
        })
        .collect()
}

fn busybox() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin/busybox");
    // A dynamic one would need its loader and libraries in the image.
    let bytes = std::fs::read(&path).ok()?;
    let interpreter = b"/lib64/ld-linux";
    let is_static = !bytes.windows(interpreter.len()).any(|window| window == interpreter);
    is_static.then_some(path)
}
