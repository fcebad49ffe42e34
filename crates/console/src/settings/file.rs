//! `notes.toml` as a whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::de::DeTable;

use super::{
    BuildSection, DeploySection, FileError, Located, RegistrySection,
    reader::{Reader, Source},
};

/// The name of the settings file.
pub const FILE_NAME: &str = "notes.toml";

/// `notes.toml`: the app described once, for both binaries. Each of them reads it whole, so that a misspelt key of the one is
/// found by the other.
///
/// ```
/// use notes_console::settings::NotesFile;
///
/// let error = NotesFile::parse("notes.toml", "[build]\ndockerfil = \"Dockerfile\"\n").unwrap_err();
/// assert_eq!(error.to_string(), "unknown key `build.dockerfil` in `notes.toml` line 2");
/// assert_eq!(error.hint().unwrap(), "did you mean `dockerfile`?");
/// ```
#[derive(Clone, Debug, Default)]
pub struct NotesFile {
    /// The directory it was found in, to which its paths are relative; `None` without a file.
    pub directory: Option<PathBuf>,
    /// `image`: the repository that is pushed to and deployed from, without tag.
    pub image: Option<Located<String>>,
    /// `[build]`.
    pub build: BuildSection,
    /// `[deploy]`.
    pub deploy: DeploySection,
    /// `[registry]`.
    pub registry: RegistrySection,
}

impl NotesFile {
    /// Parses the text of a settings file that errors call `name`.
    ///
    /// # Errors
    ///
    /// When it is not TOML, has an unknown key, or a value of the wrong kind.
    pub fn parse(name: &str, text: &str) -> Result<Self, FileError> {
        let file: Arc<str> = name.into();
        let source = Source { file: &file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            FileError::Syntax {
                place: source.place(span.clone()),
                message: error.message().into(),
                excerpt: source.excerpt(span).into(),
            }
        })?;
        let mut root = Reader::new(source, table.get_ref());
        let notes = Self {
            directory: None,
            image: root.value("image")?,
            build: BuildSection::read(root.section("build")?)?,
            deploy: DeploySection::read(root.section("deploy")?)?,
            registry: RegistrySection::read(root.section("registry")?)?,
        };
        root.finish()?;
        Ok(notes)
    }

    /// Reads the file at `name`, which is relative to `current` and what errors call it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, and those of [`NotesFile::parse`].
    pub fn read(current: &Path, name: &Path) -> Result<Self, FileError> {
        let path = current.join(name);
        let text = fs::read_to_string(&path)
            .map_err(|source| FileError::Read { path: name.into(), source })?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let notes = Self::parse(&name.display().to_string(), &text)?;
        Ok(Self { directory: Some(directory.unwrap_or(Path::new(".")).into()), ..notes })
    }

    /// Reads the nearest file from `start` upwards, not beyond `root`; without one, all settings are open.
    ///
    /// # Errors
    ///
    /// Those of [`NotesFile::read`].
    pub fn find(start: &Path, root: &Path) -> Result<Self, FileError> {
        let mut name = PathBuf::from(FILE_NAME);
        for directory in start.ancestors() {
            match fs::symlink_metadata(directory.join(FILE_NAME)) {
                Ok(_) => return Self::read(start, &name),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(FileError::Read { path: name, source }),
            }
            if directory == root {
                break;
            }
            name = Path::new("..").join(name);
        }
        Ok(Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, Kind, Ui, ui};

    /// The example of DESIGN.md and the README.
    const EXAMPLE: &str = r#"
image = "docker.io/USER/notes-app-k8s"

[build]
dockerfile = "Dockerfile"

[deploy]
name = "notes-app"
namespace = "notesapp"
replicas = 2
port = 8000
service = "notes-app-service"
# manifests = "k8s/"      bring your own instead of the rendered ones
"#;

    fn report(text: &str) -> String {
        let error = NotesFile::parse("notes.toml", text).unwrap_err();
        let (ui, said) = Ui::recording(ui::Options::default());
        let (hint, excerpt) = (error.hint(), error.excerpt().cloned());
        ui.report(&Failure::new(Kind::Configuration, error).with_hints(hint).with_excerpt(excerpt));
        said.text()
    }

    #[test]
    fn the_example_reads() {
        let notes = NotesFile::parse("notes.toml", EXAMPLE).unwrap();
        assert_eq!(notes.image.unwrap().value, "docker.io/USER/notes-app-k8s");
        assert_eq!(notes.deploy.replicas.unwrap().value, 2);
        let service = notes.deploy.service.unwrap();
        assert_eq!((service.value.as_str(), service.place.line), ("notes-app-service", 12));
    }

    #[test]
    fn a_misspelt_key_is_shown_with_its_line_and_the_right_one() {
        insta::assert_snapshot!(report("image = \"a\"\n[deploy]\nreplica = 2\n"), @r"
        error: unknown key `deploy.replica` in `notes.toml` line 3
         --> notes.toml:3:1
          |
        3 | replica = 2
          | ^^^^^^^
        hint: did you mean `replicas`?
        ");
    }

    #[test]
    fn a_value_of_another_kind_is_shown_with_what_is_needed() {
        insta::assert_snapshot!(report("[deploy]\nreplicas = \"two\"\n"), @r#"
        error: `deploy.replicas` in `notes.toml` line 2 is `two`, not a number from 0 to 4294967295
         --> notes.toml:2:12
          |
        2 | replicas = "two"
          |            ^^^^^
        "#);
        insta::assert_snapshot!(report("deploy = 1"), @r"
        error: `deploy` in `notes.toml` line 1 is `1`, not a table
         --> notes.toml:1:10
          |
        1 | deploy = 1
          |          ^
        ");
    }

    #[test]
    fn what_is_not_toml_is_shown_with_its_line() {
        insta::assert_snapshot!(report("image = docker.io"), @r"
        error: `notes.toml` line 1 is not TOML: string values must be quoted, expected literal string
         --> notes.toml:1:9
          |
        1 | image = docker.io
          |         ^^^^^^^^^
        ");
    }
}
