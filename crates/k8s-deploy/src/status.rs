//! What runs now.

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Cluster, Drift, Object, ObjectId, RequestError, Verdict, drift, judge, manifest,
    record::{History, Record},
    release::COMMIT,
};

/// One object of the release that runs, as it is now.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which object.
    pub id: ObjectId,
    /// The object; `None` where it has gone.
    pub live: Option<Object>,
    /// How it stands.
    pub verdict: Verdict,
    /// What somebody else has changed since it was applied.
    pub drift: Vec<Drift>,
}

/// What runs now: a release and its objects.
#[derive(Clone, Debug)]
pub struct Status {
    /// The record of the release that runs; none where nothing was deployed, or not by this program.
    pub record: Option<Record>,
    /// Whether it runs because somebody went back to it without this program, as by `kubectl rollout undo`.
    pub by: Means,
    /// Its objects.
    pub rows: Vec<Row>,
}

/// By what means a release came to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// It was deployed last.
    #[default]
    Deploy,
    /// Something else brought it back.
    Other,
}

/// Reads the release of `app` that runs in `namespace`, and each of its objects.
///
/// That is the one that was deployed last, unless the workloads carry the commit of another one: kubectl's `rollout undo` brings the
/// annotations of a revision back with its template.
pub async fn status(cluster: &Cluster, namespace: &str, app: &str) -> Result<Status, RequestError> {
    let history = History::read(cluster, namespace, app).await?;
    let Some(newest) = history.newest() else {
        return Ok(Status { record: None, by: Means::Deploy, rows: Vec::new() });
    };
    let rows = rows(cluster, newest).await?;
    match brought_back(&history, &rows) {
        Some(record) => Ok(Status {
            rows: self::rows(cluster, record).await?,
            record: Some(record.clone()),
            by: Means::Other,
        }),
        None => Ok(Status { record: Some(newest.clone()), by: Means::Deploy, rows }),
    }
}

/// Returns the record whose commit the workloads carry, where that is not the newest one.
fn brought_back<'a>(history: &'a History, rows: &[Row]) -> Option<&'a Record> {
    let commit = rows.iter().find_map(|row| row.live.as_ref()?.annotation(COMMIT))?;
    let record = history.records().iter().find(|record| record.provenance.commit == commit)?;
    let newest = history.newest()?;
    (newest.provenance.commit != record.provenance.commit).then_some(record)
}

async fn rows(cluster: &Cluster, record: &Record) -> Result<Vec<Row>, RequestError> {
    stream::iter(record.objects.clone())
        .map(|object| row(cluster, object))
        .buffered(8)
        .try_filter_map(|row| std::future::ready(Ok(row)))
        .try_collect()
        .await
}

/// Reads one object. Kinds that are not built in are left out: their addresses would cost a discovery each.
async fn row(cluster: &Cluster, recorded: Object) -> Result<Option<Row>, RequestError> {
    let Some(resource) = manifest::resource(recorded.api_version(), recorded.kind()) else {
        return Ok(None);
    };
    let live = cluster.read(&resource, recorded.namespace(), recorded.name()).await?;
    let verdict = live
        .as_ref()
        .map_or_else(|| Verdict::Failed { reason: format!("{} has gone", recorded.id()) }, judge);
    let drift = live.as_ref().map(|live| drift(&recorded, live)).unwrap_or_default();
    Ok(Some(Row { id: recorded.id(), live, verdict, drift }))
}
