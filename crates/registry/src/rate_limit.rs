//! Limits on requests, as the headers of an answer state them.

use std::{fmt, time::Duration};

use reqwest::header::HeaderMap;

/// A limit on requests (`RateLimit-Limit` and its kin), as registries state it with each answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests are allowed.
    pub limit: u64,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// In what time.
    pub window: Option<Duration>,
    /// Whose requests are counted: an address or an account.
    pub source: Option<String>,
}

impl RateLimit {
    /// Reads the headers of Docker Hub (`100;w=21600`), which those of other registries resemble.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
        let number = |text: &str| text.split(';').next()?.trim().parse().ok();
        let limit = text("ratelimit-limit")?;
        let window = limit.split(';').find_map(|part| part.trim().strip_prefix("w=")?.parse().ok());
        Some(Self {
            limit: number(limit)?,
            remaining: text("ratelimit-remaining").and_then(number),
            window: window.map(Duration::from_secs),
            source: text("docker-ratelimit-source").map(Into::into),
        })
    }

    /// Tells whether less than a fifth is left.
    pub(crate) fn draws_near(&self) -> bool {
        self.remaining.is_some_and(|remaining| remaining.saturating_mul(5) < self.limit)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pulls", self.limit)?;
        self.window.iter().try_for_each(|window| write!(f, " in {}", Span(*window)))
    }
}

/// A length of time to the minute, as people say it: `6 h`, `1 h 3 min`, `40 s`.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minutes, seconds) = (self.0.as_secs() / 60, self.0.as_secs() % 60);
        match (minutes / 60, minutes % 60) {
            (0, 0) => write!(f, "{seconds} s"),
            (0, minutes) => write!(f, "{minutes} min"),
            (hours, 0) => write!(f, "{hours} h"),
            (hours, minutes) => write!(f, "{hours} h {minutes} min"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Option<RateLimit> {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        RateLimit::read(&headers.collect())
    }

    #[test]
    fn limits_are_read_with_and_without_their_window() {
        let hub = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "19;w=21600")];
        let hub = read(&hub).unwrap();
        assert_eq!((hub.to_string().as_str(), hub.draws_near()), ("100 pulls in 6 h", true));
        let plain = read(&[("ratelimit-limit", "60"), ("ratelimit-remaining", "12")]).unwrap();
        assert_eq!((plain.to_string().as_str(), plain.draws_near()), ("60 pulls", false));
        assert_eq!(read(&[("ratelimit-limit", "many")]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn time_is_said_as_people_do() {
        let said = [40, 60, 3780, 7200].map(|it| Span(Duration::from_secs(it)).to_string());
        assert_eq!(said, ["40 s", "1 min", "1 h 3 min", "2 h"]);
    }
}
