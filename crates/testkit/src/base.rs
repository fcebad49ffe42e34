//! Base images made from Debian's packages, for machines that reach no Docker Hub.
//!
//! A base is made once a machine with mmdebstrap and kept as an image layout in the cache directory, under a name that says
//! what went into it. It is pushed under the base's own name, so that a Dockerfile finds it through the mirror setting that
//! people have for Docker Hub's rate limits.
//!
//! Like the images that companies make for themselves, it trusts the certificate authorities that this machine's
//! administrator added (`/usr/local/share/ca-certificates`), so that `pip` and `npm` work in a build as they do outside.

mod layer;
mod recipe;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use notes_oci::{History, Image, ImageSink as _, Layout, Platform, Reference};

use crate::{
    cluster::{ClusterError, Package, install_missing},
    process,
};

pub use recipe::Recipe;

/// Where Debian's administrators put certificate authorities of their own.
const AUTHORITIES: &str = "/usr/local/share/ca-certificates";
/// What signs Debian's archives; it holds the keys of several releases.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// The archive where `apt` names none.
const ARCHIVE: &str = "http://deb.debian.org/debian";

const PACKAGES: [Package; 2] = [
    Package { name: "mmdebstrap", shown_by: "mmdebstrap" },
    Package { name: "debian-archive-keyring", shown_by: KEYRING },
];

/// The error returned when a base image could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// mmdebstrap is missing and cannot be installed.
    #[error("no base image can be made here")]
    Packages {
        /// Why not.
        source: ClusterError,
    },
    /// mmdebstrap failed.
    #[error("mmdebstrap could not make `{reference}`; its last words: {words}")]
    Bootstrap {
        /// The image.
        reference: Box<Reference>,
        /// The end of what it said.
        words: String,
    },
    /// A file could not be read or written.
    #[error("failed to access `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The layout of an image could not be read or written.
    #[error("the layout of `{reference}` is of no use")]
    Layout {
        /// The image.
        reference: Box<Reference>,
        /// Why not.
        source: Box<notes_oci::LayoutError>,
    },
}

/// Returns the layout with the image that `recipe` describes, under its own name, made now or earlier.
///
/// # Errors
///
/// Where it cannot be made; nothing half made is left behind.
pub async fn make(
    recipe: &Recipe,
    cache: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Layout, BaseError> {
    let reference = &recipe.reference;
    let directory = cache.join("bases").join(recipe.key(&authorities()));
    let failed = |source: notes_oci::LayoutError| BaseError::Layout {
        reference: Box::new(reference.clone()),
        source: Box::new(source),
    };
    if !directory.join("oci-layout").exists() {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| BaseError::Io { path, source }
        };
        let parent = directory.parent().expect("it lies in `bases`");
        fs::create_dir_all(parent).map_err(at(parent))?;
        let made = tempfile::tempdir_in(parent).map_err(at(parent))?;
        let archive = made.path().join("rootfs.tar");
        bootstrap(recipe, &archive, say)?;
        let layer = layer::compress(&archive, made.path()).map_err(at(&archive))?;
        let history = History {
            created_by: Some(format!("mmdebstrap {} {}", recipe.suite, recipe.packages.join(" "))),
            ..History::default()
        };
        let image = Image::scratch(Platform::native())
            .with_layer(layer, history)
            .with_config(|config| recipe.configure(config));
        let fresh = made.path().join("layout");
        let layout = Layout::create(&fresh).await.map_err(failed)?;
        layout.write(&image, reference).await.map_err(failed)?;
        // Somebody else may have been quicker; theirs is as good.
        if let Err(error) = fs::rename(&fresh, &directory)
            && !directory.join("oci-layout").exists()
        {
            return Err(at(&directory)(error));
        }
    }
    Layout::open(&directory).await.map_err(failed)
}

fn bootstrap(recipe: &Recipe, archive: &Path, say: &mut dyn FnMut(&str)) -> Result<(), BaseError> {
    install_missing(&PACKAGES, "a base image without Docker Hub", say)
        .map_err(|source| BaseError::Packages { source })?;
    let reference = &recipe.reference;
    say(&format!(
        "making {reference} from Debian {} packages (half a minute; minutes for Node, which is hundreds of packages)",
        recipe.suite
    ));
    let mut words = Vec::new();
    let status =
        process::stream(&mut mmdebstrap(recipe, archive), |line| words.push(line.to_owned()))
            .map_err(|source| BaseError::Io { path: "mmdebstrap".into(), source })?;
    if status.success() {
        return Ok(());
    }
    let words = words[words.len().saturating_sub(3)..].join(" / ");
    Err(BaseError::Bootstrap { reference: Box::new(reference.clone()), words })
}

fn mmdebstrap(recipe: &Recipe, archive: &Path) -> Command {
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--quiet", "--variant=minbase", "--format=tar"])
        .arg(format!("--keyring={KEYRING}"))
        .arg(format!("--include={}", recipe.packages.join(",")))
        .arg("--aptopt=APT::Install-Recommends \"false\"");
    for excluded in ["doc", "man", "locale", "info", "lintian"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{excluded}/*"));
    }
    for authority in authorities() {
        let copy = format!("copy-in {} {AUTHORITIES}", authority.display());
        command.arg(format!("--customize-hook={copy}"));
    }
    command
        .arg("--customize-hook=chroot \"$1\" update-ca-certificates")
        .arg(format!("--customize-hook={}", recipe.setup))
        .arg(recipe.suite)
        .arg(archive)
        .arg(machines_archive());
    command
}

/// The Debian archive that this machine's `apt` uses, which may be nearer than the public one.
fn machines_archive() -> String {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Origin: Debian"])
        .args(["Label: Debian", "Component: main"])
        .output();
    let listed = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let uri = listed.unwrap_or_default().lines().next().map(str::to_owned);
    uri.filter(|uri| uri.starts_with("http")).unwrap_or_else(|| ARCHIVE.into())
}

fn authorities() -> Vec<PathBuf> {
    let entries = fs::read_dir(AUTHORITIES).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "crt"))
        .collect();
    files.sort();
    files
}
