//! The example applications: what each needs, and how one sees that it works.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Result, markdown, notes};
use crate::workspace;

/// Good for nothing but a database that is gone with the demo.
const SECRET_KEY: &str = "for-the-demo-only-and-nothing-else-0123456789abcdefghij";
/// The database where pods reach none of this machine: each pod has its own file, which is gone with it.
const FILE_OF_EACH_POD: &str = "sqlite:////tmp/notes.sqlite3";

/// An example application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum App {
    /// A Django application with a database, on rendered manifests.
    #[default]
    NotesApp,
    /// A Node service of three stages, on manifests of its own.
    NodeService,
}

impl App {
    pub(super) fn directory(self) -> PathBuf {
        let name = match self {
            Self::NotesApp => "notes-app",
            Self::NodeService => "node-service",
        };
        workspace::root().join("examples").join(name)
    }

    /// The repository in the registry.
    pub(super) fn repository(self) -> &'static str {
        match self {
            Self::NotesApp => "notes/notes-app-k8s",
            Self::NodeService => "notes/node-service",
        }
    }

    pub(super) fn has_database(self) -> bool {
        self == Self::NotesApp
    }

    /// Uses the app at `url` as a person would; what a browser keeps lies in `directory`.
    pub(super) fn try_out(self, url: &str, directory: &Path, say: &dyn Fn(&str)) -> Result<()> {
        match self {
            Self::NotesApp => notes::write_and_read_back(url, directory, say),
            Self::NodeService => markdown::render(url, say),
        }
    }
}

/// A request to an app, which runs on this machine: no proxy is to be asked for it.
pub(super) fn request() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "30", "--noproxy", "*"]);
    curl
}

/// What the README of the notes app has a person put into the namespace before the first deploy.
pub(super) fn secret(database_url: Option<&str>) -> String {
    let database_url = database_url.unwrap_or(FILE_OF_EACH_POD);
    format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"notes-app-env"}},"stringData":{{"SECRET_KEY":"{SECRET_KEY}","DATABASE_URL":"{database_url}"}}}}"#
    )
}

/// Replaces the Secret of production by values of the demo's own, so that `notes-deploy` has the namespace to make.
pub(super) fn with_environment(notes_toml: &str, database_url: Option<&str>) -> String {
    let database_url = database_url.unwrap_or(FILE_OF_EACH_POD);
    let kept = notes_toml.lines().filter(|line| !line.starts_with("env-from"));
    let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
    let _ = write!(
        text,
        "\n[deploy.env]\nSECRET_KEY = \"{SECRET_KEY}\"\nDATABASE_URL = \"{database_url}\"\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_settings_need_no_secret() {
        let text = "[deploy]\nname = \"notes-app\"\nenv-from = [\"secret/notes-app-env\"]\n";
        let with_environment = with_environment(text, Some("postgres://notes@10.0.0.1/notes"));
        insta::assert_snapshot!(with_environment, @r#"
        [deploy]
        name = "notes-app"

        [deploy.env]
        SECRET_KEY = "for-the-demo-only-and-nothing-else-0123456789abcdefghij"
        DATABASE_URL = "postgres://notes@10.0.0.1/notes"
        "#);
    }
}
