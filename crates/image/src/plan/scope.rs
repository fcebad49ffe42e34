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

    /// Returns `NAME=value` of what reaches the image.
    pub fn environment(&self) -> Vec<String> {
        self.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// Returns the arguments in the order of their declaration.
    pub fn arguments(&self) -> &[(String, String)] {
        &self.arguments
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
        assert_eq!(scope.arguments(), [("A".to_owned(), "arg".to_owned())]);
    }

    #[test]
    fn a_variable_that_is_set_again_keeps_its_place() {
        let mut scope = Scope::of_image(&["PATH=/bin".into(), "B=1".into()]);
        scope.set(Kind::Environment, "PATH", "/sbin");
        assert_eq!(scope.environment(), ["PATH=/sbin", "B=1"]);
    }
}
