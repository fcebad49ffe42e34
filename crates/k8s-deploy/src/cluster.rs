//! A cluster that can be asked, and why an answer did not come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use kube::{
    Api, Client,
    client::Body,
    core::{ApiResource, DynamicObject, GroupVersionKind, Status},
};

use crate::{
    Object,
    kubeconfig::Access,
    manifest::{Resource, Scope},
};

/// A cluster, reached through one API server. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    server: String,
    /// Whether the server has answered once: then it is the right one, and one that does not any more restarts.
    has_answered: Arc<AtomicBool>,
}

/// How long is waited before a request is sent again to a server that has answered before.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// What the server answered, with what the client's own methods hide.
pub(crate) struct Answer {
    pub(crate) object: Object,
    /// 201 where the object is new.
    pub(crate) status: http::StatusCode,
    /// The server's clock.
    pub(crate) date: Option<Timestamp>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Makes a client for `access`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails when the client cannot be made: a malformed certificate, a proxy that is not supported.
    pub fn connect(access: Access) -> Result<Self, RequestError> {
        let server = access.server();
        let client = Client::try_from(access.config)
            .map_err(|error| RequestError::from_kube("prepare a connection", &server, error))?;
        Ok(Self::new(client, server))
    }

    /// Wraps a client, as for tests over a scripted service.
    pub fn new(client: Client, server: impl Into<String>) -> Self {
        Self { client, server: server.into(), has_answered: Arc::default() }
    }

    /// Returns the URL of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the API for objects of `resource`.
    pub(crate) fn api(&self, resource: &Resource, namespace: Option<&str>) -> Api<DynamicObject> {
        let api_resource = api_resource(resource);
        match (resource.scope, namespace) {
            (Scope::Namespaced, Some(namespace)) => {
                Api::namespaced_with(self.client.clone(), namespace, &api_resource)
            }
            _ => Api::all_with(self.client.clone(), &api_resource),
        }
    }

    /// Returns the error for a failed request that was to `attempt`.
    pub(crate) fn error(&self, attempt: impl Into<String>, error: kube::Error) -> RequestError {
        RequestError::from_kube(attempt, &self.server, error)
    }

    /// Sends a request that was to `attempt`, and returns the object of the answer. It may be sent more than once, while a server
    /// that has answered before cannot be reached.
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        attempt: &str,
    ) -> Result<Answer, RequestError> {
        for pause in PAUSES {
            match self.send_once(request.clone(), attempt).await {
                Err(RequestError::Unreachable { .. })
                    if self.has_answered.load(Ordering::Relaxed) =>
                {
                    tokio::time::sleep(pause).await;
                }
                other => return other,
            }
        }
        self.send_once(request, attempt).await
    }

    async fn send_once(
        &self,
        request: http::Request<Vec<u8>>,
        attempt: &str,
    ) -> Result<Answer, RequestError> {
        let failed = |error| self.error(attempt, error);
        let response = self.client.send(request.map(Body::from)).await.map_err(failed)?;
        self.has_answered.store(true, Ordering::Relaxed);
        let (parts, body) = response.into_parts();
        let bytes = body.collect_bytes().await.map_err(failed)?;
        if !parts.status.is_success() {
            let status = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                Status::failure(&String::from_utf8_lossy(&bytes), "")
                    .with_code(parts.status.as_u16())
            });
            return Err(failed(kube::Error::Api(status.boxed())));
        }
        let date = parts.headers.get(http::header::DATE);
        Ok(Answer {
            object: Object::new(
                serde_json::from_slice(&bytes)
                    .map_err(|error| failed(kube::Error::SerdeError(error)))?,
            ),
            status: parts.status,
            date: date.and_then(|date| http_date(date.to_str().ok()?)),
        })
    }

    /// Reads one object; `None` where there is none.
    pub(crate) async fn read(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, RequestError> {
        let found = self.api(resource, namespace).get_opt(name).await.map_err(|error| {
            self.error(format!("read {}/{name}", resource.kind.to_lowercase()), error)
        })?;
        Ok(found.as_ref().map(untyped))
    }

    /// Reads all objects of a kind.
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> Result<Vec<Object>, RequestError> {
        let params = kube::api::ListParams::default();
        let found = self
            .api(resource, namespace)
            .list(&params)
            .await
            .map_err(|error| self.error(format!("list {}", resource.plural), error))?;
        Ok(found.items.iter().map(untyped).collect())
    }
}

