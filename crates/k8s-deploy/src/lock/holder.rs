//! Who has a lock.

use std::fmt;

use jiff::Timestamp;

use super::found::begun;
use crate::{Object, record::Record};

/// Who deploys, what, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The commit that is deployed, cut short.
    pub commit: Option<String>,
    /// Who deploys it.
    pub by: Option<String>,
    /// The URL of the pipeline or job.
    pub pipeline: Option<String>,
    /// Since when, by the server's clock.
    pub since: Option<Timestamp>,
}

impl Holder {
    pub(super) fn of(secret: &Object, record: Option<&Record>) -> Self {
        let provenance = record.map(|record| &record.provenance);
        Self {
            commit: provenance.map(|provenance| provenance.short.clone()),
            by: provenance.and_then(|provenance| provenance.by.clone()),
            pipeline: provenance.and_then(|provenance| provenance.pipeline.clone()),
            since: begun(secret),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.commit.as_deref().unwrap_or("another release"))?;
        if let Some(by) = &self.by {
            write!(f, " by {by}")?;
        }
        if let Some(since) = &self.since {
            write!(f, " since {}", since.strftime("%Y-%m-%d %H:%M:%S UTC"))?;
        }
        self.pipeline.iter().try_for_each(|pipeline| write!(f, ", {pipeline}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_who_what_and_since_when() {
        let holder = Holder {
            commit: Some("a3f92bd".into()),
            by: Some("ada".into()),
            pipeline: Some("https://ci.example.com/7".into()),
            since: Some(Timestamp::UNIX_EPOCH),
        };
        insta::assert_snapshot!(holder, @"a3f92bd by ada since 1970-01-01 00:00:00 UTC, https://ci.example.com/7");
        let unknown = Holder { commit: None, by: None, pipeline: None, since: None };
        assert_eq!(unknown.to_string(), "another release");
    }
}
