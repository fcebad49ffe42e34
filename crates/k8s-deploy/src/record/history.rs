//! All the records of an application.

use kube::{
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::Request,
};

use super::{KEPT, Kept, Record, secret};
use crate::{
    Cluster, FIELD_MANAGER, Object, Release, RequestError,
    cluster::{api_resource, untyped},
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
    /// What was applied was too large to be recorded.
    #[error("the release of commit `{commit}` was too large to be recorded as a whole")]
    TooLarge {
        /// The commit.
        commit: String,
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
            Self::TooLarge { .. } => Some("deploy its commit again".into()),
            Self::Ambiguous { .. } => Some("write more digits".into()),
        }
    }
}

impl History {
    /// Reads the records of `app` in `namespace`, with that of a deploy that goes on or was killed. One request.
    pub async fn read(cluster: &Cluster, namespace: &str, app: &str) -> Result<Self, RequestError> {
        let selector = format!("{}={app}", secret::APP);
        let secrets = list(cluster, namespace, app, &selector).await?;
        let ended = secrets.iter().filter_map(secret::read);
        Ok(Self::of(ended.chain(secrets.iter().filter_map(secret::read_lock)).collect()))
    }

    /// Reads the records of the deploys that have ended.
    pub(crate) async fn read_ended(
        cluster: &Cluster,
        namespace: &str,
        app: &str,
    ) -> Result<Self, RequestError> {
        let selector = format!("{}={app}", secret::APP);
        let secrets = list(cluster, namespace, app, &selector).await?;
        Ok(Self::of(secrets.iter().filter_map(secret::read).collect()))
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

    /// Returns the release to go back to: of the commit that begins with `commit`, or the newest before the current one that
    /// has stood. Of several attempts of a commit it is the newest that has stood, or the newest.
    pub fn choose(&self, app: &str, commit: Option<&str>) -> Result<&Record, ChooseError> {
        let Some(wanted) = commit else {
            return self
                .records
                .iter()
                .skip(1)
                .find(|record| record.has_stood())
                .ok_or_else(|| ChooseError::NoPrevious { app: app.into() });
        };
        let is_wanted = |record: &&Record| record.provenance.commit.starts_with(wanted);
        let fits: Vec<&Record> = self.records.iter().filter(is_wanted).collect();
        match shorts(&fits).as_slice() {
            [] => Err(ChooseError::Unknown {
                app: app.into(),
                commit: wanted.into(),
                known: shorts(&self.records.iter().collect::<Vec<_>>()),
            }),
            [short] => {
                let chosen = fits.iter().find(|record| record.has_stood()).unwrap_or(&fits[0]);
                let too_large = || ChooseError::TooLarge { commit: short.clone() };
                chosen.is_whole().then_some(*chosen).ok_or_else(too_large)
            }
            several => {
                Err(ChooseError::Ambiguous { commit: wanted.into(), fits: several.to_vec() })
            }
        }
    }

    /// Returns the newest record of what has stood and is not `release`: where to go back to when that fails.
    pub fn verified_before(&self, release: &Release) -> Option<&Record> {
        self.records.iter().find(|record| record.has_stood() && !record.is_of(release))
    }

    /// Returns the newest record of what has stood.
    pub(crate) fn verified(&self) -> Option<&Record> {
        self.records.iter().find(|record| record.has_stood())
    }

    /// Returns the record for `release`: as it is known already, or its next attempt where another has stood with its commit.
    pub(crate) fn begin(&self, release: &Release) -> Record {
        let record = Record::begin(release);
        let short = &record.provenance.short;
        let same = || self.records.iter().filter(|known| known.provenance.short == *short);
        if let Some(known) = same().find(|known| known.is_of(release)) {
            return Record { attempt: known.attempt, verified: known.verified, ..record };
        }
        let attempt = match same().max_by_key(|known| known.attempt) {
            None => 1,
            Some(last) if last.has_stood() => last.attempt + 1,
            Some(last) => last.attempt,
        };
        Record { attempt, ..record }
    }

    /// Takes down that a deploy was killed, unless there is a record of its release, which says more.
    pub(crate) async fn keep_interrupted(
        cluster: &Cluster,
        record: &Record,
    ) -> Result<(), RequestError> {
        let object = dynamic(&secret::write(record).0);
        let api = cluster.api(&secrets(), Some(&record.namespace));
        match api.create(&PostParams::default(), &object).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(cluster.error("record a deploy that was killed", error)),
            Ok(_) => Ok(()),
        }
    }

