//! `notes-build prune`: a smaller store, or a smaller registry.

use std::path::Path;

use notes_console::{Failure, Kind, Session};
use notes_image::store::{PruneError, PruneOptions, Store};
use notes_registry::server;

use crate::{cli::PruneArguments, failure, reporter::Bytes, settings, sizes};

/// Removes what was used longest ago; of a registry, what nothing leads to.
pub(crate) fn run(session: &Session, arguments: &PruneArguments) -> Result<(), Failure> {
    match &arguments.registry {
        Some(root) => registry(session, arguments, &session.current.join(root)),
        None => store(session, arguments),
    }
}

fn registry(session: &Session, arguments: &PruneArguments, root: &Path) -> Result<(), Failure> {
    let options = server::PruneOptions { older_than: arguments.older_than.duration() };
    let pruned = server::prune(root, &options).map_err(|error| {
        let (kind, hint) = match error {
            server::PruneError::NoRegistry { .. } => {
                (Kind::Configuration, Some("name the directory that `serve --root` has".into()))
            }
            _ => (Kind::Internal, None),
        };
        Failure::new(kind, error).with_hints(hint)
    })?;
    let server::Pruned { contents, uploads, bytes } = pruned;
    let text = format!("{} in {contents} blobs and {uploads} uploads", Bytes(bytes));
    session.ui.step("Pruned", text);
    Ok(())
}

fn store(session: &Session, arguments: &PruneArguments) -> Result<(), Failure> {
    let keep_bytes = sizes::parse(&arguments.keep)?;
    let flag = arguments.store.as_deref();
    let store = settings::store(flag, None, &session.environment, &session.current)?.value;
    // Opening makes the directories; it is closed again, since pruning needs the store for itself alone.
    drop(Store::open(&store).map_err(failure::store)?);
    let pruned = Store::prune(&store, &PruneOptions { keep_bytes }).map_err(|error| {
        let kind = if error.is_transient() { Kind::Conflict } else { Kind::Internal };
        let hint =
            matches!(error, PruneError::InUse { .. }).then(|| "wait for the build to end".into());
        Failure::new(kind, error).with_hints(hint)
    })?;
    let left = pruned.before - pruned.removed;
    session.ui.step(
        "Pruned",
        format_args!(
            "{} in {} entries; {} are left",
            Bytes(pruned.removed),
            pruned.entries,
            Bytes(left)
        ),
    );
    Ok(())
}
