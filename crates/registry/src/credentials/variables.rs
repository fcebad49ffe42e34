//! The variables that hold credentials, and those that say where files lie.

use std::path::{Path, PathBuf};

use notes_oci::Registry;

use super::{Credential, CredentialError, Place};
use crate::environment::Environment;

/// Returns the credentials that stand in variables.
pub(super) fn places(environment: &Environment) -> Vec<Place> {
    let mut places = Vec::new();
    places.extend(pair(
        environment,
        Some(Registry::docker_hub()),
        "DOCKERHUB_USERNAME",
        "DOCKERHUB_PASSWORD",
    ));
    let named = |variable| environment.value(variable).and_then(|host| host.parse().ok());
    places.extend(pair(
        environment,
        named("CI_REGISTRY"),
        "CI_REGISTRY_USER",
        "CI_REGISTRY_PASSWORD",
    ));
    // GitLab writes the proxy's host with its port, image names usually do not.
    let proxy: Option<Registry> = named("CI_DEPENDENCY_PROXY_SERVER");
    let without_port = proxy
        .as_ref()
        .and_then(|proxy| proxy.as_str().strip_suffix(":443"))
        .and_then(|host| host.parse().ok());
    for registry in [proxy, without_port].into_iter().flatten() {
        let (user, password) = ("CI_DEPENDENCY_PROXY_USER", "CI_DEPENDENCY_PROXY_PASSWORD");
        places.extend(pair(environment, Some(registry), user, password));
    }
    if let (Some(token), Ok(registry)) = (environment.value("GITHUB_TOKEN"), "ghcr.io".parse()) {
        let user = environment.value("GITHUB_ACTOR").unwrap_or("x-access-token");
        let credential = checked("GITHUB_TOKEN", token).map(|token| Credential::basic(user, token));
        places.push(Place::Given { registry, credential, source: "`GITHUB_TOKEN`".into() });
    }
    places
}

fn pair(
    environment: &Environment,
    registry: Option<Registry>,
    user: &str,
    password: &str,
) -> Option<Place> {
    let half = |present: &str, missing: &str| {
        Err(CredentialError::Half { present: present.into(), missing: missing.into() })
    };
    let credential = match (environment.value(user), environment.value(password)) {
        (None, None) => return None,
        (Some(_), None) => half(user, password),
        (None, Some(_)) => half(password, user),
        (Some(name), Some(secret)) => checked(user, name)
            .and_then(|name| Ok(Credential::basic(name, checked(password, secret)?))),
    };
    let source = format!("`{user}` and `{password}`");
    Some(Place::Given { registry: registry?, credential, source })
}

/// Refuses `$NAME` and `${NAME}`: what a CI system leaves where a variable does not exist (gitlab#584379).
fn checked<'a>(variable: &str, value: &'a str) -> Result<&'a str, CredentialError> {
    let name = value
        .strip_prefix('$')
        .map(|rest| rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(rest));
    let is_name = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_uppercase() || letter == '_')
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    match name {
        Some(name) if is_name(name) => {
            Err(CredentialError::Unexpanded { variable: variable.into(), value: value.into() })
        }
        _ => Ok(value),
    }
}

/// Returns the configuration files to look at, each with its name for people.
pub(super) fn files(environment: &Environment) -> Vec<(String, PathBuf)> {
    let home = environment.value("HOME").map(Path::new);
    let config_home = environment
        .value("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| home.map(|home| home.join(".config")));
    let path = |variable, rest: &str| {
        environment.value(variable).map(|directory| Path::new(directory).join(rest))
    };
    [
        environment.value("REGISTRY_AUTH_FILE").map(PathBuf::from),
        path("DOCKER_CONFIG", "config.json"),
        path("XDG_RUNTIME_DIR", "containers/auth.json"),
        config_home.map(|directory| directory.join("containers/auth.json")),
        home.map(|home| home.join(".docker/config.json")),
    ]
    .into_iter()
    .flatten()
    .map(|path| (format!("`{}`", path.display()), path))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_told_from_passwords() {
        for value in ["$DOCKERHUB_PASSWORD", "${CI_TOKEN}", "$_X1"] {
            assert!(checked("P", value).is_err(), "{value}");
        }
        for value in ["$", "$1", "$pass", "p$WORD", "$A!", "${A", "plain"] {
            assert!(checked("P", value).is_ok(), "{value}");
        }
    }

    #[test]
    fn files_are_asked_from_the_most_explicit_to_the_user_wide() {
        let environment: Environment = [
            ("HOME", "/home/anna"),
            ("DOCKER_CONFIG", "/ci/docker"),
            ("REGISTRY_AUTH_FILE", "/ci/auth.json"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
        ]
        .into_iter()
        .collect();
        let paths: Vec<_> = files(&environment).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            paths,
            [
                "`/ci/auth.json`",
                "`/ci/docker/config.json`",
                "`/run/user/1/containers/auth.json`",
                "`/home/anna/.config/containers/auth.json`",
                "`/home/anna/.docker/config.json`"
            ]
        );
        assert!(files(&Environment::default()).is_empty());
    }
}
