//! Who we are at a registry: a [`Keychain`] of places where credentials lie, asked in a fixed order.

mod config_file;
mod helper;
mod variables;

use std::{fmt, path::Path};

use notes_oci::{Registry, Repository};
use secrecy::SecretString;

use self::{config_file::ConfigFile, helper::Helper};
use crate::environment::Environment;

/// What proves who we are. Never printed, not even by `Debug`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password or access token.
    Basic {
        /// The name.
        username: String,
        /// The password or access token.
        password: SecretString,
    },
    /// An `OAuth2` refresh token, which docker calls identity token.
    Identity {
        /// The token.
        token: SecretString,
    },
    /// A token the registry itself takes.
    Bearer {
        /// The token.
        token: SecretString,
    },
}

impl Credential {
    /// Returns a user name with its password or access token.
    pub fn basic(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Basic { username: username.into(), password: password.into().into() }
    }
}

impl Credential {
    pub(crate) fn secret(&self) -> &SecretString {
        match self {
            Self::Basic { password: secret, .. }
            | Self::Identity { token: secret }
            | Self::Bearer { token: secret } => secret,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Identity { .. } => "Identity(…)",
            Self::Bearer { .. } => "Bearer(…)",
        })
    }
}

/// A credential and where it was found, for `doctor` and for error messages.
#[derive(Clone, Debug)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// The place, such as `DOCKERHUB_USERNAME` or a file; never a value.
    pub source: String,
}

/// What a [`Keychain`] answers for a repository.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The credential of the first place that has one.
    pub found: Option<Found>,
    /// The places that were asked, in order.
    pub searched: Vec<String>,
    /// What was wrong on the way: a broken file, a helper that failed. Not fatal, but worth a line.
    pub warnings: Vec<String>,
}

/// The error returned when a credential was meant to be there and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A variable holds the name of a variable.
    #[error("the value of `{variable}` is `{value}`, a variable that was not expanded")]
    Unexpanded {
        /// The variable.
        variable: String,
        /// Its value, which is a name and no secret.
        value: String,
    },
    /// Of a user name and a password only one is set.
    #[error("`{present}` is set and `{missing}` is not")]
    Half {
        /// The variable that is set.
        present: String,
        /// The variable that is not.
        missing: String,
    },
}

impl CredentialError {
    /// Returns advice.
    pub fn hint(&self) -> Option<String> {
        let variable = match self {
            Self::Unexpanded { value, .. } => value,
            Self::Half { missing, .. } => missing,
        };
        Some(format!(
            "a protected CI variable is absent on unprotected branches, and one of an environment in jobs without it; \
             check `{}` in the CI settings",
            variable.trim_start_matches(['$', '{']).trim_end_matches('}')
        ))
    }
}

/// Places where credentials lie, in the order they are asked; the first that has one for a registry wins.
///
/// # Examples
///
/// ```
/// use notes_registry::{Credential, Environment, Keychain};
///
/// let keychain = Keychain::from_environment(
///     &[("DOCKERHUB_USERNAME", "anna"), ("DOCKERHUB_PASSWORD", "secret")].into_iter().collect::<Environment>(),
/// )
/// .with("registry.example.com".parse()?, Credential::basic("ci", "secret"), "--username");
/// assert!(!format!("{keychain:?}").contains("secret"));
/// # Ok::<(), notes_oci::ReferenceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Keychain {
    places: Vec<Place>,
    /// What was wrong when the places were read.
    warnings: Vec<String>,
}

/// One place.
#[derive(Clone, Debug)]
enum Place {
    /// A credential for one registry.
    Given { registry: Registry, credential: Result<Credential, CredentialError>, source: String },
    /// A configuration file of docker or podman, or its text in a variable.
    File { file: ConfigFile, source: String, helpers: Helper },
    /// A place that was looked at and is not there.
    Absent { source: String },
}

