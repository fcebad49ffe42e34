//! A directory with a base image, a context, a store, and the program that builds.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use notes_image::{
    Store,
    compress::Compression,
    overlay::Layers,
    pack::Packer,
    tar::{Attributes, Body},
    tree::{Kind, Tree},
};
use notes_oci::{Config, History, Image, ImageSink, ImageSource, Layout, Platform, Reference};
use serde_json::{Value, json};

/// The commands of busybox that the tests use.
const APPLETS: [&str; 23] = [
    "sh", "ls", "cat", "echo", "mkdir", "rm", "mv", "cp", "ln", "chmod", "chown", "touch", "id",
    "env", "pwd", "true", "false", "stat", "test", "sleep", "hostname", "find", "grep",
];

/// Who there is; `second` is one whom also a machine without ranges of ids can become.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh
bin:x:2:2:bin:/bin:/bin/false
app:x:1000:1000:app:/home/app:/bin/sh
worker:x:1001:50:worker:/home/worker:/bin/sh
second:x:0:0:second:/home/app:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
";
const GROUP: &str = "root:x:0:
bin:x:2:
staff:x:50:worker
extra:x:60:app,worker
app:x:1000:
nogroup:x:65534:
";

/// Who builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builder {
    /// Whoever runs the tests.
    Myself,
    /// User 65534, with all that implies.
    Nobody,
}

/// A place to build in.
pub(crate) struct World {
    directory: tempfile::TempDir,
    pub(crate) builder: Builder,
    pub(crate) created: i64,
    pub(crate) ignore: String,
    pub(crate) options: BTreeMap<&'static str, Value>,
}

/// What a build gave.
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) answer: Value,
    layout: PathBuf,
    _unpacked: tempfile::TempDir,
    files: Layers,
    image: Image,
}

