//! What could keep a deploy from working, looked at before one: the cluster, the account, the namespace.

mod certificate;
mod credentials;
mod namespace;
mod pod_security;
mod server;

use std::fmt;

use jiff::Timestamp;

use crate::{
    Cluster, Object, RequestError,
    access::{Needs, missing},
    kubeconfig::Access,
};

/// What was found at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub topic: Topic,
    /// Whether that is all right.
    pub state: State,
    /// What was found. Never a part of a credential.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// Which cluster, and how it was found.
    Kubeconfig,
    /// Who asks.
    Credentials,
    /// Whether the API server answers.
    Server,
    /// Which Kubernetes it is.
    Version,
    /// How long the server's certificate is valid.
    Certificate,
    /// How far the clocks are apart.
    Clock,
    /// What the account may do.
    Permissions,
    /// Whether the namespace is there.
    Namespace,
    /// What the namespace demands of pods.
    PodSecurity,
    /// The secrets that images are pulled with.
    PullSecret,
    /// The class of claims that name none.
    StorageClass,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubeconfig => "kubeconfig",
            Self::Credentials => "credentials",
            Self::Server => "server",
            Self::Version => "version",
            Self::Certificate => "certificate",
            Self::Clock => "clock",
            Self::Permissions => "permissions",
            Self::Namespace => "namespace",
            Self::PodSecurity => "pod security",
            Self::PullSecret => "pull secret",
            Self::StorageClass => "storage class",
        })
    }
}

/// Whether something is all right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is.
    Good,
    /// A deploy may work, and may not for long or not in full.
    Warning,
    /// A deploy cannot work.
    Problem,
}

impl Finding {
    fn new(topic: Topic, state: State, text: impl Into<String>) -> Self {
        Self { topic, state, text: text.into(), hint: None }
    }

    fn good(topic: Topic, text: impl Into<String>) -> Self {
        Self::new(topic, State::Good, text)
    }

    fn warning(topic: Topic, text: impl Into<String>) -> Self {
        Self::new(topic, State::Warning, text)
    }

    fn problem(topic: Topic, text: impl Into<String>) -> Self {
        Self::new(topic, State::Problem, text)
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What could not be looked at, because the account may not or the server does not answer.
    fn unseen(topic: Topic, error: &RequestError) -> Self {
        Self::warning(topic, format!("cannot be looked at: {error}"))
    }
}

/// What is to be deployed, where, and when.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The objects.
    pub objects: &'a [Object],
    /// The namespace of those that name none, and of the records.
    pub namespace: &'a str,
    /// The time by this machine's clock.
    pub now: Timestamp,
    /// Where programs are found, as `PATH` says it.
    pub path: &'a str,
}

/// Looks at everything that a deploy of `plan` through `access` needs. Nothing is changed.
///
/// Where the server does not answer, what only it can tell is left out.
pub async fn examine(access: Access, plan: Plan<'_>) -> Vec<Finding> {
    let mut found = vec![kubeconfig(&access)];
    found.extend(credentials::examine(&access, plan));
    let certificate = server::certificate(&access, plan.now).await;
    let cluster = match Cluster::connect(access) {
        Ok(cluster) => cluster,
        Err(error) => {
            found.push(failed(Topic::Server, &error));
            return found;
        }
    };
    match server::examine(&cluster, plan.now).await {
        Ok(findings) => found.extend(findings),
        Err(error) => {
            found.push(failed(Topic::Server, &error));
            found.extend(certificate);
            return found;
        }
    }
    found.extend(certificate);
    found.push(permissions(&cluster, plan).await);
    found.extend(namespace::examine(&cluster, plan).await);
    found
}

fn kubeconfig(access: &Access) -> Finding {
    let context = access.context.as_deref().map(|name| format!(", context {name}"));
    let text = format!("{} from {}{}", access.server(), access.form, context.unwrap_or_default());
    if access.config.accept_invalid_certs {
        let text = format!("{text}; the server's certificate is NOT checked");
        return Finding::warning(Topic::Kubeconfig, text)
            .with_hint("put the cluster's `certificate-authority-data` in the place of `insecure-skip-tls-verify`");
    }
    Finding::good(Topic::Kubeconfig, text)
}

fn failed(topic: Topic, error: &RequestError) -> Finding {
    let finding = Finding::problem(topic, error.to_string());
    match error.hint() {
        Some(hint) => finding.with_hint(hint),
        None => finding,
    }
}

async fn permissions(cluster: &Cluster, plan: Plan<'_>) -> Finding {
    let needs = Needs::of(plan.objects, plan.namespace);
    match missing(cluster, &needs).await {
        Ok(missing) if missing.is_empty() => Finding::good(
            Topic::Permissions,
            format!("all {} that a deploy needs", needs.iter().count()),
        ),
        Ok(missing) => {
            let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
            Finding::problem(
                Topic::Permissions,
                format!("the account may not {}", names.join(", ")),
            )
            .with_hint("`notes-deploy rbac` prints the Role that allows it")
        }
        Err(error) => Finding::unseen(Topic::Permissions, &error),
    }
}
