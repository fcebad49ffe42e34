//! `--report DIR`: what is known about a deploy, as files for people, for GitLab and for programs.

mod case;
mod json;
mod junit;
mod markdown;
mod story;
mod text;

pub(crate) use self::story::{Ending, Stage, Story};

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use notes_console::{Failure, Kind};

/// The files of a report, and what writes each. The file that CI systems wait for is the last.
type File = (&'static str, fn(&Story) -> String);
const FILES: [File; 7] = [
    ("evidence.json", json::evidence),
    ("objects.yaml", text::objects),
    ("events.txt", text::events),
    ("logs.txt", text::logs),
    ("timeline.txt", text::timeline),
    ("summary.md", markdown::summary),
    ("junit.xml", junit::suites),
];

/// A directory that can be written into.
#[derive(Debug)]
pub(crate) struct Report {
    directory: PathBuf,
}

impl Report {
    /// Makes the directory, and tries it: what cannot be written is to be known before anything is applied.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failure> {
        let report = Self { directory: directory.into() };
        let tried = fs::create_dir_all(directory)
            .and_then(|()| report.replace(".notes-deploy", ""))
            .and_then(|()| fs::remove_file(directory.join(".notes-deploy")));
        match tried {
            Ok(()) => Ok(report),
            Err(source) => {
                let directory = directory.display().to_string();
                Err(Failure::new(Kind::Configuration, Unwritable { directory, source }).with_hint(
                    "nothing was applied; `--report` and `deploy.report` name the directory",
                ))
            }
        }
    }

    /// Writes all files. Each is there as a whole or not at all, also when this process is killed.
    pub(crate) fn write(&self, story: &Story) -> Result<(), Failure> {
        for (name, content) in FILES {
            self.replace(name, &content(story)).map_err(|source| {
                let directory = self.directory.join(name).display().to_string();
                Failure::new(Kind::Configuration, Unwritable { directory, source })
            })?;
        }
        Ok(())
    }

    /// Returns the directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn replace(&self, name: &str, content: &str) -> io::Result<()> {
        let temporary = self.directory.join(format!(".{name}.{}", std::process::id()));
        let written = fs::write(&temporary, content)
            .and_then(|()| fs::rename(&temporary, self.directory.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

#[derive(Debug, thiserror::Error)]
#[error("failed to write the report `{directory}`")]
struct Unwritable {
    directory: String,
    source: io::Error,
}

#[cfg(test)]
mod tests;
