//! Lists: the tags of a repository, all repositories, what refers to a manifest.

use axum::{
    body::Body,
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use notes_oci::{Digest, MediaType, Repository};
use serde_json::{Value, json};

use super::{
    access::{Action, Need, Visitor},
    blobs::text,
    refusal::Refusal,
    route::{Registry, query},
};

pub(super) async fn tags(
    registry: &Registry,
    repository: &Repository,
    head: &Parts,
) -> Result<Response, Refusal> {
    let name = repository.clone();
    let all = registry
        .storage
        .run(move |storage| storage.tags(&name))
        .await?
        .ok_or_else(|| Refusal::name_unknown(repository.as_str()))?;
    let (page, next) = page(all, head)?;
    let mut response =
        answer("application/json", &json!({ "name": repository.as_str(), "tags": page }));
    link(&mut response, &format!("/v2/{repository}/tags/list"), next);
    Ok(response)
}

pub(super) async fn catalog(
    registry: &Registry,
    visitor: &Visitor<'_>,
    head: &Parts,
) -> Result<Response, Refusal> {
    let mut all = registry.storage.run(super::storage::Storage::repositories).await?;
    all.retain(|name| {
        name.parse().is_ok_and(|name| visitor.has_right(&Need::new(Action::Pull, &name)))
    });
    let (page, next) = page(all, head)?;
    let mut response = answer("application/json", &json!({ "repositories": page }));
    link(&mut response, "/v2/_catalog", next);
    Ok(response)
}

pub(super) async fn referrers(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
    head: &Parts,
) -> Result<Response, Refusal> {
    let (name, wanted) = (repository.clone(), *subject);
    let listed = registry.storage.run(move |storage| storage.referrers(&name, &wanted)).await?;
    let filter = query(head, "artifactType");
    let manifests: Vec<Value> = listed
        .iter()
        .filter_map(|descriptor| serde_json::from_slice::<Value>(descriptor).ok())
        .filter(|descriptor| {
            filter.as_deref().is_none_or(|wanted| descriptor["artifactType"] == wanted)
        })
        .collect();
    let index = MediaType::Index;
    let body = json!({ "schemaVersion": 2, "mediaType": index, "manifests": manifests });
    let mut response = answer(index.as_str(), &body);
    if filter.is_some() {
        let applied = HeaderValue::from_static("artifactType");
        response.headers_mut().insert("oci-filters-applied", applied);
    }
    Ok(response)
}

/// A part of a list, and where the next begins: how many names it is to have, and the last of this one.
type Page = (Vec<String>, Option<(usize, String)>);

/// Cuts what `n` and `last` ask for out of a list.
fn page(mut all: Vec<String>, head: &Parts) -> Result<Page, Refusal> {
    let last = query(head, "last").unwrap_or_default();
    let limit = match query(head, "n") {
        Some(n) => Some(n.parse::<usize>().map_err(|_| Refusal::page_invalid(&n))?),
        None => None,
    };
    all.sort_by_cached_key(|name| order(name));
    let last = order(&last);
    let mut rest: Vec<String> = all.into_iter().filter(|name| order(name) > last).collect();
    let next = limit.filter(|&limit| limit < rest.len()).map(|limit| {
        rest.truncate(limit);
        (limit, rest.last().cloned().unwrap_or_default())
    });
    // `n=0` asks for nothing, and a next page of it would never end.
    Ok((rest, next.filter(|(limit, _)| *limit > 0)))
}

/// Lists do not tell capitals from small letters (distribution spec, "Content Discovery"); names that differ in nothing else
/// need an order too.
fn order(name: &str) -> (String, String) {
    (name.to_ascii_lowercase(), name.to_owned())
}

fn link(response: &mut Response, path: &str, next: Option<(usize, String)>) {
    if let Some((limit, last)) = next {
        let value = format!("<{path}?n={limit}&last={last}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, text(value));
    }
}

fn answer(content_type: &str, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, text(content_type.to_owned()));
    response
}
