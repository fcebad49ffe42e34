//! The programs that take part, each with an image layout on its side.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use notes_testkit::process;

use crate::{
    bench::{Result, contender::Contender},
    output, program,
};

/// One that moves images.
pub(super) trait Client: Contender {
    /// Returns the command that brings the image of a layout to a registry.
    fn push(&self, layout: &Path, reference: &str) -> Command;
    /// Returns the command that brings an image from a registry into a layout, which may be there.
    fn pull(&self, reference: &str, layout: &Path) -> Command;
}

/// notes-build. It pulls what a Dockerfile begins with, so it is given one that does nothing else.
pub(super) struct Notes {
    program: PathBuf,
    repository: PathBuf,
}

impl Notes {
    pub(super) fn build(directory: &Path) -> Result<Self> {
        let program = crate::bench::release()?;
        let repository = directory.join("repository");
        fs::create_dir_all(&repository)?;
        fs::write(repository.join("Dockerfile"), "ARG BASE\nFROM ${BASE}\n")?;
        for arguments in
            [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "Pull"]]
        {
            crate::bench::git(&repository, arguments)?;
        }
        Ok(Self { program, repository })
    }
}

impl Contender for Notes {
    fn name(&self) -> &'static str {
        "notes-build"
    }

    fn version(&self) -> Result<String> {
        program::result(Command::new(&self.program).arg("--version"))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["notes-build"]
    }
}

impl Client for Notes {
    fn push(&self, layout: &Path, reference: &str) -> Command {
        let mut push = Command::new(&self.program);
        push.args(["--quiet", "push"]).arg(layout).arg(reference);
        push
    }

    fn pull(&self, reference: &str, layout: &Path) -> Command {
        let mut pull = Command::new(&self.program);
        pull.args(["--quiet", "--no-push", "--build-arg", &format!("BASE={reference}")]);
        pull.arg("--output").arg(format!("type=oci,dest={}", layout.display()));
        pull.arg("--store").arg(self.repository.with_file_name("store"));
        pull.current_dir(&self.repository);
        pull
    }
}

/// skopeo, as Debian has it.
pub(super) struct Skopeo(PathBuf);

impl Skopeo {
    pub(super) fn find() -> Result<Self> {
        let missing = "`skopeo` is not installed (apt-get install skopeo)";
        Ok(Self(process::find("skopeo").ok_or(missing)?))
    }

    fn copy(&self) -> Command {
        let mut copy = Command::new(&self.0);
        copy.args(["--insecure-policy", "copy", "--quiet", "--preserve-digests"]);
        copy.args(["--src-tls-verify=false", "--dest-tls-verify=false"]);
        copy
    }
}

impl Contender for Skopeo {
    fn name(&self) -> &'static str {
        "skopeo"
    }

    fn version(&self) -> Result<String> {
        let version = program::result(Command::new(&self.0).arg("--version"))?;
        Ok(version.replace("version ", ""))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["skopeo"]
    }
}

impl Client for Skopeo {
    fn push(&self, layout: &Path, reference: &str) -> Command {
        let mut copy = self.copy();
        copy.arg(format!("oci:{}", layout.display())).arg(format!("docker://{reference}"));
        copy
    }

    fn pull(&self, reference: &str, layout: &Path) -> Command {
        let mut copy = self.copy();
        copy.arg(format!("docker://{reference}")).arg(format!("oci:{}:it", layout.display()));
        copy
    }
}

/// crane, built from its Go module.
pub(super) struct Crane(PathBuf);

impl Crane {
    const VERSION: &str = "0.22.1";

    /// Builds it, unless it is there.
    pub(super) fn build(cache: &Path) -> Result<Self> {
        let directory = cache.join("crane").join(Self::VERSION);
        let program = directory.join("crane");
        if !program.exists() {
            output::say("building crane from its Go module (about 30 s on two cores)");
            fs::create_dir_all(&directory)?;
            let go = process::find("go").ok_or("Go is not installed, which builds crane")?;
            let module = "github.com/google/go-containerregistry/cmd/crane";
            let mut install = Command::new(go);
            install.args(["install", "-trimpath"]).arg(format!("{module}@v{}", Self::VERSION));
            install.env("GOBIN", &directory).env("CGO_ENABLED", "0").env_remove("GOFLAGS");
            program::run(&mut install)?;
        }
        Ok(Self(program))
    }
}

impl Contender for Crane {
    fn name(&self) -> &'static str {
        "crane"
    }

    fn version(&self) -> Result<String> {
        Ok(format!("crane {}", Self::VERSION))
    }

    fn programs(&self) -> &'static [&'static str] {
        &["crane"]
    }
}

impl Client for Crane {
    fn push(&self, layout: &Path, reference: &str) -> Command {
        let mut push = Command::new(&self.0);
        push.args(["push", "--insecure"]).arg(layout).arg(reference);
        push
    }

    fn pull(&self, reference: &str, layout: &Path) -> Command {
        let mut pull = Command::new(&self.0);
        pull.args(["pull", "--insecure", "--format=oci"]).arg(reference).arg(layout);
        pull
    }
}
