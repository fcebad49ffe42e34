//! A Dockerfile with its context, to be built by all.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// Where fixtures are, below the root of the workspace, and what stands before their names. The engine's own tests have
/// the same form.
const DIRECTORIES: [(&str, &str); 2] =
    [("tests/fixtures/dockerfiles", ""), ("crates/image/tests/fixtures", "image-")];

/// What is to become of a fixture.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expected {
    /// An image.
    #[default]
    Image,
    /// An error: the builder refuses it, or a step fails.
    Error,
}

/// How a fixture is built, from its `build.toml`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) target: Option<String>,
    pub(crate) build_args: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) expect: Expected,
}

/// A folder with a `Dockerfile`, its context beside it or in `context/`, and perhaps a `build.toml`.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    /// The folder's name, and before it what tells apart where the folder is.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) directory: PathBuf,
    pub(crate) settings: Settings,
}

/// The error returned when the fixtures could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FixtureError {
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` says what no build.toml can", path.display())]
    Settings { path: PathBuf, source: Box<toml::de::Error> },
    #[error("two fixtures are called `{name}`")]
    Twice { name: String },
}

impl Fixture {
    /// Opens one.
    pub(crate) fn open(directory: &Path) -> Result<Self, FixtureError> {
        let path = directory.join("build.toml");
        let settings = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|source| FixtureError::Settings { path, source: Box::new(source) })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(source) => return Err(FixtureError::Read { path, source }),
        };
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, directory: directory.to_owned(), settings })
    }

    /// The directory of the context, below that of the fixture.
    pub(crate) fn context(&self) -> &'static str {
        if self.directory.join("context").is_dir() { "context" } else { "." }
    }
}

/// Returns all fixtures of the workspace at `root`, by name.
pub(crate) fn all(root: &Path) -> Result<Vec<Fixture>, FixtureError> {
    let mut fixtures = BTreeMap::new();
    for (directory, prefix) in DIRECTORIES {
        for path in folders(&root.join(directory))? {
            let mut fixture = Fixture::open(&path)?;
            fixture.name.insert_str(0, prefix);
            if let Some(other) = fixtures.insert(fixture.name.clone(), fixture) {
                return Err(FixtureError::Twice { name: other.name });
            }
        }
    }
    Ok(fixtures.into_values().collect())
}

/// Returns the folders of `directory` that have a Dockerfile, sorted; none where there is no such directory.
pub(crate) fn folders(directory: &Path) -> Result<Vec<PathBuf>, FixtureError> {
    let failed = |source| FixtureError::Read { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        folders.push(entry.map_err(failed)?.path());
    }
    folders.retain(|path| path.join("Dockerfile").is_file());
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_is_a_folder_with_a_dockerfile() {
        let root = tempfile::tempdir().unwrap();
        let case = root.path().join("tests/fixtures/dockerfiles/case");
        fs::create_dir_all(case.join("context")).unwrap();
        fs::create_dir_all(root.path().join("tests/fixtures/dockerfiles/no-case")).unwrap();
        fs::write(case.join("Dockerfile"), "FROM scratch\n").unwrap();
        let settings = "target = \"a\"\nexpect = \"error\"\n[build-args]\nA = \"1\"\n";
        fs::write(case.join("build.toml"), settings).unwrap();
        let engines = root.path().join("crates/image/tests/fixtures/case");
        fs::create_dir_all(&engines).unwrap();
        fs::write(engines.join("Dockerfile"), "FROM scratch\n").unwrap();
        let [fixture, other] = &all(root.path()).unwrap()[..] else { panic!("there are two") };
        assert_eq!((other.name.as_str(), other.context()), ("image-case", "."));
        assert_eq!((fixture.name.as_str(), fixture.context()), ("case", "context"));
        assert_eq!(fixture.settings.expect, Expected::Error);
        assert_eq!(fixture.settings.build_args["A"], "1");
    }

    #[test]
    fn a_setting_that_nobody_knows_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("build.toml"), "platform = \"arm64\"\n").unwrap();
        assert!(matches!(Fixture::open(directory.path()), Err(FixtureError::Settings { .. })));
    }
}