impl World {
    /// Returns a world with the base image `base:1`, or says why there is none.
    pub(crate) fn new(test: &str) -> Option<Self> {
        if !Path::new("/bin/busybox").exists() {
            return skipped(test, "there is no /bin/busybox (Debian package busybox-static)");
        }
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let world = Self {
            directory,
            builder: Builder::Myself,
            created: 1_700_000_000,
            ignore: String::new(),
            options: BTreeMap::new(),
        };
        fs::create_dir(world.path("context")).unwrap();
        block_on(world.make_base());
        Some(world)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of the context.
    pub(crate) fn file(&self, path: &str, content: &str) -> &Self {
        let path = self.path("context").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    async fn make_base(&self) {
        let store = Store::open(self.path("base-store")).unwrap();
        let mut packer = Packer::new(&store, Compression::default()).unwrap();
        let mut add = |path: &str, mode, body: &Body, content: &[u8]| {
            let attributes = Attributes { mode, modified: 1_600_000_000, ..Attributes::default() };
            packer.append(path.as_ref(), &attributes, body, &mut &*content).unwrap();
        };
        let busybox = fs::read("/bin/busybox").unwrap();
        add("bin", 0o777, &Body::Symlink("usr/bin".into()), b"");
        add("etc", 0o755, &Body::Directory, b"");
        for (path, text) in [("etc/passwd", PASSWD), ("etc/group", GROUP)] {
            add(path, 0o644, &Body::File(text.len() as u64), text.as_bytes());
        }
        add("home", 0o755, &Body::Directory, b"");
        add("home/app", 0o755, &Body::Directory, b"");
        add("tmp", 0o1777, &Body::Directory, b"");
        add("usr", 0o755, &Body::Directory, b"");
        add("usr/bin", 0o755, &Body::Directory, b"");
        add("usr/bin/busybox", 0o755, &Body::File(busybox.len() as u64), &busybox);
        for applet in APPLETS {
            add(&format!("usr/bin/{applet}"), 0o777, &Body::Symlink("busybox".into()), b"");
        }
        let layer = packer.finish().unwrap().unwrap();
        let config = Config {
            created: Some("2023-05-05T00:00:00Z".into()),
            ..Config::scratch(Platform::native())
        };
        let history = History { created_by: Some("base".into()), ..History::default() };
        let image = Image::scratch(Platform::native())
            .with_parts(config, &[])
            .with_layer(store.layer(&layer), history);
        let layout = Layout::create(self.path("bases")).await.unwrap();
        layout.write(&image, &"base:1".parse().unwrap()).await.unwrap();
    }

    /// Builds in the world's own store.
    pub(crate) fn build(&self, dockerfile: &str) -> Built {
        self.build_in("store", dockerfile).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Builds and returns the error report.
    pub(crate) fn fail(&self, dockerfile: &str) -> String {
        match self.build_in("store", dockerfile) {
            Ok(_) => panic!("the build succeeds"),
            Err(report) => report.replace(&self.directory.path().display().to_string(), "[world]"),
        }
    }

    /// Builds with another store.
    pub(crate) fn build_in(&self, store: &str, dockerfile: &str) -> Result<Built, String> {
        let layout = self.path(&format!("layout-{store}"));
        let mut request = json!({
            "dockerfile": dockerfile, "ignore": self.ignore, "context": self.path("context"),
            "store": self.path(store), "bases": self.path("bases"), "to": layout,
            "name": "example/app:1", "created": self.created,
        });
        for (name, value) in &self.options {
            request[*name] = value.clone();
        }
        let answer = self.run(&request)?;
        let name = answer["image"].as_str().unwrap().to_owned();
        let reference: Reference = name.parse().unwrap();
        Ok(block_on(Built::open(name, reference, answer, layout)))
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_image-build"));
        command.env_clear().env("TZ", "Pacific/Auckland").current_dir("/");
        if self.builder == Builder::Nobody {
            // The program may lie where nobody else can go: a copy, as an installed one would lie.
            let program = self.path("image-build");
            fs::copy(env!("CARGO_BIN_EXE_image-build"), &program).unwrap();
            command = Command::new(program);
            command.env_clear().current_dir("/").uid(65534).gid(65534);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            Ok(serde_json::from_str(&stdout).unwrap())
        } else {
            Err(stdout)
        }
    }
}

impl Built {
    async fn open(name: String, reference: Reference, answer: Value, layout: PathBuf) -> Self {
        let source = Layout::open(&layout).await.unwrap();
        let image = source.image(&reference, &Platform::native()).await.unwrap();
        let unpacked = tempfile::tempdir().unwrap();
        let store = Store::open(unpacked.path()).unwrap();
        let mut directories = Vec::new();
        for layer in image.layers() {
            directories.push(store.unpacked(layer).await.unwrap());
        }
        let files = Layers::new(directories);
        Self { name, answer, layout, _unpacked: unpacked, files, image }
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    pub(crate) fn layout(&self) -> &Path {
        &self.layout
    }

    pub(crate) fn tree(&self) -> Arc<dyn Tree> {
        Arc::new(self.files.clone())
    }

    /// Returns the text of a file.
    pub(crate) fn text(&self, path: &str) -> String {
        let mut text = String::new();
        let mut file = self.files.open(path.as_ref()).unwrap_or_else(|it| panic!("{path}: {it}"));
        std::io::Read::read_to_string(&mut file, &mut text).unwrap();
        text
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.files.entry(path.as_ref()).unwrap().is_some()
    }

    /// Describes what stands at `path`: kind, mode, owner.
    pub(crate) fn describe(&self, path: &str) -> String {
        let entry = self.files.entry(path.as_ref()).unwrap();
        let entry = entry.unwrap_or_else(|| panic!("{path} is not there"));
        let kind = match &entry.kind {
            Kind::Directory => "directory".into(),
            Kind::File(size) => format!("file of {size}"),
            Kind::Symlink(target) => format!("link to {}", target.display()),
            other => format!("{other:?}"),
        };
        format!("{kind} {:o} {}:{}", entry.mode, entry.uid, entry.gid)
    }

    /// Returns the names of the steps with what became of them.
    pub(crate) fn outcomes(&self) -> Vec<&str> {
        let steps = self.answer["steps"].as_array().unwrap();
        steps
            .iter()
            .map(|step| match &step["outcome"] {
                Value::String(text) if text == "cached" => "cached",
                Value::String(_) => "config",
                _ => "ran",
            })
            .collect()
    }

    /// Returns the history: a `-` in front of steps without a layer.
    pub(crate) fn history(&self) -> Vec<String> {
        let history = &self.image.config().history;
        let line = |entry: &History| {
            let mark = if entry.empty_layer { "- " } else { "" };
            format!("{mark}{}", entry.created_by.clone().unwrap_or_default())
        };
        history.iter().map(line).collect()
    }
}

/// Says why a test does not run.
#[expect(clippy::explicit_write, reason = "the harness keeps what `eprintln` prints to itself")]
pub(crate) fn skipped<T>(test: &str, reason: &str) -> Option<T> {
    writeln!(std::io::stderr(), "SKIPPED {test}: {reason}").unwrap();
    None
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}
