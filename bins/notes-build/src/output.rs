//! Where an image is written to: `--output`, in docker's syntax.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use notes_console::{Failure, Kind, closest};

use crate::fields::Fields;

/// The types there are, for an error that names them.
const TYPES: [&str; 6] = ["registry", "image", "oci", "docker", "tar", "local"];

/// Where an image is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The registry of its name.
    Registry,
    /// An image-layout directory.
    Layout(PathBuf),
    /// An image layout in a tar.
    LayoutArchive(Destination),
    /// An archive that `docker load` reads.
    DockerArchive(Destination),
    /// The files of the image, in a tar.
    Tar(Destination),
    /// The files of the image, in a directory.
    Directory(PathBuf),
}

/// Where an archive goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A file.
    File(PathBuf),
    /// The standard output, which then is the archive and nothing else.
    Stdout,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdout => f.write_str("the standard output"),
        }
    }
}

/// Where it is written.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry => f.write_str("the registry"),
            Self::Layout(path) | Self::Directory(path) => path.display().fmt(f),
            Self::LayoutArchive(to) | Self::DockerArchive(to) | Self::Tar(to) => to.fmt(f),
        }
    }
}

impl Output {
    /// Parses the value of one `--output`; paths are relative to `current`.
    pub(crate) fn parse(text: &str, current: &Path) -> Result<Self, Failure> {
        // Docker's short form: a directory, or `-`.
        if !text.contains(['=', ',', '"']) && !text.is_empty() {
            return Ok(match text {
                "-" => Self::Tar(Destination::Stdout),
                directory => Self::Directory(current.join(directory)),
            });
        }
        let mut fields = Fields::parse("--output", text)?;
        let kind = fields.take("type").ok_or_else(no_type)?;
        let place = Place { kind: &kind, destination: fields.take("dest"), current };
        let output = match kind.as_str() {
            "registry" => place.none(Self::Registry)?,
            "image" => {
                pushed(fields.take("push").as_deref())?;
                place.none(Self::Registry)?
            }
            "oci" => match fields.take("tar").as_deref() {
                Some("true") => Self::LayoutArchive(place.archive()?),
                Some("false") => Self::Layout(place.directory()?),
                Some(other) => return Err(no_truth("tar", other)),
                None => place.layout()?,
            },
            "docker" => Self::DockerArchive(place.archive()?),
            "tar" => Self::Tar(place.archive()?),
            "local" => Self::Directory(place.directory()?),
            other => return Err(unknown(other)),
        };
        fields.finish()?;
        Ok(output)
    }

    /// Returns the file that is written, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::LayoutArchive(Destination::File(path))
            | Self::DockerArchive(Destination::File(path))
            | Self::Tar(Destination::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Tells whether the standard output is taken.
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(
            self,
            Self::LayoutArchive(Destination::Stdout)
                | Self::DockerArchive(Destination::Stdout)
                | Self::Tar(Destination::Stdout)
        )
    }
}

/// What `dest` means to a type.
struct Place<'a> {
    kind: &'a str,
    destination: Option<String>,
    current: &'a Path,
}

impl Place<'_> {
    fn none(self, output: Output) -> Result<Output, Failure> {
        if self.destination.is_none() {
            return Ok(output);
        }
        let message = format!("`--output type={}` takes no `dest`", self.kind);
        Err(Failure::message(Kind::Usage, message)
            .with_hint("names come from `image`, `--image` and `--tag`"))
    }

    fn some(&self) -> Result<&str, Failure> {
        let kind = self.kind;
        self.destination.as_deref().filter(|destination| !destination.is_empty()).ok_or_else(|| {
            Failure::message(Kind::Usage, format!("`--output type={kind}` needs a destination"))
                .with_hint(format!("write `--output type={kind},dest=PATH`"))
        })
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        match self.some()? {
            "-" => {
                let message = format!("`--output type={}` writes a directory", self.kind);
                Err(Failure::message(Kind::Usage, message)
                    .with_hint("an archive can go to the standard output: `type=tar,dest=-`"))
            }
            path => Ok(self.current.join(path)),
        }
    }

    fn archive(&self) -> Result<Destination, Failure> {
        Ok(match self.some()? {
            "-" => Destination::Stdout,
            path => Destination::File(self.current.join(path)),
        })
    }

    /// Docker writes an archive unless told otherwise, we a directory: a name that speaks for an archive is asked about.
    fn layout(&self) -> Result<Output, Failure> {
        let destination = self.some()?;
        if destination == "-" || Path::new(destination).extension().is_some_and(|it| it == "tar") {
            let message = format!("`--output type=oci,dest={destination}` would be a directory");
            return Err(Failure::message(Kind::Usage, message)
                .with_hint("add `tar=true` for an archive, or `tar=false` for a directory"));
        }
        self.directory().map(Output::Layout)
    }
}

