//! Where a repository was cloned from, fit to be shown.

use std::fmt;

/// The address of a repository's home, without credentials: `https://gitlab.com/group/project`.
///
/// One project has many addresses: CI systems clone over https with a token, people over ssh. They all become the same
/// address here, so that the label made of it, and with it the image's digest, is the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remote(String);

impl Remote {
    /// Parses the address of a git remote. A path on this machine is nobody's address and gives `None`.
    ///
    /// ```
    /// use notes_gitinfo::Remote;
    ///
    /// let home = "https://gitlab.com/group/project";
    /// for address in [
    ///     "https://gitlab-ci-token:secret@gitlab.com/group/project.git",
    ///     "git@gitlab.com:group/project.git",
    ///     "ssh://git@gitlab.com:22/group/project",
    /// ] {
    ///     assert_eq!(Remote::parse(address).unwrap().to_string(), home);
    /// }
    /// assert_eq!(Remote::parse("/srv/git/project.git"), None);
    /// ```
    pub fn parse(address: &str) -> Option<Self> {
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.to_owned()),
            None => ("ssh", short_form(address)?),
        };
        let scheme = match scheme {
            "http" => "http",
            "https" | "ssh" | "git+ssh" | "git" => "https",
            _ => return None,
        };
        let (authority, path) = rest.split_once('/')?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // The port of ssh is not that of https; any other is part of the address.
        let host = if address.starts_with("http") { host } else { without_port(host) };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        (!host.is_empty() && !path.is_empty())
            .then(|| Self(format!("{scheme}://{}/{path}", host.to_ascii_lowercase())))
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Rewrites `user@host:path`, git's short form of ssh. A colon after a slash belongs to a path.
fn short_form(address: &str) -> Option<String> {
    let (host, path) = address.split_once(':')?;
    let is_host = !host.is_empty() && !host.contains('/');
    is_host.then(|| format!("{host}/{}", path.trim_start_matches('/')))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_survive() {
        for address in ["https://user:p%40ss@h/p", "https://token@h/p.git", "http://a:b@c@h:8080/p"]
        {
            let remote = Remote::parse(address).unwrap().to_string();
            assert!(!remote.contains('@') && !remote.contains("ss"), "{remote}");
        }
        assert_eq!(Remote::parse("http://a:b@h:8080/p").unwrap().as_str(), "http://h:8080/p");
    }

    #[test]
    fn what_is_only_here_is_no_address() {
        for address in ["", "../other", "file:///srv/x", ":x", "https://", "https://h", "./a:b"] {
            assert_eq!(Remote::parse(address), None, "{address}");
        }
    }
}
