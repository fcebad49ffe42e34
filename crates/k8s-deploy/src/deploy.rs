//! The whole of it: lock, apply, follow, tidy up, record.

use crate::{
    Cluster, ObjectId, Release, Reporter, RequestError,
    apply::{self, Applied, Change, Conflicts, Namespaces},
    evidence::Redactor,
    lock::{self, Lock},
    migration::{self, Migration, migrate},
    record::{Journal, State},
    rollout::{self, Outcome, follow},
};

/// Why an object goes that only releases had which failed.
const NEVER_STOOD: &str = "a release that failed had made it";
/// Why an object goes that the release before had.
const NO_LONGER: &str = "the release no longer has it";

/// Choices for [`deploy`].
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to do about fields that somebody else owns.
    pub conflicts: Conflicts,
    /// What to do about a namespace that is missing.
    pub namespaces: Namespaces,
    /// How two deploys at once are kept apart.
    pub lock: lock::Options,
    /// What to do about objects of earlier releases that this one does not have.
    pub leftovers: Leftovers,
    /// How the rollout is followed.
    pub rollout: rollout::Options,
    /// What has to end well before anything is applied.
    pub migration: Option<Migration>,
}

/// What to do about objects that earlier releases have made and this one does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftovers {
    /// Remove them: those of a release that failed before the rollout, the others when this release stands. Never removed are
    /// namespaces, claims, volumes and definitions of kinds, what was there before a release applied it, what another application
    /// has taken over, and what is annotated with `notes-deploy/prune: never`.
    #[default]
    Remove,
    /// Leave them where they are.
    Keep,
}

/// What a deploy did.
#[derive(Clone, Debug)]
#[must_use]
pub struct Deployed {
    /// The objects and what applying each changed.
    pub applied: Vec<Applied>,
    /// How the rollout ended.
    pub outcome: Outcome,
}

impl Deployed {
    /// Tells whether everything was as wanted before.
    pub fn is_unchanged(&self) -> bool {
        self.applied.iter().all(|applied| applied.change == Change::Unchanged)
    }
}

/// The error returned when a deploy did not come as far as a rollout that could be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The cluster refused an object.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// Another deploy goes on.
    #[error(transparent)]
    Lock(#[from] lock::Error),
    /// The migration did not end well.
    #[error(transparent)]
    Migration(#[from] migration::Error),
    /// The server did not answer or did not let us.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Error {
    /// Returns the object that the cluster refused, where it was one.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Apply(error) => error.object(),
            Self::Lock(_) | Self::Migration(_) | Self::Request(_) => None,
        }
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Apply(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Migration(error) => error.hint(),
            Self::Request(error) => error.hint(),
        }
    }
}

/// Applies a release, follows its rollout to the end, and keeps a record of it in the cluster.
///
/// Only one deploy of an application goes on at a time: the [`Lock`] holds what is being deployed, so that one that is killed leaves a
/// trace, from which the next goes on. An account that may not
/// write records can deploy all the same; that there is none to go back to is reported.
///
/// # Errors
///
/// Only for what kept the rollout from being followed. A rollout that failed is an [`Outcome`].
pub async fn deploy(
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Deployed, Error> {
    let mut lock = Lock::new(cluster, options.lock.clone(), reporter);
    let deployed = deploy_locked(&mut lock, cluster, release, options, reporter).await;
    lock.release().await;
    deployed
}

/// Does the same under a lock that is kept, for another deploy after this one.
///
/// # Errors
///
/// Those of [`deploy`].
pub async fn deploy_locked(
    lock: &mut Lock<'_>,
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
) -> Result<Deployed, Error> {
    lock.take(release).await?;
    let mut journal = Journal::open(cluster, release, lock, reporter).await?;
    let mut applied = Vec::with_capacity(release.manifests.len());
    let sent = send(lock, cluster, release, options, reporter, &mut journal, &mut applied).await;
    journal.take_in(&applied);
    let followed = match sent {
        Ok(()) => {
            let following =
                follow_to_the_end(cluster, release, options, reporter, &mut journal, &applied);
            tokio::select! {
                followed = following => followed.map_err(Error::from),
                // What is written down is for the one who has it now.
                () = lock.lost() => {
                    return Err(lock::Error::Lost { app: release.app.clone() }.into());
                }
            }
        }
        Err(error) => Err(error),
    };
    let state = match &followed {
        Ok(Outcome::Complete) => State::Deployed,
        Ok(Outcome::Failed { diagnoses }) => State::Failed(
            diagnoses.first().map(|diagnosis| diagnosis.summary.clone()).unwrap_or_default(),
        ),
        Ok(Outcome::TimedOut { diagnoses, .. }) => State::Failed(match diagnoses.first() {
            Some(first) => format!("not complete in time: {}", first.summary),
            None => "not complete in time".into(),
        }),
        Err(error) => State::Failed(error.to_string()),
    };
    journal.close(state, reporter).await;
    Ok(Deployed { applied, outcome: followed? })
}

/// Applies the release, once its migration has ended well. What a release that failed has made and could be in the way goes before.
async fn send(
    lock: &mut Lock<'_>,
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
    journal: &mut Journal<'_>,
    applied: &mut Vec<Applied>,
) -> Result<(), Error> {
    let apply_options = apply::Options {
        conflicts: options.conflicts,
        namespaces: options.namespaces,
        marks: journal.marks().clone(),
    };
    // The lock is in it.
    let seen = lock.is_held().then_some(release.namespace.as_str());
    let resources =
        apply::prepare(cluster, release, &apply_options, reporter, applied, seen).await?;
    // Where its namespace has only just been made.
    lock.take(release).await?;
    if let Some(migration) = &options.migration {
        let migrating = migration::Options { apply: &apply_options, limit: options.rollout.limit };
        tokio::select! {
            migrated = migrate(cluster, release, migration, &migrating, reporter, applied) => {
                migrated?;
            }
            // The Job goes on; who has the lock now follows it.
            () = lock.lost() => {
                return Err(lock::Error::Lost { app: release.app.clone() }.into());
            }
        }
    }
    if options.leftovers == Leftovers::Remove {
        if journal.forget_another_application(release) {
            reporter.warned(&format!(
                "nothing that was deployed as `{}` before is in this release, and it stays where it is; another application needs another name",
                release.app
            ));
        }
        for namespace in journal.namespaces_to_let_go(release) {
            apply::let_go(cluster, &namespace, &apply_options, reporter).await?;
        }
        let obstacles = journal.leftovers(release).obstacles;
        journal.remove(obstacles, NEVER_STOOD, reporter).await;
    }
    apply::apply_objects(cluster, release, &resources, &apply_options, reporter, applied).await?;
    Ok(())
}

/// Follows the rollout, and removes what the release no longer has: what never stood at once, the rest when the release stands.
async fn follow_to_the_end(
    cluster: &Cluster,
    release: &Release,
    options: &Options,
    reporter: &dyn Reporter,
    journal: &mut Journal<'_>,
    applied: &[Applied],
) -> Result<Outcome, RequestError> {
    if options.leftovers == Leftovers::Remove {
        let failed = journal.leftovers(release).failed;
        journal.remove(failed, NEVER_STOOD, reporter).await;
    }
    let rollout = rollout::Options {
        former: journal.former(),
        redactor: Redactor::of(release.objects()),
        ..options.rollout.clone()
    };
    let outcome = follow(cluster, applied, &rollout, reporter).await?;
    if options.leftovers == Leftovers::Remove && matches!(outcome, Outcome::Complete) {
        let former = journal.leftovers(release).former;
        journal.remove(former, NO_LONGER, reporter).await;
    }
    Ok(outcome)
}
