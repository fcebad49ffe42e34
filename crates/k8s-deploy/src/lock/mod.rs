//! One deploy of an application at a time.
//!
//! The lock is the record of the deploy that goes on: a Secret of a name that only one can create. It says who deploys what, and
//! is renewed while they do. It never stays behind: what was not renewed for [`EXPIRY`] by the server's own clock, or whose process
//! is known to have ended, is taken over by the next deploy, which then knows from the record what the killed one was about.
//!
//! A Secret and not a Lease, because it holds the objects that are being applied, and so that an account needs no right beside
//! those that records need.

mod found;
mod hold;
mod holder;

pub use self::holder::Holder;

use std::time::Duration;

use tokio::time::Instant;

use self::{
    found::{Found, Posted},
    hold::Hold,
};
use crate::{
    Cluster, Release, Reporter, RequestError,
    inventory::{self, Made},
    record::{History, Record},
};

/// A lock that was not renewed for this long is free.
pub const EXPIRY: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(10);

/// Choices for a lock.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long another deploy is waited for.
    pub wait: Duration,
    /// What identifies the process that deploys, for `has_ended`.
    pub process: String,
    /// Tells whether a process is known to have ended. Where that cannot be told, the lock has to expire.
    pub has_ended: fn(&str) -> bool,
}

impl Default for Options {
    /// Waits for longer than a deploy that was killed keeps its lock.
    fn default() -> Self {
        Self { wait: Duration::from_mins(1), process: String::new(), has_ended: |_| false }
    }
}

/// The error returned when an application cannot be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another deploy goes on.
    #[error("`{app}` is being deployed already: {holder}")]
    Held {
        /// The application.
        app: String,
        /// Who has the lock.
        holder: Box<Holder>,
    },
    /// Another deploy has taken the lock over.
    #[error("the lock of `{app}` was lost: it was not renewed for {} s", EXPIRY.as_secs())]
    Lost {
        /// The application.
        app: String,
    },
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Error {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some(format!(
                "`--wait-for-lock 10m` waits longer; a deploy that was killed gives way {} s after its last sign of life",
                EXPIRY.as_secs()
            )),
            Self::Lost { .. } => {
                Some("was this machine asleep? `notes-deploy status` shows what runs".into())
            }
            Self::Request(error) => error.hint(),
        }
    }
}

/// How far a lock is.
enum Standing {
    Open,
    Held(Hold),
    /// The account may not take it, which was told.
    Forbidden,
}

/// The right to deploy an application. It is given back with [`Lock::release`]; without that it expires.
pub struct Lock<'a> {
    cluster: &'a Cluster,
    options: Options,
    reporter: &'a dyn Reporter,
    standing: Standing,
    /// What deploys that were killed may have made.
    inherited: Vec<Made>,
}

impl<'a> Lock<'a> {
    /// Returns a lock that is not taken yet.
    pub fn new(cluster: &'a Cluster, options: Options, reporter: &'a dyn Reporter) -> Self {
        Self { cluster, options, reporter, standing: Standing::Open, inherited: Vec::new() }
    }

    /// Tells whether it is taken.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.standing, Standing::Held(_))
    }

    /// Returns what deploys that were killed may have made.
    pub(crate) fn inherited(&self) -> &[Made] {
        &self.inherited
    }

    /// Takes the lock for `release`, unless it is taken already, its namespace is missing, or the account may not.
    pub(crate) async fn take(&mut self, release: &Release) -> Result<(), Error> {
        let begun = Instant::now();
        let mut told = None;
        while let Standing::Open = self.standing {
            let record = Record { made: self.inherited.clone(), ..Record::begin(release) };
            match found::post(self.cluster, &record, &self.options.process).await? {
                Posted::Created(secret) => {
                    self.standing = Standing::Held(Hold::begin(self.cluster, &secret));
                    break;
                }
                Posted::NoNamespace => break,
                Posted::Refused(error) => {
                    let risk = "two deploys at once would not notice each other";
                    self.reporter.warned(&format!("{error}; {risk}"));
                    self.standing = Standing::Forbidden;
                    break;
                }
                Posted::Exists => {}
            }
            let Some(found) = found::read(self.cluster, &release.namespace, &release.app).await?
            else {
                continue;
            };
            if self.is_over(&found) {
                self.take_over(found, release).await?;
                continue;
            }
            if told.as_ref() != Some(&found.uid) {
                self.reporter.waits(&found.holder);
                told = Some(found.uid.clone());
            }
            let left = self.options.wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                let holder = Box::new(found.holder);
                return Err(Error::Held { app: release.app.clone(), holder });
            }
            // Their clock may be up to a second older than it says: times of the server have whole seconds.
            let expires = EXPIRY.saturating_sub(found.age) + Duration::from_secs(1);
            found::changed(self.cluster, &release.namespace, &found, left.min(expires)).await;
        }
        Ok(())
    }

    fn is_over(&self, found: &Found) -> bool {
        found.age > EXPIRY || (self.options.has_ended)(&found.process)
    }

    /// Takes the place of a deploy that was killed. What it was about is in the lock at every moment: this one may be killed as well.
    async fn take_over(&mut self, found: Found, release: &Release) -> Result<(), Error> {
        self.reporter.took_over(&found.holder);
        if let Some(record) = &found.record {
            History::keep_interrupted(self.cluster, record).await?;
            self.inherited = inventory::inherit(record, found.begun);
        }
        let record = Record { made: self.inherited.clone(), ..Record::begin(release) };
        let replaced = found::replace(self.cluster, &record, &self.options.process, &found).await?;
        // Where it is alive after all, or another was faster, the next look tells.
        if let Some(secret) = replaced {
            self.standing = Standing::Held(Hold::begin(self.cluster, &secret));
        }
        Ok(())
    }

    /// Waits until the lock is lost, which ordinarily it never is.
    pub(crate) fn lost(&self) -> impl Future<Output = ()> + use<> {
        let lost = match &self.standing {
            Standing::Held(hold) => Some(hold.lost()),
            Standing::Open | Standing::Forbidden => None,
        };
        async move {
            match lost {
                Some(lost) => lost.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Gives the lock back.
    pub async fn release(self) {
        let Self { cluster, reporter, standing: Standing::Held(hold), .. } = self else { return };
        if let Err(error) = hold.release(cluster).await {
            reporter.warned(&format!("{error}; it will be free in {} s", EXPIRY.as_secs()));
        }
    }
}
