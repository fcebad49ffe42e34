//! `notes-deploy config show`.

use notes_console::{Failure, Session};

use crate::{cli::DeployArguments, settings::DeploySettings};

/// Prints each setting with where it comes from.
pub(crate) fn show(session: &Session, arguments: &DeployArguments) -> Result<(), Failure> {
    super::print(DeploySettings::resolve(session, arguments)?.table())
}