impl Keychain {
    /// Returns a keychain without any credential: everything is anonymous.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Returns the keychain that this process's environment and its user's docker and podman configuration describe.
    ///
    /// The order: `DOCKERHUB_USERNAME`/`_PASSWORD` for Docker Hub; `CI_REGISTRY_*`, `CI_DEPENDENCY_PROXY_*` and
    /// `GITHUB_TOKEN` for their registries; `REGISTRY_AUTH_FILE`; `$DOCKER_CONFIG/config.json`;
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json`, `~/.docker/config.json`;
    /// `DOCKER_AUTH_CONFIG`, which belongs to the runner on GitLab and comes before the files elsewhere.
    pub fn from_env() -> Self {
        Self::from_environment(&Environment::read())
    }

    /// Returns the keychain that `environment` and the files it points to describe; see [`Keychain::from_env`].
    pub fn from_environment(environment: &Environment) -> Self {
        let mut keychain = Self::default();
        keychain.places.extend(variables::places(environment));
        let helpers = Helper::new(environment);
        let text = environment.value("DOCKER_AUTH_CONFIG");
        let is_first = environment.value("DOCKER_AUTH_ORDER") == Some("env,config")
            || environment.value("GITLAB_CI").is_none();
        if is_first {
            keychain.add_text(text, &helpers);
        }
        for (source, path) in variables::files(environment) {
            keychain.add_file(source, &path, &helpers);
        }
        if !is_first {
            keychain.add_text(text, &helpers);
        }
        keychain
    }

    /// Returns this keychain with a credential for one registry that wins over all others.
    pub fn with(
        mut self,
        registry: Registry,
        credential: Credential,
        source: impl Into<String>,
    ) -> Self {
        let source = source.into();
        self.places.insert(0, Place::Given { registry, credential: Ok(credential), source });
        self
    }

    fn add_text(&mut self, text: Option<&str>, helpers: &Helper) {
        let source = "`DOCKER_AUTH_CONFIG`".to_owned();
        match text.map(ConfigFile::parse) {
            Some(Ok(file)) => {
                self.places.push(Place::File { file, source, helpers: helpers.clone() });
            }
            Some(Err(error)) => self.warnings.push(format!("{source} is ignored: {error}")),
            None => self.places.push(Place::Absent { source }),
        }
    }

    fn add_file(&mut self, source: String, path: &Path, helpers: &Helper) {
        match ConfigFile::read(path) {
            Ok(Some(file)) => {
                self.places.push(Place::File { file, source, helpers: helpers.clone() });
            }
            Ok(None) => self.places.push(Place::Absent { source }),
            Err(error) => self.warnings.push(format!("{source} is ignored: {error}")),
        }
    }

    /// Returns the registries, and the repositories or their parents in them, that some place is about. A helper for all
    /// registries is about none.
    pub fn subjects(&self) -> Vec<(Registry, Option<Repository>)> {
        let mut subjects = Vec::new();
        for place in &self.places {
            match place {
                Place::Given { registry, .. } => subjects.push((registry.clone(), None)),
                Place::File { file, .. } => subjects.extend(file.subjects()),
                Place::Absent { .. } => {}
            }
        }
        subjects.sort();
        subjects.dedup();
        subjects
    }

    /// Looks for the credential of `repository` in `registry`. May run a credential helper.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] where a variable that is meant for this registry cannot be right; going on without it would
    /// fail later with a message that misleads.
    pub async fn find(
        &self,
        registry: &Registry,
        repository: Option<&Repository>,
    ) -> Result<Lookup, CredentialError> {
        let mut lookup = Lookup { warnings: self.warnings.clone(), ..Lookup::default() };
        for place in &self.places {
            let (credential, source) = match place {
                Place::Given { registry: given, credential, source } if given == registry => {
                    (Some(credential.clone()?), source)
                }
                Place::Given { .. } => continue,
                Place::Absent { source } => {
                    lookup.searched.push(format!("{source} (absent)"));
                    continue;
                }
                Place::File { file, source, helpers } => {
                    (file.find(registry, repository, helpers, &mut lookup.warnings).await, source)
                }
            };
            lookup.searched.push(source.clone());
            if let Some(credential) = credential {
                lookup.found = Some(Found { credential, source: source.clone() });
                break;
            }
        }
        Ok(lookup)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    async fn found(variables: &[(&str, &str)], registry: &str) -> Option<(String, String)> {
        let environment: Environment = variables.iter().copied().collect();
        let keychain = Keychain::from_environment(&environment);
        let found = keychain.find(&registry.parse().unwrap(), None).await.unwrap().found?;
        let Credential::Basic { username, password } = found.credential else { panic!("no basic") };
        Some((format!("{username}:{}", password.expose_secret()), found.source))
    }

    const HUB: [(&str, &str); 2] = [("DOCKERHUB_USERNAME", "anna"), ("DOCKERHUB_PASSWORD", "p")];
    // base64 of `bert:q`
    const TEXT: &str = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YmVydDpx"},
        "example.com:5000":{"username":"carl","password":"r"}}}"#;

    #[tokio::test]
    async fn variables_are_for_their_registry_and_win_over_files() {
        let all = [HUB[0], HUB[1], ("DOCKER_AUTH_CONFIG", TEXT)];
        for alias in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert_eq!(found(&all, alias).await.unwrap().0, "anna:p", "{alias}");
        }
        let (credential, source) = found(&all, "example.com:5000").await.unwrap();
        assert_eq!((credential.as_str(), source.as_str()), ("carl:r", "`DOCKER_AUTH_CONFIG`"));
        assert_eq!(found(&all, "example.com").await, None, "another port is another registry");
        assert_eq!(found(&all[2..], "docker.io").await.unwrap().0, "bert:q");
    }

    #[tokio::test]
    async fn the_variables_of_ci_are_for_its_registries() {
        let gitlab = [
            ("CI_REGISTRY", "registry.gitlab.com"),
            ("CI_REGISTRY_USER", "gitlab-ci-token"),
            ("CI_REGISTRY_PASSWORD", "job"),
            ("CI_DEPENDENCY_PROXY_SERVER", "gitlab.com:443"),
            ("CI_DEPENDENCY_PROXY_USER", "proxy"),
            ("CI_DEPENDENCY_PROXY_PASSWORD", "x"),
            ("GITHUB_TOKEN", "t"),
        ];
        for (registry, expected) in [
            ("registry.gitlab.com", "gitlab-ci-token:job"),
            ("gitlab.com", "proxy:x"),
            ("gitlab.com:443", "proxy:x"),
            ("ghcr.io", "x-access-token:t"),
        ] {
            assert_eq!(found(&gitlab, registry).await.unwrap().0, expected, "{registry}");
        }
        assert_eq!(found(&gitlab, "docker.io").await, None);
    }

    #[tokio::test]
    async fn a_variable_that_cannot_be_right_is_an_error_for_its_registry_only() {
        let environment: Environment =
            [("DOCKERHUB_USERNAME", "anna"), ("DOCKERHUB_PASSWORD", "$DOCKERHUB_PASSWORD")]
                .into_iter()
                .collect();
        let keychain = Keychain::from_environment(&environment);
        let error = keychain.find(&Registry::docker_hub(), None).await.unwrap_err();
        insta::assert_snapshot!(error, @"the value of `DOCKERHUB_PASSWORD` is `$DOCKERHUB_PASSWORD`, a variable that was not expanded");
        assert!(keychain.find(&"ghcr.io".parse().unwrap(), None).await.is_ok());

        let half = Keychain::from_environment(&[HUB[0]].into_iter().collect());
        let error = half.find(&Registry::docker_hub(), None).await.unwrap_err();
        insta::assert_snapshot!(error, @"`DOCKERHUB_USERNAME` is set and `DOCKERHUB_PASSWORD` is not");
    }

    #[tokio::test]
    async fn a_broken_file_is_a_warning() {
        let broken: Environment = [("DOCKER_AUTH_CONFIG", "{")].into_iter().collect();
        let lookup =
            Keychain::from_environment(&broken).find(&Registry::docker_hub(), None).await.unwrap();
        assert!(lookup.found.is_none());
        assert!(lookup.warnings[0].starts_with("`DOCKER_AUTH_CONFIG` is ignored: "), "{lookup:?}");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let keychain = Keychain::from_environment(
            &[HUB[0], ("DOCKERHUB_PASSWORD", "sesame"), ("DOCKER_AUTH_CONFIG", TEXT)]
                .into_iter()
                .collect(),
        );
        let shown = format!("{keychain:?}");
        assert!(!shown.contains("sesame") && !shown.contains("YmVydDpx"), "{shown}");
    }
}