    /// Deletes the records beyond the newest [`KEPT`]. The newest that stood is never deleted.
    pub(crate) async fn prune(
        &self,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<(), RequestError> {
        let stood = self.records.iter().position(Record::has_stood);
        let old =
            self.records.iter().enumerate().skip(KEPT).filter(|(index, _)| Some(*index) != stood);
        for (_, record) in old {
            let name = secret::name(record);
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
    pub async fn write(&self, cluster: &Cluster) -> Result<Kept, RequestError> {
        use kube::Resource as _;
        let (object, kept) = secret::write(self);
        let attempt = format!("record the release `{}`", self.provenance.short);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let url = DynamicObject::url_path(&api_resource(&secrets()), Some(&self.namespace));
        let request = Request::new(url)
            .patch(object.name(), &params, &Patch::Apply(&object))
            .map_err(|error| cluster.error(attempt.as_str(), kube::Error::BuildRequest(error)))?;
        cluster.send(request, &attempt).await?;
        Ok(kept)
    }
}

/// The records of other applications.
pub(crate) struct Others;

impl Others {
    /// Reads what the other applications of `namespace` have now: the newest record of each.
    pub(crate) async fn read(
        cluster: &Cluster,
        namespace: &str,
        app: &str,
    ) -> Result<Vec<Record>, RequestError> {
        let selector = format!("{0},{0}!={app}", secret::APP);
        let secrets = list(cluster, namespace, app, &selector).await?;
        let records = secrets.iter().filter_map(secret::read).collect();
        let mut newest: Vec<Record> = Vec::new();
        for record in History::of(records).records {
            if !newest.iter().any(|known| known.app == record.app) {
                newest.push(record);
            }
        }
        Ok(newest)
    }
}

async fn list(
    cluster: &Cluster,
    namespace: &str,
    app: &str,
    selector: &str,
) -> Result<Vec<Object>, RequestError> {
    let params = ListParams::default().labels(selector);
    let secrets = cluster
        .api(&secrets(), Some(namespace))
        .list(&params)
        .await
        .map_err(|error| cluster.error(format!("read the releases of `{app}`"), error))?;
    Ok(secrets.items.iter().map(untyped).collect())
}

/// Returns the commits of these records, each once.
fn shorts(records: &[&Record]) -> Vec<String> {
    let mut shorts: Vec<String> = Vec::new();
    for record in records {
        if !shorts.contains(&record.provenance.short) {
            shorts.push(record.provenance.short.clone());
        }
    }
    shorts
}

fn dynamic(object: &Object) -> DynamicObject {
    serde_json::from_value(object.as_value().clone()).expect("a Secret is an object")
}

fn secrets() -> Resource {
    manifest::resource("v1", "Secret").expect("a built-in kind")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::{Provenance, apply::Marks, record::State};

    fn record(commit: &str, second: i64, state: State) -> Record {
        let at = Timestamp::from_second(second).unwrap();
        Record {
            attempt: 1,
            verified: (state == State::Deployed).then_some(at),
            made: vec![],
            app: "web".into(),
            namespace: "apps".into(),
            provenance: Provenance {
                commit: commit.into(),
                short: commit[..3].into(),
                subject: None,
                by: None,
                pipeline: None,
                at,
            },
            image: String::new(),
            state,
            objects: vec![Object::new(json!({"kind": "Service"}))],
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
    fn what_is_known_in_outline_alone_cannot_be_gone_back_to() {
        let outline = Record { objects: vec![], ..record("aaa1", 1, State::Deployed) };
        let history = History::of(vec![outline, record("bbb1", 2, State::Deployed)]);
        assert!(matches!(history.choose("web", None), Err(ChooseError::NoPrevious { .. })));
        assert!(matches!(history.choose("web", Some("aaa")), Err(ChooseError::TooLarge { .. })));
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
