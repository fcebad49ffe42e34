//! Where an image is written to: `--output`.

use std::path::{Path, PathBuf};

use notes_console::{Failure, Kind, closest};

/// Where an image is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// The registry of its name.
    Registry,
    /// An image-layout directory.
    Layout(PathBuf),
    /// An archive that `docker load` reads.
    Archive(PathBuf),
}

impl Output {
    /// Parses `type=oci,dest=DIR`, in docker's syntax; paths are relative to `current`.
    pub(crate) fn parse(text: &str, current: &Path) -> Result<Self, Failure> {
        let (mut kind, mut destination) = (None, None);
        for field in text.split(',') {
            match field.split_once('=') {
                Some(("type", value)) => kind = Some(value),
                Some(("dest", value)) => destination = Some(current.join(value)),
                _ => return Err(malformed(text)),
            }
        }
        match (kind, destination) {
            (Some("registry"), None) => Ok(Self::Registry),
            (Some("oci"), Some(path)) => Ok(Self::Layout(path)),
            (Some("docker"), Some(path)) => Ok(Self::Archive(path)),
            (Some(kind @ ("oci" | "docker")), None) => {
                let message = format!("`--output type={kind}` needs a destination");
                Err(Failure::message(Kind::Usage, message)
                    .with_hint(format!("write `--output type={kind},dest=PATH`")))
            }
            (Some(kind), _) => {
                let known = ["registry", "oci", "docker"];
                let hint = closest(kind, known).map(|kind| format!("did you mean `type={kind}`?"));
                let message = format!("`{kind}` is no type of output");
                Err(Failure::message(Kind::Usage, message).with_hint(
                    hint.unwrap_or_else(|| format!("the types are {}", known.join(", "))),
                ))
            }
            (None, _) => Err(malformed(text)),
        }
    }
}

fn malformed(text: &str) -> Failure {
    Failure::message(Kind::Usage, format!("`--output {text}` cannot be read"))
        .with_hint("write `type=registry`, `type=oci,dest=DIR` or `type=docker,dest=FILE`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_written_as_docker_has_them() {
        let parse = |text| Output::parse(text, Path::new("/here"));
        assert_eq!(parse("type=oci,dest=out").unwrap(), Output::Layout("/here/out".into()));
        assert_eq!(parse("dest=/a.tar,type=docker").unwrap(), Output::Archive("/a.tar".into()));
        assert_eq!(parse("type=registry").unwrap(), Output::Registry);
        for (text, message) in [
            ("oci", "`--output oci` cannot be read"),
            ("type=oci", "`--output type=oci` needs a destination"),
            ("type=dokcer,dest=x", "`dokcer` is no type of output"),
            ("dest=x", "`--output dest=x` cannot be read"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
    }
}
