//! From a request to what it asks for. Repository names hold slashes, so the path is read from its end.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use notes_oci::{Digest, Repository, Tag};

use super::{
    Mode,
    access::{Access, Action, Gate, Need},
    blobs, lists, manifests,
    refusal::Refusal,
    storage::Storage,
    uploads,
    uploads::Uploads,
};

/// All state of a running registry.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) storage: Storage,
    pub(super) uploads: Uploads,
    pub(super) mode: Mode,
    gate: Gate,
    /// How clients reach it, unless something in front of it says otherwise.
    scheme: &'static str,
}

impl Registry {
    pub(super) fn new(storage: Storage, access: Access, mode: Mode, scheme: &'static str) -> Self {
        Self { storage, uploads: Uploads::default(), mode, gate: access.into(), scheme }
    }

    /// Returns where this registry is, as the client of a request sees it.
    fn origin(&self, head: &Parts) -> String {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or("localhost");
        // What ends TLS in front of it says so; who lies about it sends only his own password astray.
        let scheme = match text(FORWARDED_SCHEME) {
            Some("https") => "https",
            _ => self.scheme,
        };
        format!("{scheme}://{host}")
    }
}

/// Says how a client has reached the proxy in front (as nginx, Traefik and others set it).
const FORWARDED_SCHEME: header::HeaderName = header::HeaderName::from_static("x-forwarded-proto");

/// A manifest's name in a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Which {
    Tag(Tag),
    Digest(Digest),
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
enum Resource {
    Base,
    Catalog,
    Blob(Repository, Digest),
    Uploads(Repository),
    Upload(Repository, String),
    Manifest(Repository, Which),
    Tags(Repository),
    Referrers(Repository, Digest),
}

/// Answers one request.
pub(super) async fn serve(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = dispatch(registry, request).await.unwrap_or_else(Refusal::into_response);
    tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    let version = HeaderValue::from_static("registry/2.0");
    response.headers_mut().insert("docker-distribution-api-version", version);
    response
}

async fn dispatch(registry: Arc<Registry>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    if head.uri.path() == "/token" && [Method::GET, Method::POST].contains(&head.method) {
        return registry.gate.token(&head, body).await;
    }
    let resource = parse(&head.uri)?;
    let is_read = head.method == Method::GET || head.method == Method::HEAD;
    let needs = needs(&resource, &head.method);
    let origin = registry.origin(&head);
    let visitor = registry.gate.admit(&head, &origin, &needs, &mounted(&head))?;
    if registry.mode == Mode::ReadOnly && !is_read {
        return Err(Refusal::read_only());
    }
    match (resource, head.method.as_str()) {
        (Resource::Base, "GET" | "HEAD") => {
            Ok(([(header::CONTENT_TYPE, "application/json")], "{}").into_response())
        }
        (Resource::Catalog, "GET" | "HEAD") => lists::catalog(&registry, &visitor, &head).await,
        (Resource::Tags(repository), "GET" | "HEAD") => {
            lists::tags(&registry, &repository, &head).await
        }
        (Resource::Referrers(repository, digest), "GET" | "HEAD") => {
            lists::referrers(&registry, &repository, &digest, &head).await
        }
        (Resource::Blob(repository, digest), "GET" | "HEAD") => {
            blobs::read(&registry, &repository, &digest, &head).await
        }
        (Resource::Blob(repository, digest), "DELETE") => {
            blobs::delete(&registry, &repository, &digest).await
        }
        (Resource::Uploads(repository), "POST") => {
            uploads::start(&registry, &visitor, repository, &head, body).await
        }
        (Resource::Upload(repository, id), _) => {
            upload(&registry, &repository, &id, &head, body).await
        }
        (Resource::Manifest(repository, which), "GET" | "HEAD") => {
            manifests::read(&registry, &repository, &which).await
        }
        (Resource::Manifest(repository, which), "PUT") => {
            manifests::write(&registry, &repository, which, &head, body).await
        }
        (Resource::Manifest(repository, which), "DELETE") => {
            manifests::delete(&registry, &repository, &which).await
        }
        (_, method) => Err(Refusal::no_such_method(method)),
    }
}

async fn upload(
    registry: &Registry,
    repository: &Repository,
    id: &str,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    match head.method.as_str() {
        "GET" | "HEAD" => uploads::progress(registry, repository, id).await,
        "PATCH" => uploads::append(registry, repository, id, head, body).await,
        "PUT" => uploads::finish(registry, repository, id, head, body).await,
        "DELETE" => uploads::cancel(registry, repository, id).await,
        method => Err(Refusal::no_such_method(method)),
    }
}

