//! `--cache-from` and `--cache-to`: references of build caches, short or in docker's syntax.

use std::fmt;

use notes_console::{Failure, Kind, closest};
use notes_oci::Reference;

use crate::{failure, fields::Fields, sizes};

/// A cache that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source(pub(crate) Reference);

/// A cache that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) reference: Reference,
    pub(crate) extent: Extent,
    pub(crate) unwritten: Unwritten,
    pub(crate) mounts: Mounts,
}

/// Whose layers a cache keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The image's (`mode=min`).
    Image,
    /// Those of all stages that were built (`mode=max`).
    Stages,
}

/// Whether the contents of `RUN --mount=type=cache` are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mounts {
    /// They stay where they are.
    Left,
    /// Those of each mount that has at most so many bytes.
    Kept { most: u64 },
}

/// What of a cache mount travels where no size is given, in bytes.
const MOST: u64 = 1_000_000_000;

impl Mounts {
    fn parse(text: &str) -> Result<Self, Failure> {
        Ok(match text {
            "false" => Self::Left,
            "true" => Self::Kept { most: MOST },
            size => Self::Kept { most: sizes::parse(size)? },
        })
    }
}

/// What it means that a cache cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// A warning.
    Warning,
    /// A failure, after the image is where it belongs (`ignore-error=false`).
    Failure,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.extent {
            Extent::Image => "min",
            Extent::Stages => "max",
        };
        write!(f, "{},mode={mode}", self.reference)?;
        if let Unwritten::Failure = self.unwritten {
            f.write_str(",ignore-error=false")?;
        }
        match self.mounts {
            Mounts::Left => Ok(()),
            Mounts::Kept { most } => write!(f, ",mounts={most}"),
        }
    }
}

impl Source {
    /// Parses the value of one `--cache-from`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut fields = fields("cache-from", text)?;
        let reference = reference("cache-from", &mut fields)?;
        fields.finish()?;
        Ok(Self(reference.parse().map_err(failure::reference)?))
    }
}

impl Target {
    /// Parses the value of one `--cache-to`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut fields = fields("cache-to", text)?;
        let name = reference("cache-to", &mut fields)?;
        let extent = match fields.take("mode").as_deref() {
            None | Some("min") => Extent::Image,
            Some("max") => Extent::Stages,
            Some(other) => return Err(unknown_mode(other)),
        };
        let unwritten = match fields.take("ignore-error").as_deref() {
            None | Some("true") => Unwritten::Warning,
            Some("false") => Unwritten::Failure,
            Some(other) => {
                let message =
                    format!("`ignore-error={other}` of `cache-to` is neither `true` nor `false`");
                return Err(Failure::message(Kind::Usage, message));
            }
        };
        let mounts = fields.take("mounts").map_or(Ok(Mounts::Left), |text| Mounts::parse(&text))?;
        fields.finish()?;
        let reference: Reference = name.parse().map_err(failure::reference)?;
        // `host:port/name` has a colon too; a tag is behind the last slash.
        let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
        if reference.digest.is_some() || !has_tag {
            return Err(no_tag(&name));
        }
        Ok(Self { reference, extent, unwritten, mounts })
    }
}

/// Reads the fields; a value that begins with the reference alone is the short form.
fn fields(setting: &'static str, text: &str) -> Result<Fields, Failure> {
    let is_short = text.split(',').next().is_some_and(|first| !first.contains('='));
    let whole = if is_short { format!("ref={text}") } else { text.into() };
    let mut fields = Fields::parse(setting, &whole)?;
    match fields.take("type").as_deref() {
        None | Some("registry") => Ok(fields),
        Some(other) => {
            let message = format!("`type={other}` of `{setting}` is not supported");
            Err(Failure::message(Kind::Usage, message)
                .with_hint(format!("a cache is kept in a registry: `{setting}` takes its reference, such as `registry.example.com/app:cache`")))
        }
    }
}

fn reference(setting: &'static str, fields: &mut Fields) -> Result<String, Failure> {
    fields.take("ref").filter(|it| !it.is_empty()).ok_or_else(|| {
        Failure::message(Kind::Usage, format!("`{setting}` names no reference"))
            .with_hint("write `docker.io/user/app:cache`, or docker's `type=registry,ref=…`")
    })
}

fn unknown_mode(mode: &str) -> Failure {
    let hint = match closest(mode, ["min", "max"]) {
        Some(known) => format!("did you mean `mode={known}`?"),
        None => "`min` keeps the layers of the image, `max` those of all stages".into(),
    };
    Failure::message(Kind::Usage, format!("`{mode}` is no mode of `cache-to`")).with_hint(hint)
}

fn no_tag(name: &str) -> Failure {
    let message = format!("the cache `{name}` is to be written and has no tag");
    Failure::message(Kind::Usage, message)
        .with_hint("a tag of its own keeps it apart from the images, such as `:cache`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_and_that_of_docker_are_one() {
        for (text, written) in [
            ("user/app:cache", "docker.io/user/app:cache,mode=min"),
            ("127.0.0.1:5000/app:cache,mode=max", "127.0.0.1:5000/app:cache,mode=max"),
            ("type=registry,ref=ghcr.io/a/b:c,mode=max", "ghcr.io/a/b:c,mode=max"),
            ("a/b:c,ignore-error=false", "docker.io/a/b:c,mode=min,ignore-error=false"),
            ("a/b:c,mounts=true", "docker.io/a/b:c,mode=min,mounts=1000000000"),
            ("a/b:c,mounts=20MB", "docker.io/a/b:c,mode=min,mounts=20000000"),
            ("a/b:c,mounts=false", "docker.io/a/b:c,mode=min"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), written, "{text}");
            assert_eq!(Target::parse(written).unwrap(), Target::parse(text).unwrap());
        }
        let source = Source::parse("type=registry,ref=user/app:cache").unwrap();
        assert_eq!(source, Source::parse("user/app:cache").unwrap());
    }

    #[test]
    fn what_cannot_be_meant_is_explained() {
        for (text, message) in [
            ("", "`cache-to` names no reference"),
            ("mode=max", "`cache-to` names no reference"),
            ("a/b:c,mode=maximum", "`maximum` is no mode of `cache-to`"),
            ("type=gha", "`type=gha` of `cache-to` is not supported"),
            ("a/b:c,compression=zstd", "`cache-to` has no `compression` here"),
            ("a/b:c,max", "a field of `cache-to` has no `=`"),
            (
                "a/b:c,ignore-error=1",
                "`ignore-error=1` of `cache-to` is neither `true` nor `false`",
            ),
            ("a/b:c,mounts=all", "`all` is no size"),
            ("localhost:5000/b", "the cache `localhost:5000/b` is to be written and has no tag"),
        ] {
            assert_eq!(Target::parse(text).unwrap_err().to_string(), message, "{text}");
        }
        let failure = Source::parse("a/b:c,mode=max").unwrap_err();
        assert_eq!(failure.to_string(), "`cache-from` has no `mode` here");
    }
}
