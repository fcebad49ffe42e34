//! What goes into a base image.

use std::{fs, path::PathBuf};

use notes_oci::{Config, Digest, Reference};

/// Debian's suite for each minor version of Python that one has.
const PYTHONS: [(&str, &str); 2] = [("3.11", "bookworm"), ("3.13", "trixie")];
/// The same for each major version of Node.
const NODES: [(&str, &str); 2] = [("18", "bookworm"), ("20", "trixie")];

/// As in the official images: programs that were added come first.
const PATH: &str = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `python` and `pip` where the official image has them, and `pip install` allowed as there: Debian marks its Python as
/// managed by apt (PEP 668), which an image's is not.
const PYTHON_SETUP: &str = "ln -s /usr/bin/python3 \"$1/usr/local/bin/python\"; \
     ln -s /usr/bin/pip3 \"$1/usr/local/bin/pip\"; rm -f \"$1\"/usr/lib/python3*/EXTERNALLY-MANAGED";

/// A base image: its name, and what of Debian it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The name it is pushed under.
    pub reference: Reference,
    /// Debian's suite.
    pub suite: &'static str,
    /// Debian's packages.
    pub packages: &'static [&'static str],
    /// A shell script whose `$1` is the root directory.
    pub setup: &'static str,
    command: &'static [&'static str],
}

impl Recipe {
    /// Returns how to make the image that a `FROM` names: `python:3.13-slim`, `node:20-slim`, `debian:trixie-slim` and the
    /// like; nothing where Debian has no such version.
    pub fn of(reference: &Reference) -> Option<Self> {
        let repository = reference.repository.to_string();
        let tag = reference.tag.as_ref()?.to_string();
        let version = tag.strip_suffix("-slim").unwrap_or(&tag);
        let suite_of = |table: &[(&str, &'static str)]| {
            table.iter().find(|(known, _)| *known == version).map(|(_, suite)| *suite)
        };
        let (suite, packages, setup, command): (_, &[&str], _, &[&str]) = match repository.as_str()
        {
            "library/python" => (
                suite_of(&PYTHONS)?,
                &["ca-certificates", "netbase", "tzdata", "python3", "python3-pip", "python3-venv"],
                PYTHON_SETUP,
                &["python3"],
            ),
            "library/node" => (
                suite_of(&NODES)?,
                &["ca-certificates", "nodejs", "npm"],
                "ln -s /usr/bin/node \"$1/usr/local/bin/nodejs\"",
                &["node"],
            ),
            "library/debian" => {
                let suite = ["bookworm", "trixie"].into_iter().find(|suite| *suite == version)?;
                (suite, &["ca-certificates"], ":", &["bash"])
            }
            _ => return None,
        };
        Some(Self { reference: reference.clone(), suite, packages, setup, command })
    }

    /// A name for what it is made of: another script, another list or another authority is another image.
    pub(super) fn key(&self, authorities: &[PathBuf]) -> String {
        let mut content = format!("{self:?}");
        for authority in authorities {
            content.push_str(&fs::read_to_string(authority).unwrap_or_default());
        }
        let name = self.reference.repository.to_string().replace('/', "-");
        format!("{name}-{}", Digest::of(content).short())
    }

    pub(super) fn configure(&self, config: &mut Config) {
        let execution = &mut config.config;
        execution.env = vec![PATH.into(), "LANG=C.UTF-8".into()];
        execution.cmd = Some(self.command.iter().map(|word| (*word).to_owned()).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(reference: &str) -> Option<&'static str> {
        Recipe::of(&reference.parse().unwrap()).map(|recipe| recipe.suite)
    }

    #[test]
    fn a_version_chooses_the_suite() {
        assert_eq!(suite("python:3.13-slim"), Some("trixie"));
        assert_eq!(suite("docker.io/library/python:3.11"), Some("bookworm"));
        assert_eq!(suite("node:20-slim"), Some("trixie"));
        assert_eq!(suite("debian:bookworm-slim"), Some("bookworm"));
    }

    #[test]
    fn what_debian_does_not_have_is_not_made() {
        for reference in ["python:3.7-slim", "python:3.13-alpine", "redis:7", "someone/python:3.13"]
        {
            assert_eq!(suite(reference), None, "{reference}");
        }
    }
}
