//! Where a registry may send us: for tokens, for blobs, for uploads.
//!
//! A registry's answer is not a reason to speak to the metadata service of a cloud or to drop TLS (CVE-2020-15157 and
//! its kin). The same rule holds for token realms, redirects and upload locations.

use std::net::IpAddr;

use reqwest::{
    Url,
    redirect::{Attempt, Policy},
};

/// As many as browsers follow would be a loop; registries need one or two.
const LIMIT: usize = 5;

/// Tells whether `from` may send us to `to`.
///
/// Never from TLS to plain HTTP, and to an address that is not public only from one that is not either.
pub(crate) fn is_safe(from: &Url, to: &Url) -> bool {
    let scheme_is_safe =
        to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http");
    let same_host = from.host_str() == to.host_str();
    scheme_is_safe && (same_host || !is_private(to) || is_private(from))
}

/// Tells whether the host is a literal address of this machine or of a private or link-local network.
fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return true };
    if host == "localhost" {
        return true;
    }
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_private() || v4.is_loopback())
        }
        Err(_) => false,
    }
}

/// Follows redirects that are safe, and says where an unsafe one led. `Authorization` is dropped across hosts by the
/// client itself.
pub(super) fn policy() -> Policy {
    Policy::custom(|attempt: Attempt<'_>| {
        let safe = attempt.previous().last().is_none_or(|from| is_safe(from, attempt.url()));
        if attempt.previous().len() > LIMIT {
            attempt.error("too many redirects")
        } else if safe {
            attempt.follow()
        } else {
            let host = attempt.url().host_str().unwrap_or("no host").to_owned();
            attempt.error(format!(
                "the registry redirects to `{host}`, which is not allowed from here"
            ))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_cannot_send_us_inside() {
        let safe = |from: &str, to: &str| is_safe(&from.parse().unwrap(), &to.parse().unwrap());
        assert!(safe("https://a.example", "https://b.example/x"));
        assert!(safe("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"));
        assert!(safe("http://10.0.0.1", "https://10.0.0.2"));
        assert!(!safe("https://a.example", "http://a.example"));
        assert!(!safe("https://a.example", "https://169.254.169.254/latest"));
        assert!(!safe("https://a.example", "https://[::ffff:10.0.0.1]/"));
        assert!(!safe("http://a.example", "http://localhost:1/"));
        assert!(!safe("https://a.example", "ftp://b.example"));
    }
}
