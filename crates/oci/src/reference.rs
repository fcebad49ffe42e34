//! Names of images: a registry, a repository in it, and a tag or a digest.
//!
//! The grammar is that of the distribution spec; the defaulting rules (`python` is
//! `docker.io/library/python:latest`) are docker's, because that is what people write.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

use crate::digest::{Digest, DigestError};

/// The registry that a name without one belongs to.
const DOCKER_HUB: &str = "docker.io";
/// The other names people and tools write for it.
const DOCKER_HUB_ALIASES: [&str; 3] =
    ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
/// A repository name may not be longer (distribution spec, "Pulling manifests").
const REPOSITORY_MAX: usize = 255;
/// A tag may not be longer (distribution spec).
const TAG_MAX: usize = 128;

/// The error returned when text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// There is nothing.
    #[error("the image name is empty")]
    Empty,
    /// The host part is malformed.
    #[error("`{text}` is not a registry host")]
    Registry {
        /// The host as written.
        text: String,
    },
    /// The repository part is malformed.
    #[error("`{text}` is not a repository name")]
    Repository {
        /// The repository as written.
        text: String,
    },
    /// The tag is malformed.
    #[error("`{text}` is not a tag")]
    Tag {
        /// The tag as written.
        text: String,
    },
    /// The digest is malformed.
    #[error("the digest of `{text}` cannot be read")]
    Digest {
        /// The whole reference.
        text: String,
        /// Why not.
        source: DigestError,
    },
    /// A pinned reference was wanted, and there is no digest.
    #[error("`{text}` names no digest")]
    NotPinned {
        /// The whole reference.
        text: String,
    },
}

impl ReferenceError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Repository { text } if text.chars().any(char::is_uppercase) => {
                Some(format!("repository names are lower-case: `{}`", text.to_lowercase()))
            }
            Self::Repository { text } | Self::Registry { text } | Self::Tag { text }
                if text.contains('$') =>
            {
                Some(format!(
                    "`{text}` looks like a variable that was not expanded; is it set for this branch?"
                ))
            }
            Self::Repository { .. } => Some(
                "use lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`".into(),
            ),
            Self::Tag { .. } => Some(format!(
                "a tag has up to {TAG_MAX} letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`"
            )),
            Self::NotPinned { .. } => Some("write `name@sha256:…`".into()),
            _ => None,
        }
    }
}

/// The host, and port where there is one, of a registry. Docker Hub's other names become `docker.io`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Registry(String);

impl Registry {
    /// Returns Docker Hub, the registry of names that have none.
    pub fn docker_hub() -> Self {
        Self(DOCKER_HUB.into())
    }

    /// Returns the name, as in a reference.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is Docker Hub, whose API answers at another host than its name.
    pub fn is_docker_hub(&self) -> bool {
        self.0 == DOCKER_HUB
    }

    /// Returns the host without the port or the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        match self.0.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => self.0.split(':').next().unwrap_or(&self.0),
        }
    }

    /// Tells whether the host is this machine: `localhost` or a loopback address.
    ///
    /// Plain HTTP is allowed there without being asked for, as docker allows it.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Registry {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let refused = || ReferenceError::Registry { text: text.into() };
        let lower = text.to_ascii_lowercase();
        let (host, port) = match lower.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, port)) => {
                address.parse::<std::net::Ipv6Addr>().map_err(|_| refused())?;
                (None, port.strip_prefix(':').or(port.is_empty().then_some("0")))
            }
            None => match lower.split_once(':') {
                Some((host, port)) => (Some(host), Some(port)),
                None => (Some(lower.as_str()), Some("0")),
            },
        };
        let host_is_good = host.is_none_or(|host| {
            !host.is_empty()
                && host.split('.').all(|label| {
                    !label.is_empty()
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
        });
        let port_is_good = port.is_some_and(|port| port.parse::<u16>().is_ok());
        if !host_is_good || !port_is_good {
            return Err(refused());
        }
        Ok(Self(if DOCKER_HUB_ALIASES.contains(&lower.as_str()) {
            DOCKER_HUB.into()
        } else {
            lower
        }))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository in a registry: lower-case path components, such as `library/python`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(String);

impl Repository {
    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() <= REPOSITORY_MAX && text.split('/').all(is_path_component) {
            Ok(Self(text.into()))
        } else {
            Err(ReferenceError::Repository { text: text.into() })
        }
    }
}

/// Tells whether `text` is `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution spec).
fn is_path_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.first().copied().is_some_and(alphanumeric)
        || !bytes.last().copied().is_some_and(alphanumeric)
    {
        return false;
    }
    bytes.split(|&byte| alphanumeric(byte)).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|&b| b == b'-')
    })
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution spec).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Returns `latest`, which a name without a tag means.
    pub fn latest() -> Self {
        Self("latest".into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let good = text.len() <= TAG_MAX
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-');
        if good { Ok(Self(text.into())) } else { Err(ReferenceError::Tag { text: text.into() }) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What people write to name an image: `python:3.13-slim`, `ghcr.io/o/app@sha256:…`.
///
/// # Examples
///
/// ```
/// use notes_oci::Reference;
///
/// let reference: Reference = "python:3.13-slim".parse()?;
/// assert_eq!(reference.to_string(), "docker.io/library/python:3.13-slim");
/// assert_eq!("localhost:5000/app".parse::<Reference>()?.to_string(), "localhost:5000/app:latest");
/// # Ok::<(), notes_oci::ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The registry.
    pub registry: Registry,
    /// The repository in it.
    pub repository: Repository,
    /// The tag; `latest` was put in where neither tag nor digest was written.
    pub tag: Option<Tag>,
    /// The digest, which wins over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Returns the same repository with another tag and no digest.
    pub fn with_tag(&self, tag: Tag) -> Self {
        Self { tag: Some(tag), digest: None, ..self.clone() }
    }

    /// Returns the same name, pinned to `digest`; the tag stays for people to read.
    pub fn pin(&self, digest: Digest) -> Pinned {
        Pinned {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            tag: self.tag.clone(),
            digest,
        }
    }

    /// Returns `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns what a registry is asked for: the digest where there is one, else the tag.
    pub fn identifier(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => Tag::latest().to_string(),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest
                    .parse()
                    .map_err(|source| ReferenceError::Digest { text: text.into(), source })?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        // A colon before the last slash is a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.parse()?)),
            _ => (rest, None),
        };
        // Docker's rule: the first component is a host if it looks like one, else the name is on Docker Hub.
        let (registry, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host.parse()?, path),
            _ => (Registry::docker_hub(), name),
        };
        let repository: Repository = if registry.is_docker_hub() && !path.contains('/') {
            path.parse::<Repository>()?;
            Repository(format!("library/{path}"))
        } else {
            path.parse()?
        };
        let tag = tag.or_else(|| digest.is_none().then(Tag::latest));
        Ok(Self { registry, repository, tag, digest })
    }
}

