//! The configuration file of docker, which podman's auth.json shares: `auths`, `credHelpers`, `credsStore`.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use notes_oci::{Registry, Repository};
use serde::Deserialize;

use super::{Credential, helper::Helper};

/// The key docker writes for Docker Hub, and asks helpers for.
pub(super) const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Padding is left out by some tools.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A parsed file. Unknown keys are other tools' business.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ConfigFile {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// Why a file is of no use. Says where, never what: the text around it may be a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("it cannot be read ({0})")]
    Read(#[from] io::Error),
    #[error("it is no docker configuration (line {line}, column {column})")]
    Parse { line: usize, column: usize },
}

impl ConfigFile {
    pub(super) fn parse(text: &str) -> Result<Self, FileError> {
        serde_json::from_str(text)
            .map_err(|error| FileError::Parse { line: error.line(), column: error.column() })
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, FileError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the registries and what in them has an entry or a helper of its own.
    pub(super) fn subjects(&self) -> Vec<(Registry, Option<Repository>)> {
        let subject = |key: &String| match normalized(key).split_once('/') {
            Some((registry, path)) => Some((registry.parse().ok()?, Some(path.parse().ok()?))),
            None => Some((normalized(key).parse().ok()?, None)),
        };
        self.auths.keys().chain(self.cred_helpers.keys()).filter_map(subject).collect()
    }

    /// Looks for a credential: a helper for the registry, an entry, then the helper for all registries.
    pub(super) async fn find(
        &self,
        registry: &Registry,
        repository: Option<&Repository>,
        helpers: &Helper,
        warnings: &mut Vec<String>,
    ) -> Option<Credential> {
        let own_helper = self
            .cred_helpers
            .iter()
            .find_map(|(key, name)| (normalized(key) == registry.as_str()).then_some(name));
        if let Some(name) = own_helper {
            return ask(helpers, name, registry, warnings).await;
        }
        if let Some(credential) = self.entry(registry, repository, warnings) {
            return Some(credential);
        }
        match &self.creds_store {
            Some(name) if !name.is_empty() => ask(helpers, name, registry, warnings).await,
            _ => None,
        }
    }

    /// Finds the entry of the longest key: `host/namespace/repository` before `host/namespace` before `host`.
    fn entry(
        &self,
        registry: &Registry,
        repository: Option<&Repository>,
        warnings: &mut Vec<String>,
    ) -> Option<Credential> {
        let mut wanted = match repository {
            Some(repository) => format!("{registry}/{repository}"),
            None => registry.to_string(),
        };
        loop {
            let entry = self.auths.iter().find(|(key, _)| normalized(key) == wanted);
            if let Some((key, entry)) = entry {
                match entry.credential() {
                    Ok(Some(credential)) => return Some(credential),
                    // Docker leaves an empty entry where a helper has the credential.
                    Ok(None) => {}
                    Err(problem) => {
                        warnings.push(format!("the entry `{key}` is ignored: {problem}"));
                    }
                }
            }
            wanted.truncate(wanted.rfind('/')?);
        }
    }
}

async fn ask(
    helpers: &Helper,
    name: &str,
    registry: &Registry,
    warnings: &mut Vec<String>,
) -> Option<Credential> {
    let server = if registry.is_docker_hub() { DOCKER_HUB_KEY } else { registry.as_str() };
    helpers.credential(name, server).await.unwrap_or_else(|error| {
        warnings.push(super::helper::describe(&error));
        None
    })
}

impl Entry {
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Credential::Bearer { token: token.into() }));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Credential::Identity { token: token.into() }));
        }
        if let Some(auth) = given(&self.auth) {
            let decoded = BASE64.decode(auth.trim()).map_err(|_| "`auth` is not base64")?;
            let decoded = String::from_utf8(decoded).map_err(|_| "`auth` is not UTF-8")?;
            let (username, password) =
                decoded.split_once(':').ok_or("`auth` is not `user:password`")?;
            // Old versions of docker pad with NUL.
            return Ok(Some(Credential::basic(username, password.trim_end_matches('\0'))));
        }
        Ok(given(&self.username)
            .zip(given(&self.password))
            .map(|(username, password)| Credential::basic(username, password)))
    }
}

/// Returns a key as `registry` or `registry/path`: without scheme and version, Docker Hub under its one name.
fn normalized(key: &str) -> String {
    let key = key.trim_start_matches("https://").trim_start_matches("http://");
    let key = key.trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    let (host, path) = key.split_once('/').map_or((key, None), |(host, path)| (host, Some(path)));
    let host = host.parse::<Registry>().map_or_else(|_| host.to_owned(), |it| it.to_string());
    match path {
        Some(path) => format!("{host}/{path}"),
        None => host,
    }
}

/// Keys only: everything else may be secret.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFile")
            .field("auths", &self.auths.keys())
            .field("cred_helpers", &self.cred_helpers)
            .field("creds_store", &self.creds_store)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn user(file: &str, registry: &str, repository: &str) -> Option<String> {
        let file = ConfigFile::parse(file).unwrap();
        let repository = repository.parse().unwrap();
        let mut warnings = Vec::new();
        match file.entry(&registry.parse().unwrap(), Some(&repository), &mut warnings)? {
            Credential::Basic { username, .. } => Some(username),
            Credential::Identity { token } | Credential::Bearer { token } => {
                Some(format!("token {}", token.expose_secret()))
            }
        }
    }

    #[test]
    fn the_most_specific_key_wins() {
        let file = r#"{"auths":{
            "https://example.com/v2/":{"username":"host","password":"x"},
            "example.com/team":{"username":"team","password":"x"},
            "example.com/team/app":{"username":"app","password":"x"},
            "index.docker.io":{"identitytoken":"abc"}}}"#;
        assert_eq!(user(file, "example.com", "team/app").unwrap(), "app");
        assert_eq!(user(file, "example.com", "team/other").unwrap(), "team");
        assert_eq!(user(file, "example.com", "teams/app").unwrap(), "host");
        assert_eq!(user(file, "docker.io", "library/python").unwrap(), "token abc");
        assert_eq!(user(file, "example.org", "team/app"), None);
    }

    #[test]
    fn auth_is_read_as_all_tools_write_it() {
        for auth in ["YW5uYTpwOnE=", "YW5uYTpwOnE", "YW5uYTpwOnE=\\n"] {
            let file = format!(r#"{{"auths":{{"example.com":{{"auth":"{auth}"}}}}}}"#);
            assert_eq!(user(&file, "example.com", "a").as_deref(), Some("anna"), "{auth}");
        }
    }

    #[test]
    fn an_error_does_not_show_the_text() {
        let error = ConfigFile::parse(r#"{"auths":{"a":{"auth":17}}}"#).unwrap_err();
        assert_eq!(error.to_string(), "it is no docker configuration (line 1, column 24)");
    }
}
