//! What runs now.

use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Cluster, Object, ObjectId, RequestError, Verdict, judge, manifest,
    record::{History, Record},
};

/// One object of the last release as it is now.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which object.
    pub id: ObjectId,
    /// The object; `None` where it has gone.
    pub live: Option<Object>,
    /// How it stands.
    pub verdict: Verdict,
}

/// What runs now: the last release and its objects.
#[derive(Clone, Debug)]
pub struct Status {
    /// The record of the last release; none where nothing was deployed, or not by this program.
    pub record: Option<Record>,
    /// Its objects.
    pub rows: Vec<Row>,
}

/// Reads the last release of `app` in `namespace`, and each of its objects.
pub async fn status(cluster: &Cluster, namespace: &str, app: &str) -> Result<Status, RequestError> {
    let history = History::read(cluster, namespace, app).await?;
    let record = history.newest().cloned();
    let objects = record.iter().flat_map(|record| record.objects.clone());
    let rows = stream::iter(objects.collect::<Vec<_>>())
        .map(|object| row(cluster, object))
        .buffered(8)
        .try_filter_map(|row| std::future::ready(Ok(row)))
        .try_collect()
        .await?;
    Ok(Status { record, rows })
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
    Ok(Some(Row { id: recorded.id(), live, verdict }))
}
