//! Settings that are paths.

use std::path::{Path, PathBuf};

use notes_console::{
    Environment, Failure, Kind, Variable, environment,
    settings::{Candidates, Located, Setting},
};

use crate::{dockerfile::Location, failure, project::Project};

/// Resolves settings that are paths: a flag and a variable are relative to here, the file's value to the file.
pub(super) struct Paths<'a> {
    pub(super) project: &'a Project,
    pub(super) environment: &'a Environment,
    pub(super) current: &'a Path,
}

impl Paths<'_> {
    /// Returns the directory of the build context.
    pub(super) fn context(
        &self,
        flag: Option<&Path>,
        file: Option<&Located<String>>,
    ) -> Result<Setting<PathBuf>, Failure> {
        let default = self.project.inside(&self.project.directory, Path::new(""))?;
        self.resolve(
            Candidates::new("build.context"),
            ("--context", flag),
            environment::NOTES_BUILD_CONTEXT,
            (file, |path| path),
            |path| self.project.inside(self.current, path),
            default,
        )
    }

    /// Returns where the Dockerfile is. The settings file names one beside it; a person may name any, or write it in.
    pub(super) fn dockerfile(
        &self,
        flag: Option<&Path>,
        file: Option<&Located<String>>,
        context: &Path,
    ) -> Result<Setting<Location>, Failure> {
        self.resolve(
            Candidates::new("build.dockerfile"),
            ("--file", flag),
            environment::NOTES_BUILD_DOCKERFILE,
            (file, Location::Project),
            |path| self.locate(path),
            Location::Project(context.join("Dockerfile")),
        )
    }

    fn locate(&self, path: &Path) -> Result<Location, Failure> {
        if path == Path::new("-") {
            return Ok(Location::Stdin);
        }
        let whole = self.current.join(path);
        match (self.project.inside(self.current, path), whole.is_file()) {
            (Ok(inside), _) => Ok(Location::Project(inside)),
            (Err(_), true) => Ok(Location::Outside(whole)),
            (Err(_), false) => {
                let message = format!("there is no Dockerfile `{}`", path.display());
                Err(Failure::message(Kind::Configuration, message)
                    .with_hint("it is outside of the repository, and was looked for on the disk"))
            }
        }
    }

    /// Finds the strongest of a flag, a variable and the settings file; `here` reads what the first two say.
    fn resolve<T>(
        &self,
        candidates: Candidates<T>,
        (name, flag): (&'static str, Option<&Path>),
        variable: Variable,
        (file, in_file): (Option<&Located<String>>, impl Fn(PathBuf) -> T),
        here: impl Fn(&Path) -> Result<T, Failure>,
        default: T,
    ) -> Result<Setting<T>, Failure> {
        let text = Candidates::<String>::new("").environment(self.environment, variable);
        let from_variable = text.map_err(failure::variable)?.optional();
        let in_file = |located: &Located<String>| {
            let path = self.project.inside(&self.project.directory, Path::new(&located.value))?;
            Ok::<_, Failure>(Located { value: in_file(path), place: located.place.clone() })
        };
        let from_file = file.map(in_file).transpose()?;
        let resolved = candidates.flag(name, flag.map(&here).transpose()?).file(from_file);
        Ok(match (flag, from_variable) {
            (None, Setting { value: Some(path), origin, key: _ }) => {
                let key = resolved.or(default).key;
                Setting { key, value: here(Path::new(&path))?, origin }
            }
            _ => resolved.or(default),
        })
    }
}

/// Returns where the store lies: told, or `notes` in the user's cache directory.
pub(crate) fn store(
    flag: Option<&Path>,
    file: Option<&Located<String>>,
    environment: &Environment,
    current: &Path,
) -> Result<Setting<PathBuf>, Failure> {
    let cache = environment
        .value(environment::XDG_CACHE_HOME)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(Path::new(environment.value(environment::HOME)?).join(".cache")));
    let text = |path: &Path| path.display().to_string();
    let setting = Candidates::new("build.store")
        .flag("--store", flag.map(text))
        .environment(environment, environment::NOTES_BUILD_STORE)
        .map_err(failure::variable)?
        .file(file.cloned())
        .derived("the cache directory", cache.map(|cache| text(&cache.join("notes"))))
        .optional();
    setting.try_map(|path| {
        path.map(|path| current.join(path)).ok_or_else(|| {
            Failure::message(Kind::Configuration, "there is no place for the store")
                .with_hint("set `HOME` or `XDG_CACHE_HOME`, or name a directory with `--store`")
        })
    })
}
