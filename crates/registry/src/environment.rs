//! Environment variables as a value.

use std::{collections::BTreeMap, fmt};

/// A copy of environment variables. Everything here that depends on them takes one, so that a test or an embedding
/// program decides what they are; [`Environment::read`] is the one place that looks at the process.
///
/// # Examples
///
/// ```
/// use notes_registry::Environment;
///
/// let environment: Environment = [("HTTPS_PROXY", "http://proxy:3128")].into_iter().collect();
/// assert_eq!(environment.value("HTTPS_PROXY"), Some("http://proxy:3128"));
/// assert_eq!(environment.value("NO_PROXY"), None);
/// ```
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables of this process. Those that are not UTF-8 are left out.
    pub fn read() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns a variable that is set and not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the names and values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns a variable in upper or in lower case, as proxies are named; lower case wins, as in curl.
    pub(crate) fn in_either_case(&self, name: &str) -> Option<&str> {
        self.value(&name.to_ascii_lowercase()).or_else(|| self.value(name))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
