//! `registry:2`, made of Debian's package `docker-registry` where Docker Hub is not reached.
//!
//! It is the same program, CNCF distribution, with the settings and the entry point that the official image has.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{DockerError, Engine, last_words};
use crate::{
    cluster::{Package, install_missing},
    process,
};

/// The name of CNCF distribution's image.
pub const REGISTRY_IMAGE: &str = "registry:2";

const PACKAGE: Package = Package { name: "docker-registry", shown_by: "docker-registry" };

/// As in the official image (distribution-library-image, `config-example.yml`).
const CONFIG: &str = "\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: :5000
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
";
const CHANGES: [&str; 4] = [
    r#"ENTRYPOINT ["/bin/registry", "serve"]"#,
    r#"CMD ["/etc/docker/registry/config.yml"]"#,
    "VOLUME /var/lib/registry",
    "EXPOSE 5000",
];

/// Makes the image in an engine that does not have it. For an engine of our own: in somebody else's the name is Docker
/// Hub's.
pub(super) fn make(
    engine: &Engine,
    directory: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<(), DockerError> {
    if engine.has_image(REGISTRY_IMAGE) {
        return Ok(());
    }
    install_missing(&[PACKAGE], "the image registry:2", say)
        .map_err(|source| DockerError::Packages { source })?;
    let made = tempfile::tempdir_in(directory).map_err(DockerError::io(directory))?;
    let root = made.path().join("root");
    fill(&root)?;
    let archive = made.path().join("root.tar");
    let mut tar = Command::new("tar");
    tar.args(["--create", "--owner=0", "--group=0", "--numeric-owner", "--file"]).arg(&archive);
    run(tar.arg("--directory").arg(&root).arg("."))?;
    let mut import = engine.client();
    import.arg("import");
    for change in CHANGES {
        import.args(["--change", change]);
    }
    run(import.arg(&archive).arg(REGISTRY_IMAGE)).map(drop)
}

/// The program, the libraries it is linked with, its settings, and a directory for uploads.
fn fill(root: &Path) -> Result<(), DockerError> {
    let program = process::find(PACKAGE.shown_by).unwrap_or_else(|| PACKAGE.shown_by.into());
    copy(&program, &root.join("bin/registry"))?;
    for library in libraries(&program)? {
        copy(&library, &root.join(library.strip_prefix("/").unwrap_or(&library)))?;
    }
    let config = root.join("etc/docker/registry/config.yml");
    directory_of(&config)?;
    fs::write(&config, CONFIG).map_err(DockerError::io(&config))?;
    let temporary = root.join("tmp");
    fs::create_dir_all(&temporary).map_err(DockerError::io(&temporary))
}

fn copy(from: &Path, to: &Path) -> Result<(), DockerError> {
    directory_of(to)?;
    fs::copy(from, to).map(drop).map_err(DockerError::io(from))
}

fn directory_of(path: &Path) -> Result<(), DockerError> {
    let directory = path.parent().expect("it lies below the image's root");
    fs::create_dir_all(directory).map_err(DockerError::io(directory))
}

/// What `ldd` names; a static program makes it fail, and has none.
fn libraries(program: &Path) -> Result<Vec<PathBuf>, DockerError> {
    let output = Command::new("ldd").arg(program).output();
    let output = output.map_err(|source| DockerError::Run { program: "ldd".into(), source })?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(listed.lines().filter_map(library).collect())
}

/// Reads `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`.
fn library(line: &str) -> Option<PathBuf> {
    line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from)
}

fn run(command: &mut Command) -> Result<(), DockerError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|source| DockerError::Run { program: program.clone(), source })?;
    if output.status.success() {
        return Ok(());
    }
    let words = last_words(&String::from_utf8_lossy(&output.stderr));
    Err(DockerError::Failed { command: program, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_paths() {
        let listed = "\tlinux-vdso.so.1 (0x00007f69a7c7c000)\n\
                      \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f69a7a89000)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f69a7c7e000)\n";
        let paths: Vec<_> = listed.lines().filter_map(library).collect();
        let expected = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(paths, expected.map(PathBuf::from));
    }
}
