//! What is worth another try, and when.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use reqwest::{StatusCode, header::HeaderMap};
use tokio::time::Instant;

use crate::{progress::Reporter, request::RequestError};

/// How often and how long something that may pass is tried again.
///
/// Delays double, each shortened by chance to between its half and its whole, so that many jobs that failed together
/// do not return together. A registry's `Retry-After` wins over them where the budget allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a request or a blob is tried in all; 1 means once.
    pub tries: usize,
    /// The first delay.
    pub first: Duration,
    /// No delay of ours is longer.
    pub longest: Duration,
    /// How long all delays of one request or blob may be together.
    pub budget: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
            budget: Duration::from_mins(5),
        }
    }
}

impl Retry {
    /// Does not try again.
    pub fn never() -> Self {
        Self { tries: 1, ..Self::default() }
    }

    /// Begins to count the tries of one request or blob.
    pub(crate) fn begin<'a>(&self, reporter: &'a dyn Reporter) -> Attempts<'a> {
        let delays = ExponentialBuilder::new()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .without_max_times()
            .build();
        Attempts { retry: *self, reporter, delays, begin: Instant::now(), failed: 0 }
    }
}

/// The tries of one request or blob.
pub(crate) struct Attempts<'a> {
    retry: Retry,
    reporter: &'a dyn Reporter,
    delays: ExponentialBackoff,
    begin: Instant,
    failed: usize,
}

impl Attempts<'_> {
    /// Waits for the next try after `error`, or gives it back: where it will not pass, or tries or budget are used up.
    pub(crate) async fn wait<E: Retryable>(&mut self, error: E) -> Result<(), E> {
        self.failed += 1;
        let Some(delay) = self.delay(&error) else { return Err(error) };
        tokio::time::sleep(delay).await;
        Ok(())
    }

    fn delay(&mut self, error: &impl Retryable) -> Option<Duration> {
        let request = error.request().filter(|_| error.is_transient())?;
        if self.failed >= self.retry.tries {
            return None;
        }
        let ours = self.delays.next().unwrap_or(self.retry.longest).mul_f64(jitter());
        let delay = request.retry_after().unwrap_or(ours);
        if self.begin.elapsed() + delay > self.retry.budget {
            return None;
        }
        self.reporter.retrying(request, delay);
        Some(delay)
    }
}

/// An error that may hold a request's.
pub(crate) trait Retryable {
    /// Returns the request that failed, `None` where something else did.
    fn request(&self) -> Option<&RequestError>;

    /// Tells whether it may pass.
    fn is_transient(&self) -> bool {
        self.request().is_some_and(RequestError::is_transient)
    }
}

impl Retryable for RequestError {
    fn request(&self) -> Option<&RequestError> {
        Some(self)
    }
}

/// Returns a number between a half and one.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher, RandomState};

    let random = RandomState::new().build_hasher().finish();
    // 16 bits of chance are plenty, and each is exact in a float.
    0.5 + f64::from(u16::try_from(random >> 48).unwrap_or(0)) / f64::from(u16::MAX) / 2.0
}

/// Tells whether a status may be another one later. 499 and 522 come from proxies in front of registries.
pub(crate) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 499 | 500 | 502 | 503 | 504 | 522)
}

/// Reads `Retry-After`: seconds, or a date, which is compared with the registry's own clock (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let value = text("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| {
        Some(jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?.as_second())
    };
    let seconds = date(value)? - date(text("date")?)?;
    Some(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(name, value)| {
            (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
        });
        retry_after(&headers.collect()).map(|delay| delay.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(parsed(&[("retry-after", "120")]), Some(120));
        assert_eq!(parsed(&[date, ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]), Some(30));
        assert_eq!(parsed(&[date, ("retry-after", "Wed, 21 Oct 2015 07:27:30 GMT")]), Some(0));
        assert_eq!(parsed(&[("retry-after", "soon")]), None);
        assert_eq!(parsed(&[]), None);
    }

    #[test]
    fn chance_shortens_a_delay_by_at_most_half() {
        for _ in 0..1000 {
            assert!((0.5..=1.0).contains(&jitter()));
        }
    }
}
