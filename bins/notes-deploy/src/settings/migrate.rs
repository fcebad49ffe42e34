//! `[deploy.migrate]`.

use notes_console::{
    Failure, Session, environment,
    settings::{Candidates, CommandLine, Seconds, Setting, Table},
};
use notes_k8s_deploy::migration::{Migration, TIMEOUT};

use super::AppSettings;
use crate::{cli::DeployArguments, failure};

/// What has to end well before the rollout.
#[derive(Debug)]
pub(crate) struct MigrateSettings {
    command: Setting<Option<CommandLine>>,
    timeout: Setting<Seconds>,
}

impl MigrateSettings {
    pub(super) fn resolve(
        session: &Session,
        arguments: &DeployArguments,
        app: &AppSettings,
    ) -> Result<Self, Failure> {
        let section = &app.notes.deploy.migrate;
        let key = "deploy.migrate.command";
        let command = if arguments.no_migrate {
            Candidates::new(key).flag("--no-migrate", Some(None)).or(None)
        } else {
            Candidates::new(key)
                .flag("--migrate", arguments.migrate.clone())
                .environment(&session.environment, environment::NOTES_DEPLOY_MIGRATE)
                .map_err(failure::variable)?
                .file(section.command.clone())
                .optional()
        };
        let timeout = Candidates::new("deploy.migrate.timeout")
            .file(section.timeout.clone())
            .or(Seconds(TIMEOUT.as_secs()));
        Ok(Self { command, timeout })
    }

    /// Returns the migration, where there is one.
    pub(crate) fn migration(&self) -> Option<Migration> {
        let command = self.command.value.as_ref()?.0.clone();
        Some(Migration { command, timeout: self.timeout.value.duration() })
    }

    pub(super) fn add_to(&self, table: &mut Table) {
        table.add_optional(&self.command);
        if self.command.value.is_some() {
            table.add(&self.timeout);
        }
    }
}
