//! Mirrors: other places to pull a registry's images from.

use std::{fmt, str::FromStr};

use notes_oci::{Origin, ReferenceError, Registry, Repository};

/// Another place to pull the images of a registry from, tried before it. Pushes never go to a mirror.
///
/// # Examples
///
/// ```
/// use notes_registry::Mirror;
///
/// let mirror: Mirror = "docker.io=mirror.example.com/hub".parse()?;
/// assert_eq!(mirror.to_string(), "docker.io=mirror.example.com/hub");
/// # Ok::<(), notes_registry::MirrorError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The registry whose images it has.
    pub of: Registry,
    /// Where they are.
    pub host: Registry,
    /// What their repositories begin with there.
    pub prefix: Option<Repository>,
}

impl Mirror {
    /// Returns where `repository` lies in this mirror; `None` where the name would be too long.
    pub(crate) fn place(&self, repository: &Repository) -> Option<Origin> {
        let repository = match &self.prefix {
            Some(prefix) => format!("{prefix}/{repository}").parse().ok()?,
            None => repository.clone(),
        };
        Some(Origin { registry: self.host.clone(), repository })
    }
}

/// The error returned when text is not a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// There is no `=`.
    #[error("`{text}` is not a mirror; write `registry=host` or `registry=host/path`")]
    Shape {
        /// What was to be parsed.
        text: String,
    },
    /// One of the names is malformed.
    #[error("`{text}` is not a mirror")]
    Name {
        /// What was to be parsed.
        text: String,
        /// Why not.
        source: ReferenceError,
    },
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let shape = || MirrorError::Shape { text: text.into() };
        let named = |source| MirrorError::Name { text: text.into(), source };
        let (of, place) = text.split_once('=').ok_or_else(shape)?;
        let place = place.trim().trim_end_matches('/');
        // People paste addresses; the scheme follows from the host.
        let place = place.trim_start_matches("https://").trim_start_matches("http://");
        let (host, prefix) = match place.split_once('/') {
            Some((host, prefix)) => (host, Some(prefix.parse().map_err(named)?)),
            None => (place, None),
        };
        Ok(Self {
            of: of.trim().parse().map_err(named)?,
            host: host.parse().map_err(named)?,
            prefix,
        })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.of, self.host)?;
        self.prefix.iter().try_for_each(|prefix| write!(f, "/{prefix}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_reads_back_as_it_prints() {
        for text in ["docker.io=127.0.0.1:5000", "ghcr.io=mirror.example.com/a/b"] {
            assert_eq!(text.parse::<Mirror>().unwrap().to_string(), text);
        }
        let pasted: Mirror = "index.docker.io=https://mirror.gcr.io/".parse().unwrap();
        assert_eq!(pasted.to_string(), "docker.io=mirror.gcr.io");
        for text in ["docker.io", "docker.io=", "=x", "docker.io=host/UPPER"] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_goes_before_the_repository() {
        let mirror: Mirror = "docker.io=127.0.0.1:5000/hub".parse().unwrap();
        let place = mirror.place(&"library/python".parse().unwrap()).unwrap();
        assert_eq!(place.repository.as_str(), "hub/library/python");
    }
}
