//! What the libraries' errors mean to a person and to a pipeline: their kind, their advice, the line they are about.

use std::{io, path::Path};

use notes_console::{
    Excerpt, Failure, Kind, Ui,
    settings::{FileError, InvalidVariable},
};
use notes_k8s_deploy::{
    RequestError, apply, deploy,
    diagnosis::{Cause, Diagnosis},
    kubeconfig, lock, manifest, migration, port_forward,
    record::ChooseError,
    release,
    rollout::Outcome,
};
use notes_oci::ReferenceError;
use notes_registry::{MirrorError, PullError, TransportError};

pub(crate) fn settings(error: FileError) -> Failure {
    let (hint, excerpt) = (error.hint(), error.excerpt().cloned());
    Failure::new(Kind::Configuration, error).with_hints(hint).with_excerpt(excerpt)
}

pub(crate) fn variable(error: InvalidVariable) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn reference(error: ReferenceError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn mirror(error: MirrorError) -> Failure {
    Failure::new(Kind::Configuration, error)
        .with_hint("a mirror reads `docker.io=127.0.0.1:5000` or `docker.io=127.0.0.1:5000/path`")
}

pub(crate) fn transport(error: TransportError) -> Failure {
    Failure::new(Kind::Configuration, error)
}

pub(crate) fn pull(error: PullError) -> Failure {
    let (kind, hint) = if error.is_not_found() {
        (Kind::Configuration, Some("`notes-build` builds and pushes the image of a commit".into()))
    } else if error.is_denied() {
        (Kind::Denied, error.hint())
    } else if error.is_transient() {
        (Kind::Network, error.hint())
    } else {
        (Kind::Internal, error.hint())
    };
    Failure::new(kind, error).with_hints(hint)
}

pub(crate) fn open(error: notes_gitinfo::OpenError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn revision(error: notes_gitinfo::RevisionError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn kubeconfig(error: kubeconfig::Error) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn manifest(error: manifest::Error, text: &str) -> Failure {
    let hint = error.hint();
    let origin = error.origin().clone();
    Failure::new(Kind::Configuration, error).with_hints(hint).with_excerpt(Excerpt::of_line(
        origin.file,
        text,
        origin.line,
    ))
}

pub(crate) fn release(error: release::Error) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn choose(error: ChooseError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn request(error: RequestError) -> Failure {
    let hint = error.hint();
    Failure::new(kind_of(&error), error).with_hints(hint)
}

pub(crate) fn deploy(error: deploy::Error) -> Failure {
    let hint = error.hint();
    let kind = match &error {
        deploy::Error::Request(error) | deploy::Error::Lock(lock::Error::Request(error)) => {
            kind_of(error)
        }
        deploy::Error::Lock(_) => Kind::Locked,
        deploy::Error::Migration(error) => of_migration(error),
        deploy::Error::Apply(error) => kind_of_refusal(error),
        _ => Kind::Rejected,
    };
    Failure::new(kind, error).with_hints(hint)
}

fn of_migration(error: &migration::Error) -> Kind {
    match error {
        migration::Error::NoWorkload { .. } => Kind::Configuration,
        migration::Error::NotDeleted { .. } => Kind::Conflict,
        migration::Error::Failed { outcome, .. }
            if matches!(**outcome, Outcome::TimedOut { .. }) =>
        {
            Kind::TimedOut
        }
        migration::Error::Request(error) => kind_of(error),
        migration::Error::Apply(error) => kind_of_refusal(error),
        _ => Kind::Failed,
    }
}

pub(crate) fn apply(error: apply::Error) -> Failure {
    let hint = error.hint();
    Failure::new(kind_of_refusal(&error), error).with_hints(hint)
}

fn kind_of_refusal(error: &apply::Error) -> Kind {
    match error {
        apply::Error::Request(error) => kind_of(error),
        apply::Error::NoSuchKind { .. } | apply::Error::NoNamespace { .. } => Kind::Configuration,
        // Somebody else's decision is in the way, not a mistake in the manifest.
        apply::Error::Conflict { .. } => Kind::Conflict,
        _ => Kind::Rejected,
    }
}

pub(crate) fn port_forward(error: port_forward::Error) -> Failure {
    let hint = error.hint();
    let kind = match &error {
        port_forward::Error::Request(error) => kind_of(error),
        port_forward::Error::NotReady { .. } => Kind::Failed,
        _ => Kind::Configuration,
    };
    Failure::new(kind, error).with_hints(hint)
}

fn kind_of(error: &RequestError) -> Kind {
    match error {
        RequestError::Unauthorized { .. } | RequestError::Forbidden { .. } => Kind::Denied,
        _ if error.is_transient() => Kind::Network,
        RequestError::Refused { .. } => Kind::Rejected,
        // A plugin that fails, a certificate that cannot be read: what the kubeconfig says does not work.
        _ => Kind::Configuration,
    }
}

/// An error of the file system about one path.
pub(crate) fn path(path: &Path, error: io::Error) -> Failure {
    #[derive(Debug, thiserror::Error)]
    #[error("failed to read `{path}`")]
    struct PathError {
        path: String,
        source: io::Error,
    }
    let path = path.display().to_string();
    Failure::new(Kind::Configuration, PathError { path, source: error })
}

/// A rollout that failed: the first cause is the failure, the evidence stands above it.
pub(crate) fn rollout(ui: &Ui, diagnoses: &[Diagnosis]) -> Failure {
    evidence(ui, diagnoses);
    let Some(first) = diagnoses.first() else {
        return Failure::message(Kind::Failed, "the rollout failed");
    };
    let kind = if first.cause == Cause::Superseded { Kind::Conflict } else { Kind::Failed };
    Failure::message(kind, describe(first)).with_hints(first.hint.clone())
}

/// Says what is known about what is wrong.
pub(crate) fn evidence(ui: &Ui, diagnoses: &[Diagnosis]) {
    for (index, diagnosis) in diagnoses.iter().enumerate() {
        // The first becomes the failure's own line.
        if index > 0 {
            ui.line(format_args!("also: {}", describe(diagnosis)));
        }
        for line in &diagnosis.evidence {
            ui.line(format_args!("  {line}"));
        }
    }
}

pub(crate) fn describe(diagnosis: &Diagnosis) -> String {
    let workload = diagnosis.workload.to_string();
    if diagnosis.place == workload {
        format!("{workload}: {}", diagnosis.summary)
    } else {
        format!("{workload}: {}: {}", diagnosis.place, diagnosis.summary)
    }
}
