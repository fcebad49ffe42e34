//! `notes-build prune`: a smaller store.

use notes_console::{Failure, Kind, Session};
use notes_image::store::{PruneError, PruneOptions, Store};

use crate::{cli::PruneArguments, failure, reporter::Bytes, settings};

/// Removes what was used longest ago.
pub(crate) fn run(session: &Session, arguments: &PruneArguments) -> Result<(), Failure> {
    let keep_bytes = size(&arguments.keep)?;
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

/// Reads `500MB`, `10GB` or a number of bytes.
fn size(text: &str) -> Result<u64, Failure> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(1),
        "k" | "kb" => Some(1_000),
        "m" | "mb" => Some(1_000_000),
        "g" | "gb" => Some(1_000_000_000),
        _ => None,
    };
    let bytes = digits
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(count, factor)| count.checked_mul(factor));
    bytes.ok_or_else(|| {
        Failure::message(Kind::Usage, format!("`{text}` is no size"))
            .with_hint("write a number and a unit, such as `500MB` or `10GB`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("0", 0), ("12", 12), ("500MB", 500_000_000), ("10g", 10_000_000_000)]
        {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "GB", "1.5GB", "-1", "10TB", "99999999999999999999"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
