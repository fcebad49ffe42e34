//! The users of a registry.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use notes_oci::Digest;
use secrecy::{ExposeSecret, SecretString};

use super::{Grant, authorization};

/// What asks for a name and a password.
pub(super) const CHALLENGE: &str = "Basic realm=\"notes\", charset=\"UTF-8\"";

/// A user.
#[derive(Clone)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password.
    pub password: SecretString,
    /// What the user may do.
    pub grants: Vec<Grant>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// The users of a registry, and what everybody may do.
#[derive(Clone, Debug, Default)]
pub struct Users {
    /// Those who have a name.
    pub users: Vec<User>,
    /// What may be done without one; users may do it too.
    pub anonymous: Vec<Grant>,
}

impl From<User> for Users {
    fn from(user: User) -> Self {
        Self { users: vec![user], anonymous: Vec::new() }
    }
}

/// Name or password are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong;

impl Users {
    /// Returns the user that a request names, `None` where it names nobody.
    pub(super) fn named(&self, headers: &HeaderMap) -> Result<Option<&User>, Wrong> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let given = authorization(headers, "Basic")
            .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
            .ok_or(Wrong)?;
        self.with_login(&given).map(Some).ok_or(Wrong)
    }

    /// Returns the user of `login`, which is a name, a colon and a password.
    pub(super) fn with_login(&self, login: &[u8]) -> Option<&User> {
        // Digests rather than texts, so that the time it takes tells nothing of a password.
        let given = Digest::of(login);
        self.users.iter().find(|user| {
            Digest::of(format!("{}:{}", user.name, user.password.expose_secret())) == given
        })
    }

    /// Returns what a user, or everybody, may do.
    pub(super) fn rights<'a>(&'a self, user: Option<&'a User>) -> Vec<&'a Grant> {
        user.into_iter().flat_map(|user| &user.grants).chain(&self.anonymous).collect()
    }

    pub(super) fn find(&self, name: Option<&str>) -> Option<&User> {
        self.users.iter().find(|user| Some(user.name.as_str()) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let password = "hunter2".to_owned().into();
        let user = User { name: "anna".into(), password, grants: Vec::new() };
        assert!(!format!("{:?}", Users::from(user)).contains("hunter2"));
    }
}
