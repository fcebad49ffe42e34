//! Which build caches are written.

use notes_console::{Failure, Kind, settings::Origin};
use notes_oci::Reference;

use super::Settings;
use crate::{caches::Target, cli::BuildArguments};

impl Settings {
    /// Returns the caches that are written. `--no-push` keeps those of notes.toml from it: it promises that nothing is pushed,
    /// and who wants the cache all the same can say so in the same breath.
    pub(crate) fn written_caches(
        &self,
        arguments: &BuildArguments,
        references: &[Reference],
    ) -> Result<Vec<Target>, Failure> {
        let is_said = matches!(self.cache_to.origin, Origin::Flag(_));
        if arguments.no_push && !is_said {
            return Ok(Vec::new());
        }
        let targets = &self.cache_to.value.0;
        match targets.iter().find(|target| references.contains(&target.reference)) {
            None => Ok(targets.clone()),
            Some(Target { reference, .. }) => {
                let message = format!("`{reference}` is to be the image and its build cache");
                Err(Failure::message(Kind::Usage, message)
                    .with_hint("give the cache a tag of its own, such as `:cache`"))
            }
        }
    }
}
