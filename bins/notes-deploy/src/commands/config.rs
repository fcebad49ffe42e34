//! `notes-deploy config show`.

use notes_console::Failure;

use crate::{cli::DeployArguments, session::Session, settings::DeploySettings};

/// Prints each setting with where it comes from.
pub(crate) fn show(session: &Session, arguments: &DeployArguments) -> Result<(), Failure> {
    super::print(DeploySettings::resolve(session, arguments)?.table())
}
