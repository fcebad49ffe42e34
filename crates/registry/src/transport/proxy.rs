//! Proxies, as the usual variables describe them.

use std::fmt;

use reqwest::{NoProxy, Proxy};

use super::TransportError;
use crate::environment::Environment;

/// This machine is never reached through a proxy, as in Go and curl.
const NEVER: &str = "localhost,127.0.0.0/8,::1";

/// The proxies to use, none by default. `Debug` shows which are set, not their addresses: they may hold passwords.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For plain HTTP.
    pub http: Option<String>,
    /// For HTTPS.
    pub https: Option<String>,
    /// Hosts that are reached directly: names, `.suffixes`, addresses, networks, or `*`; separated by commas.
    pub no_proxy: Option<String>,
}

impl Proxies {
    /// Returns what `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.
    pub fn from_environment(environment: &Environment) -> Self {
        let one = |name| {
            environment.in_either_case(name).or_else(|| environment.in_either_case("ALL_PROXY"))
        };
        Self {
            http: one("HTTP_PROXY").map(Into::into),
            https: one("HTTPS_PROXY").map(Into::into),
            no_proxy: environment.in_either_case("NO_PROXY").map(Into::into),
        }
    }

    pub(super) fn build(&self) -> Result<Vec<Proxy>, TransportError> {
        let mut proxies = Vec::new();
        if let Some(address) = &self.http {
            let proxy = Proxy::http(address);
            proxies.push(proxy.map_err(|_| TransportError::Proxy { scheme: "http" })?);
        }
        if let Some(address) = &self.https {
            let proxy = Proxy::https(address);
            proxies.push(proxy.map_err(|_| TransportError::Proxy { scheme: "https" })?);
        }
        let direct = match &self.no_proxy {
            Some(hosts) => format!("{hosts},{NEVER}"),
            None => NEVER.to_owned(),
        };
        Ok(proxies.into_iter().map(|proxy| proxy.no_proxy(NoProxy::from_string(&direct))).collect())
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_in_either_case() {
        let environment: Environment =
            [("ALL_PROXY", "socks5://a:1"), ("https_proxy", "http://u:secret@b:2")]
                .into_iter()
                .collect();
        let proxies = Proxies::from_environment(&environment);
        assert_eq!(proxies.http.as_deref(), Some("socks5://a:1"));
        assert_eq!(proxies.build().unwrap().len(), 2);
        assert!(!format!("{proxies:?}").contains("secret"));
    }
}
