//! From a challenge to an `Authorization` header: basic authentication and tokens (distribution, "Token
//! Authentication Specification").

mod challenge;
mod token;

use std::{collections::HashMap, fmt, sync::Mutex};

use base64::{Engine, prelude::BASE64_STANDARD};
use notes_oci::{Registry, Repository};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

pub(crate) use self::challenge::Challenge;
pub(crate) use self::token::{Grant, exchange, query};
use crate::{
    credentials::{Credential, Lookup},
    locked::locked,
};

/// What a request wants to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) repository: Repository,
    pub(crate) access: Access,
    /// Repositories to mount blobs from; a token that does not cover them makes a mount fail silently.
    pub(crate) sources: Vec<Repository>,
}

/// Reading alone, or writing as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Access {
    Pull,
    /// Asks for both: `push` alone fails HEAD on some registries (containers/image#258).
    Push,
}

impl Scope {
    pub(crate) fn pull(repository: &Repository) -> Self {
        Self { repository: repository.clone(), access: Access::Pull, sources: Vec::new() }
    }

    pub(crate) fn push(repository: &Repository, sources: Vec<Repository>) -> Self {
        Self { repository: repository.clone(), access: Access::Push, sources }
    }

    pub(crate) fn without_sources(&self) -> Self {
        Self { sources: Vec::new(), ..self.clone() }
    }

    /// Returns the scopes to ask for, the one that matters first: some registries read only that.
    fn texts(&self) -> Vec<String> {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        let own = format!("repository:{}:{actions}", self.repository);
        let sources = self.sources.iter().map(|source| format!("repository:{source}:pull"));
        [own].into_iter().chain(sources).collect()
    }
}

/// An `Authorization` header and how long it holds.
#[derive(Clone)]
pub(crate) struct Authorization {
    header: HeaderValue,
    until: Option<Instant>,
    /// False where a token covers the repository and not those that blobs are mounted from.
    covers_sources: bool,
}

impl Authorization {
    fn new(scheme: &str, value: &str, until: Option<Instant>) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("{scheme} {value}")).ok()?;
        header.set_sensitive(true);
        Some(Self { header, until, covers_sources: true })
    }

    /// Returns the header of basic authentication, `None` for a credential that has no password.
    pub(crate) fn basic(credential: &Credential) -> Option<Self> {
        match credential {
            Credential::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                Self::new("Basic", &BASE64_STANDARD.encode(pair), None)
            }
            Credential::Bearer { token } => Self::new("Bearer", token.expose_secret(), None),
            Credential::Identity { .. } => None,
        }
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Says that the sources of mounts were not asked for.
    pub(crate) fn without_sources(self) -> Self {
        Self { covers_sources: false, ..self }
    }

    fn holds(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(…)")
    }
}

/// The headers that worked, by registry and scope, and the credentials they were made of.
#[derive(Debug, Default)]
pub(crate) struct Authorizations {
    known: Mutex<HashMap<(Registry, Scope), Authorization>>,
    lookups: Mutex<HashMap<Registry, Lookup>>,
    /// Held while a token is fetched, so that parallel requests share one.
    pub(crate) fetching: tokio::sync::Mutex<()>,
}

impl Authorizations {
    pub(crate) fn find(&self, registry: &Registry, scope: &Scope) -> Option<Authorization> {
        let known = locked(&self.known);
        known.get(&(registry.clone(), scope.clone())).filter(|it| it.holds()).cloned()
    }

    /// Tells whether a mount may succeed: not with a token that is known not to cover where it would come from.
    pub(crate) fn may_mount(&self, registry: &Registry, scope: &Scope) -> bool {
        self.find(registry, scope).is_none_or(|it| it.covers_sources)
    }

    pub(crate) fn remember(&self, registry: &Registry, scope: &Scope, it: Authorization) {
        locked(&self.known).insert((registry.clone(), scope.clone()), it);
    }

    /// Forgets a header that the registry no longer takes; a newer one stays.
    pub(crate) fn forget(&self, registry: &Registry, scope: &Scope, stale: &Authorization) {
        let mut known = locked(&self.known);
        let key = (registry.clone(), scope.clone());
        if known.get(&key) == Some(stale) {
            known.remove(&key);
        }
    }

    /// Returns what must not be shown of what is sent to a registry: headers, tokens, passwords.
    pub(crate) fn secrets(&self, registry: &Registry) -> Vec<SecretString> {
        let known = locked(&self.known);
        let headers = known.iter().filter(|((of, _), _)| of == registry);
        let values = headers.filter_map(|(_, it)| it.header.to_str().ok()?.split_once(' '));
        let mut secrets: Vec<SecretString> =
            values.map(|(_, value)| value.to_owned().into()).collect();
        let lookups = locked(&self.lookups);
        let found = lookups.get(registry).and_then(|lookup| lookup.found.as_ref());
        secrets.extend(found.map(|found| found.credential.secret().clone()));
        secrets
    }

    pub(crate) fn remember_lookup(&self, registry: &Registry, lookup: Lookup) {
        locked(&self.lookups).insert(registry.clone(), lookup);
    }

    /// Returns where the credential was found and which places were searched.
    pub(crate) fn provenance(&self, registry: &Registry) -> (Option<String>, Vec<String>) {
        locked(&self.lookups).get(registry).map_or_else(Default::default, |lookup| {
            (lookup.found.as_ref().map(|found| found.source.clone()), lookup.searched.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_of_a_push_comes_before_those_of_its_sources() {
        let repository = "team/app".parse().unwrap();
        let scope = Scope::push(&repository, vec!["team/base".parse().unwrap()]);
        assert_eq!(scope.texts(), ["repository:team/app:pull,push", "repository:team/base:pull"]);
        assert_eq!(Scope::pull(&repository).texts(), ["repository:team/app:pull"]);
    }

    #[test]
    fn a_header_is_not_shown() {
        let credential = Credential::basic("anna", "sesame");
        let authorization = Authorization::basic(&credential).unwrap();
        assert_eq!(authorization.header(), "Basic YW5uYTpzZXNhbWU=");
        assert!(!format!("{authorization:?}{:?}", authorization.header()).contains("YW5u"));
    }
}
