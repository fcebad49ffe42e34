//! All the records of an application.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};

use super::{KEPT, Record, State, secret};
use crate::{
    Cluster, FIELD_MANAGER, RequestError,
    cluster::untyped,
    manifest::{self, Resource},
};

/// The records of an application, the newest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: Vec<Record>,
}

/// The error returned when no record can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// There is no earlier release that stood.
    #[error("`{app}` has no earlier release to go back to")]
    NoPrevious {
        /// The application.
        app: String,
    },
    /// No record has this commit.
    #[error("`{app}` has no release of commit `{commit}`")]
    Unknown {
        /// The application.
        app: String,
        /// The commit wanted.
        commit: String,
        /// The commits there are.
        known: Vec<String>,
    },
    /// The prefix fits several commits.
    #[error("`{commit}` fits several releases: {}", fits.join(", "))]
    Ambiguous {
        /// The prefix.
        commit: String,
        /// What it fits.
        fits: Vec<String>,
    },
}

impl ChooseError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } if !known.is_empty() => {
                Some(format!("there are {}", known.join(", ")))
            }
            Self::NoPrevious { .. } | Self::Unknown { .. } => {
                Some("`notes-deploy history` shows the releases".into())
            }
            Self::Ambiguous { .. } => Some("write more digits".into()),
        }
    }
}

impl History {
    /// Reads the records of `app` in `namespace`. One request.
    pub async fn read(cluster: &Cluster, namespace: &str, app: &str) -> Result<Self, RequestError> {
        let params = ListParams::default().labels(&format!("{}={app}", secret::APP));
        let secrets = cluster
            .api(&secrets(), Some(namespace))
            .list(&params)
            .await
            .map_err(|error| cluster.error(format!("read the releases of `{app}`"), error))?;
        let records = secrets.items.iter().filter_map(|secret| secret::read(&untyped(secret)));
        Ok(Self::of(records.collect()))
    }

    /// Returns a history of these records.
    pub fn of(mut records: Vec<Record>) -> Self {
        records.sort_by_key(|record| std::cmp::Reverse(record.provenance.at));
        Self { records }
    }

    /// Returns the records, the newest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Returns the record that was written last.
    pub fn newest(&self) -> Option<&Record> {
        self.records.first()
    }

    /// Returns the release to go back to: of the commit that begins with `commit`, or the newest that stood before.
    pub fn choose(&self, app: &str, commit: Option<&str>) -> Result<&Record, ChooseError> {
        let Some(wanted) = commit else {
            let current = self.newest().map(|record| &record.provenance.commit);
            return self
                .records
                .iter()
                .filter(|record| record.state == State::Deployed)
                .find(|record| Some(&record.provenance.commit) != current)
                .ok_or_else(|| ChooseError::NoPrevious { app: app.into() });
        };
        let short = |record: &Record| record.provenance.short.clone();
        let fits: Vec<&Record> = self
            .records
            .iter()
            .filter(|record| record.provenance.commit.starts_with(wanted))
            .collect();
        match fits.as_slice() {
            [only] => Ok(only),
            [] => Err(ChooseError::Unknown {
                app: app.into(),
                commit: wanted.into(),
                known: self.records.iter().map(short).collect(),
            }),
            several => Err(ChooseError::Ambiguous {
                commit: wanted.into(),
                fits: several.iter().map(|record| short(record)).collect(),
            }),
        }
    }

    /// Deletes the records beyond the newest [`KEPT`]. The newest that stood is never deleted.
    pub(crate) async fn prune(
        &self,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<(), RequestError> {
        let stood = self.records.iter().position(|record| record.state == State::Deployed);
        let old =
            self.records.iter().enumerate().skip(KEPT).filter(|(index, _)| Some(*index) != stood);
        for (_, record) in old {
            let name = secret::name(&record.app, &record.provenance.short);
            let deleted = cluster
                .api(&secrets(), Some(namespace))
                .delete(&name, &DeleteParams::default())
                .await;
            match deleted {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => {
                    return Err(cluster.error(format!("delete the record `{name}`"), error));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

impl Record {
    /// Writes the record into the cluster. One request.
    pub async fn write(&self, cluster: &Cluster) -> Result<(), RequestError> {
        let object = secret::write(self);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        cluster
            .api(&secrets(), Some(&self.namespace))
            .patch(object.name(), &params, &Patch::Apply(&object))
            .await
            .map_err(|error| {
                cluster.error(format!("record the release `{}`", self.provenance.short), error)
            })?;
        Ok(())
    }
}

fn secrets() -> Resource {
    manifest::resource("v1", "Secret").expect("a built-in kind")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{Provenance, apply::Marks};

    fn record(commit: &str, second: i64, state: State) -> Record {
        Record {
            app: "web".into(),
            namespace: "apps".into(),
            provenance: Provenance {
                commit: commit.into(),
                short: commit[..3].into(),
                subject: None,
                by: None,
                pipeline: None,
                at: Timestamp::from_second(second).unwrap(),
            },
            image: String::new(),
            state,
            objects: vec![],
            marks: Marks::new(),
        }
    }

    #[test]
    fn the_previous_release_is_the_newest_that_stood_before() {
        let failed = || State::Failed("x".into());
        let history = History::of(vec![
            record("aaa1", 1, State::Deployed),
            record("bbb1", 2, State::Deployed),
            record("ccc1", 3, failed()),
        ]);
        let chosen =
            |history: &History| history.choose("web", None).map(|r| r.provenance.commit.clone());
        assert_eq!(chosen(&history).unwrap(), "bbb1");
        let stands = History::of(vec![
            record("aaa1", 1, State::Deployed),
            record("bbb1", 2, State::Deployed),
        ]);
        assert_eq!(chosen(&stands).unwrap(), "aaa1");
        let first = History::of(vec![record("aaa1", 1, failed())]);
        assert_eq!(
            chosen(&first).unwrap_err().to_string(),
            "`web` has no earlier release to go back to"
        );
    }

    #[test]
    fn a_unique_prefix_is_enough() {
        let history = History::of(vec![
            record("abc1", 1, State::Deployed),
            record("abd1", 2, State::Deployed),
        ]);
        let choose =
            |commit| history.choose("web", Some(commit)).map(|r| r.provenance.short.clone());
        assert_eq!(choose("abd").unwrap(), "abd");
        assert_eq!(choose("ab").unwrap_err().to_string(), "`ab` fits several releases: abd, abc");
        assert_eq!(choose("f").unwrap_err().hint().unwrap(), "there are abd, abc");
    }
}
