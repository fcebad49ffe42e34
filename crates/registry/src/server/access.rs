//! Who may use the registry: HTTP basic authentication or nobody's check.

use std::fmt;

use axum::http::{HeaderMap, Method, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};
use notes_oci::Digest;
use secrecy::{ExposeSecret, SecretString};

/// Who may read and write.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Access {
    /// Everybody who reaches the port.
    #[default]
    Open,
    /// One user, by HTTP basic authentication.
    Basic {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// Everybody may pull; one user may push and delete.
    BasicToPush {
        /// The user's name.
        username: String,
        /// The password.
        password: SecretString,
    },
}

impl Access {
    /// Tells whether a request may be answered.
    pub(super) fn permits(&self, method: &Method, headers: &HeaderMap) -> bool {
        match self {
            Self::Open => true,
            Self::Basic { username, password } => is_user(headers, username, password),
            Self::BasicToPush { username, password } => {
                method == Method::GET
                    || method == Method::HEAD
                    || is_user(headers, username, password)
            }
        }
    }
}

/// Compares digests rather than texts, so that the time it takes tells nothing of the password.
fn is_user(headers: &HeaderMap, username: &str, password: &SecretString) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    let expected = format!("{username}:{}", password.expose_secret());
    given.is_some_and(|given| Digest::of(given) == Digest::of(expected))
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Basic { username, .. } => write!(f, "Basic({username})"),
            Self::BasicToPush { username, .. } => write!(f, "BasicToPush({username})"),
        }
    }
}
