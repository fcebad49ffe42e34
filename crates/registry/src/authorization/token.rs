//! The answer of a token server, and the question.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Authorization, Scope};

/// How long a token holds whose server does not say (distribution, "Token Response Fields").
const DEFAULT_LIFETIME: Duration = Duration::from_mins(1);

/// What a token server grants.
#[derive(Deserialize)]
pub(crate) struct Grant {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Grant {
    /// Returns the header; `None` where the answer has no token.
    ///
    /// `asked` is when the question was sent: the server's time begins no earlier. The last tenth is not used, so that
    /// a token does not expire on its way.
    pub(crate) fn authorization(&self, asked: Instant) -> Option<Authorization> {
        let token = [&self.token, &self.access_token]
            .into_iter()
            .flatten()
            .find(|token| !token.is_empty())?;
        let lifetime = self.expires_in.map_or(DEFAULT_LIFETIME, Duration::from_secs);
        Authorization::new("Bearer", token, Some(asked + lifetime.mul_f64(0.9)))
    }
}

/// Adds the question to a token server's address.
pub(crate) fn query(realm: &mut Url, service: Option<&str>, scope: Option<&Scope>) {
    let mut pairs = realm.query_pairs_mut();
    if let Some(service) = service {
        pairs.append_pair("service", service);
    }
    for text in scope.map(Scope::texts).unwrap_or_default() {
        pairs.append_pair("scope", &text);
    }
}

/// Returns the form that exchanges an identity token (distribution, "`OAuth2` Token Authentication").
pub(crate) fn exchange(
    token: &SecretString,
    service: Option<&str>,
    scope: Option<&Scope>,
) -> SecretString {
    // An address is the form encoder at hand.
    let mut form = Url::parse("form:").expect("a scheme and nothing else is an address");
    form.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", "notes")
        .append_pair("refresh_token", token.expose_secret())
        .append_pair("service", service.unwrap_or_default())
        .append_pair("scope", &scope.map(Scope::texts).unwrap_or_default().join(" "));
    form.query().unwrap_or_default().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(text: &str) -> Option<u64> {
        let asked = Instant::now();
        let grant: Grant = serde_json::from_str(text).unwrap();
        Some((grant.authorization(asked)?.until? - asked).as_secs())
    }

    #[test]
    fn both_names_of_the_token_are_read() {
        assert_eq!(lifetime(r#"{"token":"a","expires_in":300}"#), Some(270));
        assert_eq!(lifetime(r#"{"token":"","access_token":"a"}"#), Some(54));
        assert_eq!(lifetime(r#"{"expires_in":300}"#), None);
        assert_eq!(lifetime("{\"token\":\"a\\nb\"}"), None, "no header can hold it");
    }

    #[test]
    fn scopes_are_asked_for_one_by_one_or_together() {
        let scope = Scope::push(&"a/b".parse().unwrap(), vec!["c".parse().unwrap()]);
        let mut realm: Url = "https://auth.example/token?x=1".parse().unwrap();
        query(&mut realm, Some("s"), Some(&scope));
        assert_eq!(
            realm.query(),
            Some(
                "x=1&service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull"
            )
        );
        let form = exchange(&"t+t".to_owned().into(), Some("s"), Some(&scope));
        assert_eq!(
            form.expose_secret(),
            "grant_type=refresh_token&client_id=notes&refresh_token=t%2Bt&service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush+repository%3Ac%3Apull"
        );
    }
}
