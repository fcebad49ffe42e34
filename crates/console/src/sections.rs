//! Sections that fold in the log of a CI job.

use crate::{
    Ui,
    environment::{self, Environment},
};

/// How the log we write into marks what belongs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// A terminal or a plain file: a section is not marked.
    #[default]
    Plain,
    /// `section_start` and `section_end` in escape sequences (GitLab docs, "Custom collapsible sections").
    GitLab,
    /// `::group::` and `::endgroup::` (GitHub docs, "Workflow commands").
    GitHub,
}

impl Dialect {
    /// Tells which CI system runs us.
    pub fn of(environment: &Environment) -> Self {
        if environment.value(environment::GITLAB_CI).is_some() {
            Self::GitLab
        } else if environment.value(environment::GITHUB_ACTIONS).is_some() {
            Self::GitHub
        } else {
            Self::Plain
        }
    }

    /// Returns the line that opens the section `name` at `unix` seconds.
    fn opening(self, name: &str, title: &str, unix: u64) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::GitLab => Some(format!(
                "\x1b[0Ksection_start:{unix}:{}[collapsed=true]\r\x1b[0K{title}",
                identifier(name)
            )),
            Self::GitHub => Some(format!("::group::{title}")),
        }
    }

    /// Returns the line that closes it.
    fn closing(self, name: &str, unix: u64) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::GitLab => {
                Some(format!("\x1b[0Ksection_end:{unix}:{}\r\x1b[0K", identifier(name)))
            }
            Self::GitHub => Some("::endgroup::".into()),
        }
    }
}

/// Returns `name` with what GitLab does not take in a section's name replaced.
fn identifier(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' })
        .collect()
}

/// A section of the log; it ends where this value is dropped.
#[derive(Debug)]
#[must_use = "the section ends where this is dropped"]
pub struct Section {
    ui: Ui,
    dialect: Dialect,
    name: String,
}

impl Section {
    pub(crate) fn open(ui: Ui, dialect: Dialect, name: &str, title: &str) -> Self {
        if let Some(line) = dialect.opening(name, title, unix_now()) {
            ui.raw(&line);
        }
        Self { ui, dialect, name: name.into() }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        if let Some(line) = self.dialect.closing(&self.name, unix_now()) {
            self.ui.raw(&line);
        }
    }
}

/// GitLab shows a section's duration from the two times; before 1970 it shows none.
fn unix_now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitlab_gets_names_it_takes() {
        assert_eq!(
            Dialect::GitLab.opening("stage 1/2", "Stage 1", 7).unwrap(),
            "\x1b[0Ksection_start:7:stage_1_2[collapsed=true]\r\x1b[0KStage 1"
        );
        assert_eq!(
            Dialect::GitLab.closing("stage 1/2", 8).unwrap(),
            "\x1b[0Ksection_end:8:stage_1_2\r\x1b[0K"
        );
        assert_eq!(Dialect::Plain.opening("a", "b", 0), None);
    }
}