/// Reads the date of an HTTP answer (RFC 9110, IMF-fixdate).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

pub(crate) fn api_resource(resource: &Resource) -> ApiResource {
    let gvk = GroupVersionKind::gvk(&resource.group, &resource.version, &resource.kind);
    ApiResource::from_gvk_with_plural(&gvk, &resource.plural)
}

/// Returns what the client read as plain JSON.
pub(crate) fn untyped(object: &impl serde::Serialize) -> Object {
    Object::new(serde_json::to_value(object).expect("what was JSON can be JSON again"))
}

/// Why the API server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There was no answer.
    #[error("failed to {attempt}: {server} cannot be reached: {reason}")]
    Unreachable {
        /// What was attempted.
        attempt: String,
        /// The API server.
        server: String,
        /// The innermost cause: those around it only say again that there was no answer.
        reason: String,
    },
    /// The server does not know who asks.
    #[error("failed to {attempt}: {server} does not accept the credentials")]
    Unauthorized {
        /// What was attempted.
        attempt: String,
        /// The API server.
        server: String,
    },
    /// The server knows who asks and says no.
    #[error("failed to {attempt}: {message}")]
    Forbidden {
        /// What was attempted.
        attempt: String,
        /// The server's words: verb, resource, user, namespace.
        message: String,
    },
    /// The server answered with another error.
    #[error("failed to {attempt}: {}", status.message)]
    Refused {
        /// What was attempted.
        attempt: String,
        /// The server's answer.
        status: Box<Status>,
    },
    /// The request could not be made or its answer not be read.
    #[error("failed to {attempt}")]
    Other {
        /// What was attempted.
        attempt: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

impl RequestError {
    pub(crate) fn from_kube(attempt: impl Into<String>, server: &str, error: kube::Error) -> Self {
        let attempt = attempt.into();
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Self::Unauthorized { attempt, server },
                // NB: a webhook or a quota denies with 403 too; those are refusals of the object, not of the caller.
                403 if is_authorization(&status) => {
                    Self::Forbidden { attempt, message: status.message }
                }
                _ => Self::Refused { attempt, status },
            },
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                Self::Unreachable { attempt, server, reason: innermost(&error) }
            }
            other => Self::Other { attempt, source: Box::new(other) },
        }
    }

    /// Returns the server's HTTP status code, where it answered with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { .. } => Some(401),
            Self::Forbidden { .. } => Some(403),
            Self::Refused { status, .. } => Some(status.code),
            _ => None,
        }
    }

    /// Tells whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status.code, 429 | 500..=504),
            _ => false,
        }
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { reason, server, .. } => Some(advice(reason, server)),
            Self::Unauthorized { .. } => {
                Some("the token or certificate in the kubeconfig is wrong or has expired".into())
            }
            Self::Forbidden { .. } => Some(
                "the account in the kubeconfig needs a Role with this verb and resource".into(),
            ),
            _ => None,
        }
    }
}

fn is_authorization(status: &Status) -> bool {
    status.message.contains(" cannot ")
}

fn innermost(error: &kube::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// Returns what to do about a connection that failed. The reasons are those of rustls, of hyper and of the system.
fn advice(reason: &str, server: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if has(&["UnknownIssuer"]) {
        "the kubeconfig's `certificate-authority-data` is not that of this cluster".into()
    } else if has(&["Expired", "NotValidYet", "certificate expired"]) {
        "the server's certificate is not valid now; is the clock right?".into()
    } else if has(&["NotValidForName", "not valid for name"]) {
        "the server's certificate names another host; set `tls-server-name` in the kubeconfig"
            .into()
    } else if has(&["onnection refused"]) {
        format!("nothing listens at {server}; is it the right cluster, and is it running?")
    } else if has(&["dns", "lookup", "not known"]) {
        "the host name cannot be resolved from here".into()
    } else {
        "can this machine reach the cluster? a firewall, a VPN or `NO_PROXY` may be in the way"
            .into()
    }
}
