//! What the libraries' errors mean to a person and to a pipeline: their kind, their advice, the line they are about.

use std::{io, iter, path::Path};

use notes_console::{
    Excerpt, Failure, Kind,
    settings::{FileError, InvalidVariable, Origin, Seconds, Setting},
};
use notes_dockerfile::{IgnoreError, ParseError, Span};
use notes_gitinfo::{OpenError, RevisionError, TreeError, UpstreamError};
use notes_image::{
    build::{self, CopyError, FetchError},
    export::Error as ExportError,
    plan, store,
};
use notes_oci::{LayoutError, ReferenceError, VerifyError};
use notes_registry::{PullError, PushError, RequestError};
use notes_sandbox::{EnterError, RunError};

use crate::{contexts::ImagesError, settings::Settings};

pub(crate) fn open(error: OpenError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn reference(error: ReferenceError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

pub(crate) fn revision(error: RevisionError, commit: &Setting<String>) -> Failure {
    let hint = error.hint();
    let kind = match error {
        RevisionError::Read { .. } => Kind::Internal,
        _ => Kind::Configuration,
    };
    let from_job = matches!(commit.origin, Origin::Environment(_)).then(|| {
        format!("`{}` says so; `--commit HEAD` builds what is checked out", commit.origin)
    });
    Failure::new(kind, error).with_hints(hint).with_hints(from_job)
}

pub(crate) fn tree(error: TreeError) -> Failure {
    let hint = error.hint();
    let kind = match error {
        TreeError::Object { .. } | TreeError::Lfs { .. } => Kind::Internal,
        _ => Kind::Configuration,
    };
    Failure::new(kind, error).with_hints(hint)
}

pub(crate) fn settings(error: FileError) -> Failure {
    let (hint, excerpt) = (error.hint(), error.excerpt().cloned());
    Failure::new(Kind::Configuration, error).with_hints(hint).with_excerpt(excerpt)
}

pub(crate) fn variable(error: InvalidVariable) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}

/// An error of the file system about one path.
pub(crate) fn path(path: &Path, error: io::Error) -> Failure {
    #[derive(Debug, thiserror::Error)]
    #[error("failed to use `{path}`")]
    struct PathError {
        path: String,
        source: io::Error,
    }
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Kind::Configuration,
        _ => Kind::Internal,
    };
    Failure::new(kind, PathError { path: path.display().to_string(), source: error })
}

/// A Dockerfile, as errors show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// What a person calls it.
    pub(crate) name: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    fn excerpt(self, span: Span) -> Excerpt {
        Excerpt::new(self.name, self.text, span.into())
    }

    pub(crate) fn parse(self, error: &ParseError) -> Failure {
        // The reason alone: the line is shown below it.
        Failure::message(Kind::Configuration, format!("`{}` {error}", self.name))
            .with_hints(error.hint())
            .with_excerpt(self.excerpt(error.span))
    }

    pub(crate) fn plan(self, error: plan::Error) -> Failure {
        let (hint, span) = (error.hint(), error.span);
        Failure::new(Kind::Configuration, error)
            .with_hints(hint)
            .with_excerpt(span.map(|span| self.excerpt(span)))
    }

    pub(crate) fn build(self, error: build::Error, ignore: &str, settings: &Settings) -> Failure {
        let (kind, span) = (kind_of(&error), error.span);
        let hint = match error.problem {
            build::Problem::TimedOut { .. } => Some(limit_of_run(&settings.run_timeout)),
            _ if error.is_disk_full() => Some(full_disk(&settings.store.value)),
            _ => hint_of(&error, ignore),
        };
        let failure = match error.problem {
            // The registry's error names the image itself.
            build::Problem::Image { source, .. } => Failure::new(kind, source),
            problem => Failure::new(kind, problem),
        };
        failure.with_hints(hint).with_excerpt(span.map(|span| self.excerpt(span)))
    }
}

fn limit_of_run(limit: &Setting<Option<Seconds>>) -> String {
    let seconds = limit.value.map(|seconds| seconds.to_string()).unwrap_or_default();
    let (key, origin) = (limit.key, &limit.origin);
    format!("`{key}` is `{seconds}` ({origin}); `--run-timeout` sets another, 0 none")
}

fn full_disk(store: &Path) -> String {
    format!(
        "the disk of the store `{}` is full: `notes-build prune --keep 0` empties the store, `--store` names another place",
        store.display()
    )
}

fn hint_of(error: &build::Error, ignore: &str) -> Option<String> {
    match &error.problem {
        build::Problem::Copy { source: CopyError::NoMatch { ignored_by: Some(line), .. } } => {
            Some(format!("line {line} of `{ignore}` excludes it"))
        }
        build::Problem::Image { source, .. } => source.downcast_ref::<ImagesError>()?.hint(),
        _ => error.hint(),
    }
}

fn kind_of(error: &build::Error) -> Kind {
    use build::Problem;
    match &error.problem {
        Problem::Failed { .. } => Kind::Failed,
        Problem::TimedOut { .. } => Kind::TimedOut,
        Problem::Run { source } => kind_of_run(source),
        Problem::Image { source, .. } => {
            source.downcast_ref().map_or(Kind::Internal, kind_of_image)
        }
        Problem::Fetch { source, .. } | Problem::Repository { source, .. } => kind_of_fetch(source),
        Problem::Unpack { .. } | Problem::Store { .. } => Kind::Internal,
        _ if error.is_disk_full() => Kind::Internal,
        _ => Kind::Configuration,
    }
}