/// Returns the right that a request needs; none where it is about no repository.
fn needs(resource: &Resource, method: &Method) -> Vec<Need> {
    let (repository, action) = match resource {
        Resource::Base | Resource::Catalog => return Vec::new(),
        // Who pushes also asks how far an upload has come, and gives it up.
        Resource::Uploads(repository) | Resource::Upload(repository, _) => {
            (repository, Action::Push)
        }
        Resource::Blob(repository, _)
        | Resource::Manifest(repository, _)
        | Resource::Tags(repository)
        | Resource::Referrers(repository, _) => {
            let action = match method.as_str() {
                "GET" | "HEAD" => Action::Pull,
                "DELETE" => Action::Delete,
                _ => Action::Push,
            };
            (repository, action)
        }
    };
    vec![Need::new(action, repository)]
}

fn parse(uri: &Uri) -> Result<Resource, Refusal> {
    // Clients that encode paths write the colon of a digest as %3A; nothing else in them needs encoding.
    let path = uri.path().replace("%3A", ":").replace("%3a", ":");
    let rest = match path.as_str() {
        "/v2" | "/v2/" => return Ok(Resource::Base),
        "/v2/_catalog" => return Ok(Resource::Catalog),
        path => path.strip_prefix("/v2/").ok_or_else(Refusal::not_found)?,
    };
    if let Some(name) = rest.strip_suffix("/tags/list") {
        return Ok(Resource::Tags(repository(name)?));
    }
    if let Some(name) =
        rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads"))
    {
        return Ok(Resource::Uploads(repository(name)?));
    }
    let (front, last) = rest.rsplit_once('/').ok_or_else(Refusal::not_found)?;
    if let Some(name) = front.strip_suffix("/blobs/uploads") {
        return Ok(Resource::Upload(repository(name)?, last.to_owned()));
    }
    if let Some(name) = front.strip_suffix("/blobs") {
        return Ok(Resource::Blob(repository(name)?, digest(last)?));
    }
    if let Some(name) = front.strip_suffix("/referrers") {
        return Ok(Resource::Referrers(repository(name)?, digest(last)?));
    }
    if let Some(name) = front.strip_suffix("/manifests") {
        let which = if last.contains(':') {
            Which::Digest(digest(last)?)
        } else {
            Which::Tag(last.parse().map_err(|_| Refusal::manifest_unknown(last))?)
        };
        return Ok(Resource::Manifest(repository(name)?, which));
    }
    Err(Refusal::not_found())
}

fn repository(name: &str) -> Result<Repository, Refusal> {
    name.parse().map_err(|_| Refusal::name_invalid(format!("`{name}` is not a repository name")))
}

/// Parses a digest of a path or a query.
pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|error: notes_oci::DigestError| Refusal::digest_invalid(error.to_string()))
}

/// Returns the decoded value of `key` in the query.
pub(super) fn query(head: &Parts, key: &str) -> Option<String> {
    query_all(head, key).into_iter().next()
}

/// Returns all decoded values of `key` in the query.
pub(super) fn query_all(head: &Parts, key: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> =
        axum::extract::Query::try_from_uri(&head.uri).map(|query| query.0).unwrap_or_default();
    pairs.into_iter().filter(|(name, _)| name == key).map(|(_, value)| value).collect()
}

/// Returns the right to read what a blob is to be mounted from; without it the blob is uploaded.
fn mounted(head: &Parts) -> Vec<Need> {
    let source = query(head, "mount").and_then(|_| query(head, "from")?.parse().ok());
    source.iter().map(|source| Need::new(Action::Pull, source)).collect()
}

/// Returns an answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> Option<Resource> {
        parse(&path.parse().unwrap()).ok()
    }

    #[test]
    fn a_repository_may_be_named_like_a_route() {
        let digest = Digest::of(b"");
        let name = |text: &str| text.parse::<Repository>().unwrap();
        assert_eq!(resource("/v2/"), Some(Resource::Base));
        assert_eq!(
            resource(&format!("/v2/a/blobs/uploads/blobs/{digest}")),
            Some(Resource::Blob(name("a/blobs/uploads"), digest))
        );
        assert_eq!(
            resource("/v2/manifests/tags/list"),
            Some(Resource::Tags(name("manifests"))),
            "the longest ending wins"
        );
        assert_eq!(
            resource(&format!("/v2/a/manifests/{}", digest.to_string().replace(':', "%3A"))),
            Some(Resource::Manifest(name("a"), Which::Digest(digest)))
        );
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for path in ["/", "/v1/", "/v2/a", "/v2/A/tags/list", "/v2/../x/tags/list", "/v2/a/blobs/x"]
        {
            assert_eq!(resource(path), None, "{path}");
        }
    }
}
