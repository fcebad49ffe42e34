//! The clients, as people run them.

mod containerd;

use std::{path::PathBuf, process::Command};

use notes_oci::{Platform, Reference};
use notes_testkit::{docker::Engine, process, skip};
use tempfile::TempDir;
use tokio::task::block_in_place;

pub(crate) use self::containerd::Containerd;
use super::{PASSWORD, USER, kind::Kind};

/// A client that takes an image from one registry, and brings it to another that wants a password.
pub(super) trait Client {
    /// Takes `from` and brings it as `to`.
    fn copy(&self, kind: Kind, from: &Reference, to: &Reference);

    /// Tells whether the client can do anything with such an image.
    fn takes(&self, _kind: Kind) -> bool {
        true
    }

    /// Tells whether the client brings the image of a platform, of those of a list.
    fn brings(&self, kind: Kind, platform: &Platform) -> bool {
        !kind.is_list() || self.keeps(kind) || *platform == Platform::native()
    }

    /// Tells whether the client brings what it took, byte for byte.
    fn keeps(&self, kind: Kind) -> bool;
}

/// Runs a program to its end, away from what serves.
pub(super) fn run(command: &mut Command) {
    let output = block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn credentials() -> String {
    format!("{USER}:{PASSWORD}")
}

/// containers' skopeo.
pub(super) struct Skopeo;

impl Client for Skopeo {
    fn copy(&self, _: Kind, from: &Reference, to: &Reference) {
        let mut skopeo = Command::new("skopeo");
        skopeo.args(["--insecure-policy", "copy", "--all", "--preserve-digests"]);
        skopeo.args(["--src-tls-verify=false", "--dest-tls-verify=false", "--dest-creds"]);
        skopeo.args([credentials(), format!("docker://{from}"), format!("docker://{to}")]);
        run(&mut skopeo);
    }

    fn keeps(&self, _: Kind) -> bool {
        true
    }
}

/// go-containerregistry's crane.
pub(super) struct Crane {
    program: PathBuf,
    home: TempDir,
}

impl Crane {
    pub(super) fn new(program: PathBuf) -> Self {
        Self { program, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) {
        let mut crane = Command::new(&self.program);
        crane.env("DOCKER_CONFIG", self.home.path()).arg("--insecure").args(arguments);
        run(&mut crane);
    }
}

impl Client for Crane {
    fn copy(&self, kind: Kind, from: &Reference, to: &Reference) {
        let (from, to) = (from.to_string(), to.to_string());
        let (registry, _) = to.split_once('/').unwrap();
        self.run(&["auth", "login", registry, "--username", USER, "--password", PASSWORD]);
        let layout = tempfile::tempdir().unwrap();
        let layout = layout.path().to_str().unwrap();
        // By way of a directory: the blobs are read, checked and pushed, not only mentioned.
        self.run(&["pull", "--format=oci", &from, layout]);
        self.run(&["push", "--index", layout, &to]);
        self.run(&["copy", &from, &to]);
        // It copies zstd and cannot look into it (go-containerregistry's `validate` knows gzip alone).
        if kind != Kind::OciZstd {
            self.run(&["validate", "--remote", &to]);
        }
    }

    fn keeps(&self, _: Kind) -> bool {
        true
    }
}

/// containers' buildah, with storage of its own.
pub(super) struct Buildah {
    directory: TempDir,
}

impl Buildah {
    pub(super) fn new() -> Result<Self, &'static str> {
        match () {
            () if process::find("buildah").is_none() => Err("buildah is not installed"),
            () if !process::is_root() => Err("needs root"),
            () => Ok(Self { directory: tempfile::tempdir().unwrap() }),
        }
    }

    fn run(&self, arguments: &[&str]) {
        let at = |name: &str| self.directory.path().join(name);
        let mut buildah = Command::new("buildah");
        // Copies rather than mounts: they work everywhere.
        buildah.args(["--storage-driver", "vfs", "--root"]).arg(at("root"));
        buildah.arg("--runroot").arg(at("run")).args(arguments);
        run(&mut buildah);
    }
}

impl Client for Buildah {
    fn copy(&self, kind: Kind, from: &Reference, to: &Reference) {
        let (from, to) = (from.to_string(), format!("docker://{to}"));
        let format = if kind == Kind::Docker { "--format=docker" } else { "--format=oci" };
        self.run(&["pull", "--quiet", "--tls-verify=false", &from]);
        let credentials = format!("--creds={}", credentials());
        self.run(&["push", "--quiet", "--tls-verify=false", format, &credentials, &from, &to]);
    }

    fn keeps(&self, _: Kind) -> bool {
        // It packs the layers again.
        false
    }
}

/// docker.
pub(super) struct Docker {
    engine: Engine,
    home: TempDir,
}

impl Docker {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) {
        run(self.engine.client().env("DOCKER_CONFIG", self.home.path()).args(arguments));
    }

    /// Tells whether the engine reads layers packed with zstd, as it does since 23.0.
    fn has_zstd(&self) -> bool {
        let mut version = self.engine.client();
        let said = version.args(["version", "--format", "{{.Server.Version}}"]).output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        said.split('.').next().and_then(|major| major.parse::<u32>().ok()) >= Some(23)
    }
}

impl Client for Docker {
    fn takes(&self, kind: Kind) -> bool {
        let takes = kind != Kind::OciZstd || self.has_zstd();
        if !takes {
            skip("docker_takes_and_brings (zstd)", "the engine is older than 23.0");
        }
        takes
    }

    fn copy(&self, _: Kind, from: &Reference, to: &Reference) {
        let (from, to) = (from.to_string(), to.to_string());
        let (registry, _) = to.split_once('/').unwrap();
        self.run(&["login", "--username", USER, "--password", PASSWORD, registry]);
        self.run(&["pull", "--quiet", &from]);
        self.run(&["tag", &from, &to]);
        self.run(&["push", "--quiet", &to]);
        self.run(&["rmi", &from, &to]);
    }

    fn keeps(&self, _: Kind) -> bool {
        // It packs the layers again.
        false
    }
}