/// `type=image` alone leaves docker's image in its own store, and there is none here.
fn pushed(push: Option<&str>) -> Result<(), Failure> {
    match push {
        Some("true") => Ok(()),
        None | Some("false") => {
            let message = "`--output type=image` without `push=true` leaves the image nowhere";
            Err(Failure::message(Kind::Usage, message).with_hint(
                "write `type=registry` to push it, or `--no-push` to leave it in the store",
            ))
        }
        Some(other) => Err(no_truth("push", other)),
    }
}

fn no_truth(key: &str, value: &str) -> Failure {
    let message = format!("`{key}={value}` of `--output` is neither `true` nor `false`");
    Failure::message(Kind::Usage, message)
}

fn no_type() -> Failure {
    Failure::message(Kind::Usage, "`--output` has no type")
        .with_hint(format!("write `--output type=TYPE,…`; the types are {}", TYPES.join(", ")))
}

fn unknown(kind: &str) -> Failure {
    let hint = match closest(kind, TYPES) {
        Some(kind) => format!("did you mean `type={kind}`?"),
        None => format!("the types are {}", TYPES.join(", ")),
    };
    Failure::message(Kind::Usage, format!("`{kind}` is no type of output")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Output, Failure> {
        Output::parse(text, Path::new("/here"))
    }

    #[test]
    fn outputs_are_written_as_docker_has_them() {
        let file = |path: &str| Destination::File(path.into());
        for (text, output) in [
            ("type=registry", Output::Registry),
            ("type=image,push=true", Output::Registry),
            ("type=oci,dest=out", Output::Layout("/here/out".into())),
            ("type=oci,dest=out.tar,tar=false", Output::Layout("/here/out.tar".into())),
            ("type=oci,dest=out,tar=true", Output::LayoutArchive(file("/here/out"))),
            ("dest=/a.tar,type=docker", Output::DockerArchive(file("/a.tar"))),
            ("type=docker,dest=-", Output::DockerArchive(Destination::Stdout)),
            ("type=tar,dest=-", Output::Tar(Destination::Stdout)),
            ("-", Output::Tar(Destination::Stdout)),
            ("type=local,dest=out", Output::Directory("/here/out".into())),
            (r#"type=local,"dest=a,b""#, Output::Directory("/here/a,b".into())),
            ("out", Output::Directory("/here/out".into())),
        ] {
            assert_eq!(parse(text).unwrap(), output, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_explained() {
        for (text, message) in [
            ("", "a field of `--output` has no `=`"),
            ("dest=x", "`--output` has no type"),
            ("type=oci", "`--output type=oci` needs a destination"),
            ("type=oci,dest=a.tar", "`--output type=oci,dest=a.tar` would be a directory"),
            ("type=local,dest=-", "`--output type=local` writes a directory"),
            ("type=registry,dest=x", "`--output type=registry` takes no `dest`"),
            ("type=image", "`--output type=image` without `push=true` leaves the image nowhere"),
            ("type=dokcer,dest=x", "`dokcer` is no type of output"),
            ("type=tar,dest=x,compression=zstd", "`--output` has no `compression` here"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
