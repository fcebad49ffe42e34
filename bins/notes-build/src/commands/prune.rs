//! `notes-build prune`: a smaller store.

use notes_console::{Failure, Kind, Session};
use notes_image::store::{PruneError, PruneOptions, Store};

use crate::{cli::PruneArguments, failure, reporter::Bytes, settings, sizes};

/// Removes what was used longest ago.
pub(crate) fn run(session: &Session, arguments: &PruneArguments) -> Result<(), Failure> {
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
