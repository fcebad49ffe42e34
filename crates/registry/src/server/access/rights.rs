//! What a user may do, and what a request needs.

use std::{fmt, str::FromStr};

use notes_oci::Repository;

/// Something that can be done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read.
    Pull,
    /// Write; it does not include reading.
    Push,
    /// Remove tags, manifests and blobs.
    Delete,
}

impl Action {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Pull, Self::Push, Self::Delete];

    fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The error returned when text is no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RightsError {
    /// No such action.
    #[error("`{text}` is none of `pull`, `push`, `delete`")]
    Action {
        /// What was to be parsed.
        text: String,
    },
    /// Neither a repository nor a pattern.
    #[error("`{text}` is neither a repository, nor `PREFIX/*`, nor `*`")]
    Repositories {
        /// What was to be parsed.
        text: String,
    },
}

impl FromStr for Action {
    type Err = RightsError;

    fn from_str(text: &str) -> Result<Self, RightsError> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or_else(|| RightsError::Action { text: text.to_owned() })
    }
}

/// Which repositories: all (`*`), those below a path (`team/*`), or one (`team/app`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repositories {
    /// All.
    All,
    /// Those below this path.
    Below(Repository),
    /// This one.
    One(Repository),
}

impl Repositories {
    fn contain(&self, repository: &Repository) -> bool {
        match self {
            Self::All => true,
            Self::Below(path) => repository
                .as_str()
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
            Self::One(one) => one == repository,
        }
    }
}

impl FromStr for Repositories {
    type Err = RightsError;

    fn from_str(text: &str) -> Result<Self, RightsError> {
        let parsed = |name: &str| {
            name.parse().map_err(|_| RightsError::Repositories { text: text.to_owned() })
        };
        match text.strip_suffix("/*") {
            Some(path) => parsed(path).map(Self::Below),
            None if text == "*" => Ok(Self::All),
            None => parsed(text).map(Self::One),
        }
    }
}

impl fmt::Display for Repositories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Below(path) => write!(f, "{path}/*"),
            Self::One(one) => one.fmt(f),
        }
    }
}

/// Some actions on some repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which repositories.
    pub repositories: Repositories,
    /// What may be done with them.
    pub actions: Vec<Action>,
}

/// As a scope of the token specification: `repository:NAME:ACTIONS`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<_> = self.actions.iter().map(|action| action.name()).collect();
        write!(f, "repository:{}:{}", self.repositories, actions.join(","))
    }
}

impl Grant {
    /// Returns the right to everything.
    pub fn everything() -> Self {
        Self { repositories: Repositories::All, actions: Action::ALL.to_vec() }
    }

    pub(super) fn covers(&self, need: &Need) -> bool {
        self.actions.contains(&need.action) && self.repositories.contain(&need.repository)
    }
}

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Need {
    pub(in super::super) action: Action,
    pub(in super::super) repository: Repository,
}

impl Need {
    pub(in super::super) fn new(action: Action, repository: &Repository) -> Self {
        Self { action, repository: repository.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_lies_below_and_nothing_that_begins_like_it() {
        for (pattern, name, expected) in [
            ("*", "team/app", true),
            ("team/*", "team/app", true),
            ("team/*", "team/a/b", true),
            ("team/*", "team", false),
            ("team/*", "teams/app", false),
            ("team/app", "team/app", true),
            ("team/app", "team/app2", false),
        ] {
            let repositories = pattern.parse().unwrap();
            let grant = Grant { repositories, actions: vec![Action::Pull] };
            let repository = name.parse().unwrap();
            assert_eq!(grant.covers(&Need::new(Action::Pull, &repository)), expected, "{pattern}");
            assert!(!grant.covers(&Need::new(Action::Push, &repository)));
        }
    }

    #[test]
    fn what_is_no_right_says_so() {
        assert_eq!(
            "read".parse::<Action>().unwrap_err().to_string(),
            "`read` is none of `pull`, `push`, `delete`"
        );
        for text in ["", "Team/*", "/*", "a*", "**"] {
            assert!(text.parse::<Repositories>().is_err(), "{text}");
        }
    }
}
