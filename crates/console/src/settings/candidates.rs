//! Flag over environment over file over default, in one place.

use super::{FromText, Located, Origin, Setting};
use crate::{Environment, Variable};

/// What each source says about one setting. The order of the calls does not matter; [`Candidates::or`] picks.
#[derive(Clone, Debug)]
#[must_use]
pub struct Candidates<T> {
    key: &'static str,
    flag: Option<(T, Origin)>,
    environment: Option<(T, Origin)>,
    file: Option<(T, Origin)>,
    derived: Option<(T, Origin)>,
}

impl<T> Candidates<T> {
    /// Starts with nobody having said anything about `key`.
    pub fn new(key: &'static str) -> Self {
        Self { key, flag: None, environment: None, file: None, derived: None }
    }

    /// Adds what the flag called `name` says.
    pub fn flag(mut self, name: &'static str, value: Option<T>) -> Self {
        self.flag = value.map(|value| (value, Origin::Flag(name)));
        self
    }

    /// Adds what `variable` says.
    ///
    /// # Errors
    ///
    /// When it does not hold such a value.
    pub fn environment(
        mut self,
        environment: &Environment,
        variable: Variable,
    ) -> Result<Self, InvalidVariable>
    where
        T: FromText,
    {
        let Some(text) = environment.value(variable) else { return Ok(self) };
        let invalid = |expected| InvalidVariable { variable, text: text.into(), expected };
        if is_unexpanded(text) {
            return Err(invalid("expanded"));
        }
        let value = T::from_text(text).ok_or_else(|| invalid(T::EXPECTED))?;
        self.environment = Some((value, Origin::Environment(variable)));
        Ok(self)
    }

    /// Adds what the settings file says.
    pub fn file(mut self, value: Option<Located<T>>) -> Self {
        self.file = value.map(|located| (located.value, Origin::File(located.place)));
        self
    }

    /// Adds what was found out, `from` somewhere; it beats the default alone.
    pub fn derived(mut self, from: impl Into<String>, value: Option<T>) -> Self {
        self.derived = value.map(|value| (value, Origin::Derived(from.into())));
        self
    }

    /// Returns what the strongest source says, or `default`.
    pub fn or(self, default: T) -> Setting<T> {
        let key = self.key;
        let (value, origin) = self.strongest().unwrap_or((default, Origin::Default));
        Setting { key, value, origin }
    }

    /// Returns what the strongest source says, where nothing is a fine answer.
    pub fn optional(self) -> Setting<Option<T>> {
        let key = self.key;
        let (value, origin) = self
            .strongest()
            .map_or((None, Origin::Default), |(value, origin)| (Some(value), origin));
        Setting { key, value, origin }
    }

    fn strongest(self) -> Option<(T, Origin)> {
        self.flag.or(self.environment).or(self.file).or(self.derived)
    }
}

/// Tells whether `text` is the name of a variable that nobody replaced: GitLab passes `$NAME` on as it stands when NAME does
/// not exist in the job (gitlab-org/gitlab#584379).
fn is_unexpanded(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.or_else(|| text.strip_prefix('$')).is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The error returned when an environment variable does not hold what its setting needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is `{text}`, which is not {expected}", variable.name)]
pub struct InvalidVariable {
    /// The variable.
    pub variable: Variable,
    /// What it holds.
    pub text: String,
    /// What it should hold.
    pub expected: &'static str,
}

impl InvalidVariable {
    /// Returns what may be done about it.
    pub fn hint(&self) -> Option<String> {
        is_unexpanded(&self.text).then(|| {
            format!(
                "the CI system knows no variable of that name in this job; it may be protected or bound to an environment (`{}`)",
                self.variable.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::NOTES_DEPLOY_REPLICAS;
    use crate::settings::Place;

    fn candidates(
        flag: Option<u32>,
        variable: &str,
        file: Option<u32>,
    ) -> Result<Setting<u32>, InvalidVariable> {
        let environment = [("NOTES_DEPLOY_REPLICAS", variable)].into_iter().collect();
        let place = Place { file: "notes.toml".into(), line: 3 };
        Ok(Candidates::new("deploy.replicas")
            .file(file.map(|value| Located { value, place }))
            .environment(&environment, NOTES_DEPLOY_REPLICAS)?
            .flag("--replicas", flag)
            .or(1))
    }

    #[test]
    fn the_strongest_source_wins_and_is_remembered() {
        let resolved = |flag, variable, file| {
            let setting = candidates(flag, variable, file).unwrap();
            (setting.value, setting.origin.to_string())
        };
        assert_eq!(resolved(Some(4), "3", Some(2)), (4, "--replicas".into()));
        assert_eq!(resolved(None, "3", Some(2)), (3, "NOTES_DEPLOY_REPLICAS".into()));
        assert_eq!(resolved(None, "", Some(2)), (2, "notes.toml:3".into()));
        assert_eq!(resolved(None, "", None), (1, "default".into()));
    }

    #[test]
    fn a_variable_with_a_wrong_value_is_an_error_even_if_a_flag_beats_it() {
        let error = candidates(Some(4), "many", None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`NOTES_DEPLOY_REPLICAS` is `many`, which is not a number from 0 to 4294967295"
        );
        assert_eq!(error.hint(), None);
        assert!(candidates(None, "$REPLICAS", None).unwrap_err().hint().is_some());
        assert!(candidates(None, "${REPLICAS}", None).unwrap_err().hint().is_some());
    }
}