fn is_host(text: &str) -> bool {
    text.contains(['.', ':'])
        || text.starts_with('[')
        || text == "localhost"
        || text.chars().any(|letter| letter.is_ascii_uppercase())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An image that cannot change under its name: `registry/repository@sha256:…`.
///
/// The only thing a deploy accepts, so that a tag cannot reach a cluster:
///
/// ```compile_fail
/// use notes_oci::{Pinned, Reference};
/// let tagged: Reference = "docker.io/user/app:a3f92bd".parse().unwrap();
/// let pinned: Pinned = tagged;
/// ```
///
/// It prints without the tag, which a reader could otherwise take for a promise:
///
/// ```
/// use notes_oci::{Digest, Reference};
/// let pinned = "user/app:a3f92bd".parse::<Reference>()?.pin(Digest::of(b"{}"));
/// assert!(pinned.to_string().starts_with("docker.io/user/app@sha256:44136fa355"));
/// # Ok::<(), notes_oci::ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pinned {
    /// The registry.
    pub registry: Registry,
    /// The repository in it.
    pub repository: Repository,
    /// The tag it had when it was pinned, for people; not part of its identity in a registry.
    pub tag: Option<Tag>,
    /// The digest of the manifest or index.
    pub digest: Digest,
}

impl Pinned {
    /// Returns the reference a registry is asked for.
    pub fn reference(&self) -> Reference {
        Reference {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            tag: self.tag.clone(),
            digest: Some(self.digest),
        }
    }

    /// Returns `registry/repository`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl TryFrom<Reference> for Pinned {
    type Error = ReferenceError;

    fn try_from(reference: Reference) -> Result<Self, ReferenceError> {
        match reference.digest {
            Some(digest) => Ok(reference.pin(digest)),
            None => Err(ReferenceError::NotPinned { text: reference.to_string() }),
        }
    }
}

impl FromStr for Pinned {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        text.parse::<Reference>()?.try_into()
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.registry, self.repository, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_completes_them() {
        for (written, meant) in [
            ("python", "docker.io/library/python:latest"),
            ("user/app:1", "docker.io/user/app:1"),
            ("index.docker.io/user/app", "docker.io/user/app:latest"),
            ("registry-1.docker.io/python", "docker.io/library/python:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("127.0.0.1:5000/a/b/c:x.Y_z-1", "127.0.0.1:5000/a/b/c:x.Y_z-1"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("GHCR.io/o/a__b", "ghcr.io/o/a__b:latest"),
            ("a/b--c", "docker.io/a/b--c:latest"),
        ] {
            assert_eq!(written.parse::<Reference>().unwrap().to_string(), meant, "{written}");
        }
        let digest = Digest::of(b"x");
        assert_eq!(
            format!("python@{digest}").parse::<Reference>().unwrap().to_string(),
            format!("docker.io/library/python@{digest}"),
            "a digest needs no tag"
        );
        assert_eq!(
            format!("python:3@{digest}").parse::<Reference>().unwrap().identifier(),
            digest.to_string()
        );
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for text in [
            "",
            "a//b",
            "-a",
            "a-",
            "a._b",
            "a/___b",
            "user/App",
            "a:",
            "a:.b",
            "ex ample.com/a",
            "host:99999/a",
            "[::g]:1/a",
            "a@sha256:00",
            "a@",
            "https://example.com/a",
            "a.b/",
            "$CI_REGISTRY_IMAGE",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        let error = "user/App".parse::<Reference>().unwrap_err();
        assert_eq!(error.hint().unwrap(), "repository names are lower-case: `user/app`");
    }

    #[test]
    fn loopback_is_known_by_name_and_address() {
        for (text, expected) in [
            ("localhost:5000", true),
            ("127.8.0.1", true),
            ("[::1]:80", true),
            ("localhost.example.com", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(text.parse::<Registry>().unwrap().is_loopback(), expected, "{text}");
        }
    }
}
