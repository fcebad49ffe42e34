//! `--build-context`: further contexts, each of which replaces the stage or the image of its name, in docker's syntax.
//!
//! They come from flags alone: a branch that names them in its notes.toml would choose which files of a runner its build
//! sees.

mod images;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_console::{Failure, Kind};
use notes_dockerfile::Ignore;
use notes_image::{
    context::{Directory, Ignoring},
    plan,
    tree::Tree,
};
use notes_oci::Reference;
use notes_registry::Remote;

use crate::failure;

pub(crate) use images::{Images, ImagesError};

use images::{Identifier, Place};

/// Where images of layouts are, for those who look images up by name: a host that does not exist (RFC 6761, `localhost.`).
const LAYOUTS: &str = "oci-layout.localhost";

/// A further context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    name: String,
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Directory(PathBuf),
    Image(Reference),
    Layout(Place),
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name)?;
        match &self.origin {
            Origin::Directory(path) => path.display().fmt(f),
            Origin::Image(reference) => write!(f, "docker-image://{reference}"),
            Origin::Layout(place) => write!(f, "oci-layout://{place}"),
        }
    }
}

impl Named {
    /// Parses the value of one `--build-context`; paths are relative to `current`.
    pub(crate) fn parse(text: &str, current: &Path) -> Result<Self, Failure> {
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::message(Kind::Usage, format!("`--build-context {text}` has no name"))
                .with_hint("write `--build-context NAME=DIR`, `NAME=docker-image://REF` or `NAME=oci-layout://DIR`"));
        };
        let origin = match value.split_once("://") {
            Some(("docker-image", reference)) => {
                Origin::Image(reference.parse().map_err(failure::reference)?)
            }
            Some(("oci-layout", rest)) => layout(rest, current),
            Some((scheme, _)) => {
                let message = format!("`--build-context {name}={scheme}://…` is not supported");
                return Err(Failure::message(Kind::Usage, message)
                    .with_hint("fetch it in an earlier CI job, and name the directory"));
            }
            None => directory(name, &current.join(value))?,
        };
        Ok(Self { name: name.into(), origin })
    }
}

fn directory(name: &str, path: &Path) -> Result<Origin, Failure> {
    if path.is_dir() {
        return Ok(Origin::Directory(path.into()));
    }
    let message =
        format!("the context `{name}` is to be `{}`, which is no directory", path.display());
    Err(Failure::message(Kind::Configuration, message)
        .with_hint("an image is named by `docker-image://REF`, a layout by `oci-layout://DIR`"))
}

/// Splits `DIR[:TAG][@DIGEST]`; what a digest names, a tag before it does not change.
fn layout(text: &str, current: &Path) -> Origin {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(Identifier::Digest(digest.into()))),
        None => (text, None),
    };
    let name = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match rest[name..].rfind(':') {
        Some(colon) => {
            let tag = rest[name + colon + 1..].to_owned();
            (&rest[..name + colon], Some(Identifier::Tag(tag)))
        }
        None => (rest, None),
    };
    Origin::Layout(Place { path: current.join(path), identifier: digest.or(tag) })
}

/// Further contexts, as a plan and a build take them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    /// What each is to a plan.
    pub(crate) plan: BTreeMap<String, plan::Context>,
    /// The directories of those that are files.
    directories: BTreeMap<String, PathBuf>,
    /// Layouts by the names that the plan has for their images.
    layouts: BTreeMap<String, Place>,
}

impl Contexts {
    /// Takes the contexts apart. Their images are looked up by whoever needs them.
    pub(crate) fn of(named: &[Named]) -> Result<Self, Failure> {
        let mut contexts = Self::default();
        for (number, Named { name, origin }) in named.iter().enumerate() {
            let context = match origin {
                Origin::Directory(path) => {
                    contexts.directories.insert(name.clone(), path.clone());
                    plan::Context::Files
                }
                Origin::Image(reference) => plan::Context::Image(reference.clone()),
                Origin::Layout(place) => {
                    let image: Reference =
                        format!("{LAYOUTS}/{number}").parse().expect("a host and a number");
                    contexts.layouts.insert(image.name(), place.clone());
                    plan::Context::Local(image)
                }
            };
            // Stages and images are named in any case, and contexts replace them.
            let twice = contexts.plan.keys().any(|known| known.eq_ignore_ascii_case(name));
            if twice {
                let message = format!("the context `{name}` is given twice");
                return Err(Failure::message(Kind::Usage, message));
            }
            contexts.plan.insert(name.clone(), context);
        }
        Ok(contexts)
    }

    /// Returns the files of the contexts that are directories, each as seen through its own ignore file.
    pub(crate) fn trees(&self) -> Result<BTreeMap<String, Arc<dyn Tree>>, Failure> {
        self.directories.iter().map(|(name, path)| Ok((name.clone(), tree(path)?))).collect()
    }

    /// Returns where images come from: registries, and the layouts that are contexts.
    pub(crate) fn images(&self, remote: Remote) -> Images {
        Images::new(remote, self.layouts.clone())
    }
}

fn tree(path: &Path) -> Result<Arc<dyn Tree>, Failure> {
    let file = path.join(".dockerignore");
    let ignore = match std::fs::read_to_string(&file) {
        Ok(text) => {
            let name = file.display().to_string();
            Ignore::parse(&text).map_err(|error| failure::ignore(&name, &text, error))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ignore::default(),
        Err(error) => return Err(failure::path(&file, error)),
    };
    Ok(Arc::new(Ignoring::new(Directory::new(path), ignore)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_named_as_docker_names_them() {
        let parse = |text| Named::parse(text, Path::new("/")).map(|named| named.to_string());
        for (text, meant) in [
            ("a=tmp", "a=/tmp"),
            ("python:3=docker-image://a.b/c:1", "python:3=docker-image://a.b/c:1"),
            ("a=oci-layout://x/y", "a=oci-layout:///x/y"),
            ("a=oci-layout:///x:y/z:1", "a=oci-layout:///x:y/z:1"),
        ] {
            assert_eq!(parse(text).unwrap(), meant);
        }
        for (text, message) in [
            ("tmp", "`--build-context tmp` has no name"),
            ("a=nowhere", "the context `a` is to be `/nowhere`, which is no directory"),
            ("a=https://b/c.git", "`--build-context a=https://…` is not supported"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
        let digest = format!("a=oci-layout:///x:y/z:1@sha256:{}", "0".repeat(64));
        assert_eq!(parse(&digest).unwrap(), digest.replace(":1@", "@"));
    }

    #[test]
    fn a_context_is_given_once() {
        let named = |text| Named::parse(text, Path::new("/")).unwrap();
        let contexts = Contexts::of(&[named("a=docker-image://b"), named("b=tmp")]).unwrap();
        assert_eq!(contexts.plan["b"], plan::Context::Files);
        let failure = Contexts::of(&[named("a=tmp"), named("A=tmp")]).unwrap_err();
        assert_eq!(failure.to_string(), "the context `A` is given twice");
    }
}
