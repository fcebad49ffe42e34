//! `WWW-Authenticate` (RFC 9110, section 11.6.1).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// How a registry wants us to say who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    /// A token from `realm`.
    Bearer {
        realm: String,
        service: Option<String>,
        /// The token that was sent is good, but not for this (RFC 6750, section 3.1).
        is_too_narrow: bool,
    },
}

impl Challenge {
    /// Returns the challenge to answer: a token where there is a choice. `None` where there is none that we know.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let challenges: Vec<_> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(Self::parse)
            .collect();
        let bearer = challenges.iter().find(|it| matches!(it, Self::Bearer { .. }));
        bearer.or(challenges.first()).cloned()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let find = |wanted: &str| {
            parameters
                .iter()
                .find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.clone()))
        };
        let is_too_narrow = find("error").is_some_and(|error| error == "insufficient_scope");
        Some(Self::Bearer { realm: find("realm")?, service: find("service"), is_too_narrow })
    }
}

/// Splits `a="b, c",d=e` into pairs; a quoted value may hold commas and escaped quotes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted)
        } else {
            let end = after.find(',').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        pairs.push((name.trim().to_owned(), value));
        rest = after.trim_start_matches([' ', ',']);
    }
    pairs
}

/// Returns the value up to the closing quote, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &text[index + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        let service = service.map(Into::into);
        Challenge::Bearer { realm: realm.into(), service, is_too_narrow: false }
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        for (text, expected) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("BASIC", Some(Challenge::Basic)),
            (
                "Bearer realm=\"https://a/token\",service=\"a.example\",scope=\"repository:x:pull,push\"",
                Some(bearer("https://a/token", Some("a.example"))),
            ),
            ("bearer service=s, realm=https://b", Some(bearer("https://b", Some("s")))),
            ("Bearer realm=\"a\\\"b", Some(bearer("a\"b", None))),
            ("Bearer service=\"x\"", None),
            ("Negotiate", None),
        ] {
            assert_eq!(Challenge::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_token_may_be_good_for_something_else() {
        for (error, expected) in [("insufficient_scope", true), ("invalid_token", false)] {
            let text = format!("Bearer realm=\"r\",error=\"{error}\"");
            let Some(Challenge::Bearer { is_too_narrow, .. }) = Challenge::parse(&text) else {
                panic!("{text} asks for a token");
            };
            assert_eq!(is_too_narrow, expected, "{text}");
        }
    }

    #[test]
    fn a_token_is_preferred() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=\"x\"".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, "Bearer realm=\"r\"".parse().unwrap());
        assert_eq!(Challenge::read(&headers), Some(bearer("r", None)));
    }
}
