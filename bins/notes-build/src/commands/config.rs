//! `notes-build config show`: every setting and its origin.

use notes_console::{Failure, Kind, Session, print_result};

use crate::{cli::BuildArguments, project::Project, settings::Settings};

/// Prints the settings of a build that would begin now.
pub(crate) fn show(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let project = Project::open(arguments, &session.environment, &session.current)?;
    let settings = Settings::resolve(&project, arguments, &session.environment, &session.current)?;
    print_result(settings.table(&project)).map_err(|error| Failure::new(Kind::Internal, error))
}
