//! The variables that an instruction sees.

use notes_dockerfile::Variables;

/// What made a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ARG`: seen by the build, not by the image.
    Argument,
    /// `ENV`, or the base image.
    Environment,
}

/// The variables of a stage at one point. Of two definitions the later one counts, as in `BuildKit`'s code; only the
/// environment reaches the image.
///
/// # Examples
///
/// ```
/// use notes_image::plan::{Kind, Scope};
/// use notes_dockerfile::Variables;
///
/// let mut scope = Scope::default();
/// scope.set(Kind::Environment, "VERSION", "1");
/// scope.set(Kind::Argument, "VERSION", "2");
/// assert_eq!(scope.value("VERSION").as_deref(), Some("2"));
/// assert_eq!(scope.environment(), ["VERSION=1"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// In the order of first definition: the order in which an image lists them.
    environment: Vec<(String, String)>,
    arguments: Vec<(String, String)>,
    /// Every name an `ARG` declares, with a value or without, in the order of their first declaration.
    declared: Vec<String>,
    /// The names whose argument is newer than their environment variable.
    shadowed: std::collections::BTreeSet<String>,
}

impl Scope {
    /// Returns the scope of an image with this environment.
    pub fn of_image(environment: &[String]) -> Self {
        let mut scope = Self::default();
        for variable in environment {
            let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
            scope.set(Kind::Environment, name, value);
        }
        scope
    }

    /// Defines a variable, or changes it where it stands.
    pub fn set(&mut self, kind: Kind, name: &str, value: &str) {
        let variables = match kind {
            Kind::Argument => {
                self.shadowed.insert(name.into());
                &mut self.arguments
            }
            Kind::Environment => {
                self.shadowed.remove(name);
                &mut self.environment
            }
        };
        match variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value.into(),
            None => variables.push((name.into(), value.into())),
        }
    }

    /// Notes that an `ARG` declares `name`, whether it has a value or not.
    pub fn declare(&mut self, name: &str) {
        if !self.declares(name) {
            self.declared.push(name.into());
        }
    }

    /// Tells whether an `ARG` declares `name`.
    pub fn declares(&self, name: &str) -> bool {
        self.declared.iter().any(|known| known == name)
    }

    /// Returns `NAME=value` of what reaches the image.
    pub fn environment(&self) -> Vec<String> {
        self.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// Returns the declared arguments in order, with what a command sees under their names; unset ones are empty.
    pub fn arguments(&self) -> Vec<(String, String)> {
        let value = |name: &String| (name.clone(), self.value(name).unwrap_or_default());
        self.declared.iter().map(value).collect()
    }

    /// Returns what a command sees.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for (name, value) in &self.environment {
            if !self.shadowed.contains(name) {
                variables.push((name.clone(), value.clone()));
            }
        }
        for (name, value) in &self.arguments {
            if self.shadowed.contains(name) {
                variables.push((name.clone(), value.clone()));
            }
        }
        variables
    }
}

impl Variables for Scope {
    fn value(&self, name: &str) -> Option<String> {
        let find = |variables: &[(String, String)]| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        if self.shadowed.contains(name) { find(&self.arguments) } else { find(&self.environment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_variable_after_an_argument_wins() {
        let mut scope = Scope::default();
        scope.set(Kind::Argument, "A", "arg");
        scope.set(Kind::Environment, "A", "env");
        assert_eq!(scope.variables(), [("A".to_owned(), "env".to_owned())]);
        assert_eq!(scope.environment(), ["A=env"]);
    }

    #[test]
    fn an_argument_after_an_environment_variable_wins_and_stays_out_of_the_image() {
        let mut scope = Scope::of_image(&["A=env".into()]);
        scope.set(Kind::Argument, "A", "arg");
        assert_eq!(scope.variables(), [("A".to_owned(), "arg".to_owned())]);
        assert_eq!(scope.environment(), ["A=env"]);
    }

    #[test]
    fn declared_arguments_without_a_value_are_empty() {
        let mut scope = Scope::of_image(&["SET=env".into()]);
        for name in ["UNSET", "SET", "UNSET"] {
            scope.declare(name);
        }
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(scope.arguments(), [pair("UNSET", ""), pair("SET", "env")]);
        assert_eq!(scope.value("UNSET"), None);
    }

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut scope = Scope::of_image(&["PATH=/bin".into(), "B=1".into()]);
        scope.set(Kind::Environment, "PATH", "/sbin");
        assert_eq!(scope.environment(), ["PATH=/sbin", "B=1"]);
    }
}
