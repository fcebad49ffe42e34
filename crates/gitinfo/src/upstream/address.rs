//! Where a repository is, apart from who asks for it.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use gix::url::Scheme;

use super::Credential;

/// The address of a repository.
#[derive(Clone)]
pub(super) struct Address {
    /// Without a name or a password.
    pub(super) url: gix::Url,
    /// The value of the header `Authorization`.
    pub(super) authorization: Option<String>,
}

impl Address {
    /// Parses an address of a protocol that is spoken here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // It is written into the configuration of a repository.
        if text.chars().any(char::is_control) {
            return None;
        }
        let mut url = gix::url::parse(text).ok()?;
        let is_spoken = matches!(url.scheme, Scheme::Https | Scheme::Http | Scheme::Git);
        if !is_spoken || url.host().is_none_or(str::is_empty) {
            return None;
        }
        let (user, password) = (url.set_user(None), url.set_password(None));
        let is_web = url.scheme != Scheme::Git;
        let authorization = user.filter(|_| is_web).map(|user| basic(&user, password.as_deref()));
        Some(Self { url, authorization })
    }

    /// Tells whether it is reached over HTTP.
    pub(super) fn is_web(&self) -> bool {
        self.url.scheme != Scheme::Git
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.to_bstring().fmt(f)
    }
}

impl Credential {
    /// Returns the value of the header `Authorization`.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Token(token) => basic("x-access-token", Some(token)),
            Self::Header(header) => header.clone(),
        }
    }
}

fn basic(user: &str, password: Option<&str>) -> String {
    let pair = format!("{user}:{}", password.unwrap_or_default());
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_apart() {
        let address = Address::parse("https://user:p%40ss@host:8443/a/b.git").unwrap();
        assert_eq!(address.to_string(), "https://host:8443/a/b.git");
        assert_eq!(address.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(Address::parse("git://host/a.git").unwrap().authorization, None);
    }

    #[test]
    fn other_protocols_are_not_spoken() {
        for text in
            ["ssh://git@host/a.git", "git@host:a.git", "file:///srv/a.git", "/srv/a.git", ""]
        {
            assert!(Address::parse(text).is_none(), "{text}");
        }
        assert!(Address::parse("https://host/a\n[x].git").is_none());
    }
}