/// A file or a repository that cannot be had: it is not there, it is denied, or the network failed.
fn kind_of_fetch(error: &FetchError) -> Kind {
    let request = match error.get_ref().downcast_ref() {
        Some(UpstreamError::Web { source }) => source.get_ref().downcast_ref(),
        Some(UpstreamError::Connect { .. } | UpstreamError::Server { .. }) => {
            return Kind::Network;
        }
        _ => error.get_ref().downcast_ref(),
    };
    match request {
        Some(request) if RequestError::is_denied(request) => Kind::Denied,
        Some(request) if !request.is_not_found() => Kind::Network,
        _ => Kind::Configuration,
    }
}

fn kind_of_run(error: &RunError) -> Kind {
    match error {
        RunError::Cancelled { .. } => Kind::Interrupted,
        RunError::TimedOut { .. } => Kind::TimedOut,
        RunError::NotOffered { .. }
        | RunError::NotSupported { .. }
        | RunError::IdNotMapped { .. }
        | RunError::Empty => Kind::Configuration,
        RunError::Setup { .. } | RunError::Killed { .. } => Kind::Internal,
        // The command itself is wrong: it is not there or cannot be executed.
        _ => Kind::Failed,
    }
}

pub(crate) fn ignore(name: &str, text: &str, error: IgnoreError) -> Failure {
    let (IgnoreError::Blank { line } | IgnoreError::Pattern { line, .. }) = error else {
        return Failure::new(Kind::Configuration, error);
    };
    let hint = error.hint();
    Failure::message(Kind::Configuration, format!("`{name}` {error}"))
        .with_hints(hint)
        .with_excerpt(Excerpt::of_line(name, text, line))
}

pub(crate) fn store(error: store::OpenError) -> Failure {
    if error.source.kind() == io::ErrorKind::StorageFull {
        let hint = full_disk(&error.path);
        return Failure::new(Kind::Internal, error).with_hint(hint);
    }
    Failure::new(Kind::Configuration, error)
        .with_hint("name another directory with `--store` or `NOTES_BUILD_STORE`")
}

pub(crate) fn enter(error: EnterError) -> Failure {
    let hint = error.hint();
    let kind = match error {
        EnterError::NotOffered { .. } => Kind::Configuration,
        _ => Kind::Internal,
    };
    Failure::new(kind, error).with_hints(hint)
}

pub(crate) fn push(error: PushError) -> Failure {
    let hint = match &error {
        PushError::TagExists { .. } => Some(
            "the same commit gave another image before: something outside of the commit changed; `--allow-retag` moves the tag"
                .into(),
        ),
        other => other.hint(),
    };
    let kind = match &error {
        PushError::TagExists { .. } => Kind::Conflict,
        error if error.is_denied() => Kind::Denied,
        error if error.is_transient() => Kind::Network,
        PushError::Request { .. } => Kind::Network,
        _ => Kind::Internal,
    };
    Failure::new(kind, error).with_hints(hint)
}

/// Tells whether something failed because the bytes of a layer could not be had, or are others.
pub(crate) fn is_about_a_layer(failure: &Failure) -> bool {
    let causes = iter::successors(Some(failure.cause()), |&error| error.source());
    causes
        .filter_map(|error| error.downcast_ref::<io::Error>()?.get_ref())
        .any(|inner| inner.is::<VerifyError>() || inner.is::<RequestError>())
}

/// An image-layout directory that is missing, is none, or does not hold what is asked for.
pub(crate) fn layout(error: LayoutError) -> Failure {
    Failure::new(kind_of_layout(&error), error)
}

fn kind_of_layout(error: &LayoutError) -> Kind {
    match error {
        LayoutError::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
            Kind::Internal
        }
        LayoutError::Layer { .. } => Kind::Network,
        _ => Kind::Configuration,
    }
}

/// The same where a layout is to be written.
pub(crate) fn new_layout(error: LayoutError) -> Failure {
    let hint = matches!(error, LayoutError::NotALayout { .. })
        .then(|| "name a layout, or a directory that is empty or not there".into());
    layout(error).with_hints(hint)
}

/// Files of an image that cannot be written.
pub(crate) fn export(error: ExportError) -> Failure {
    let hint = match &error {
        ExportError::Device { .. } => Some("write an archive instead: `type=tar` holds devices"),
        ExportError::Write { source, .. } if is_in_the_way(source) => {
            Some("a directory stands there; name an empty one, or remove it")
        }
        _ => None,
    };
    Failure::new(Kind::Configuration, error).with_hints(hint.map(Into::into))
}

fn is_in_the_way(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::IsADirectory)
}

fn kind_of_image(error: &ImagesError) -> Kind {
    match error {
        ImagesError::Remote(error) => kind_of_pull(error),
        ImagesError::Layout(error) => kind_of_layout(error),
        ImagesError::Absent { .. } => Kind::Configuration,
    }
}

/// An image that cannot be had.
pub(crate) fn image(error: ImagesError) -> Failure {
    let hint = error.hint();
    Failure::new(kind_of_image(&error), error).with_hints(hint)
}

/// A base that cannot be had: it is not there, it is denied, or the network failed.
fn kind_of_pull(error: &PullError) -> Kind {
    if error.is_denied() {
        Kind::Denied
    } else if error.is_not_found() {
        Kind::Configuration
    } else {
        Kind::Network
    }
}
