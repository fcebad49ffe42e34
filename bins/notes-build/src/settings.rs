//! What is to be done, resolved: flag over environment over file over default, each value with its origin.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use notes_console::{
    Environment, Failure, Kind, Variable, environment,
    settings::{Candidates, FromText, List, Located, Place, Seconds, Setting, Table},
};
use notes_gitinfo::SHORT_LENGTH;
use notes_oci::{Platform, Reference, Tag};
use notes_sandbox::Isolation;

use crate::{
    cli::BuildArguments,
    failure,
    output::Output,
    project::{Project, missing_settings},
};

/// The settings of a build.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The repository that is pushed to.
    pub(crate) image: Setting<Option<String>>,
    /// The Dockerfile, below the repository's root.
    pub(crate) dockerfile: Setting<PathBuf>,
    /// The build context, below the repository's root.
    pub(crate) context: Setting<PathBuf>,
    /// The stage.
    pub(crate) target: Setting<Option<String>>,
    /// The platform.
    pub(crate) platform: Setting<Platform>,
    /// How many digits of the commit the tag has.
    pub(crate) tag_length: Setting<u8>,
    /// Further tags.
    pub(crate) tags: Setting<List>,
    /// Build arguments.
    pub(crate) arguments: Setting<Pairs>,
    /// Labels, beside those of the commit.
    pub(crate) labels: Setting<Pairs>,
    /// The store.
    pub(crate) store: Setting<PathBuf>,
    /// How RUN is isolated; `None` is the best there is.
    pub(crate) isolation: Setting<Option<Isolation>>,
    /// How long one RUN may take.
    pub(crate) run_timeout: Setting<Option<Seconds>>,
    /// Mirrors.
    pub(crate) mirrors: Setting<List>,
    /// Registries that are spoken to in plain HTTP.
    pub(crate) insecure: Setting<List>,
}

/// Names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) BTreeMap<String, String>);

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&pairs.join(", "))
    }
}

impl Settings {
    /// Resolves the settings of `project`.
    pub(crate) fn resolve(
        project: &Project,
        arguments: &BuildArguments,
        environment: &Environment,
        current: &Path,
    ) -> Result<Self, Failure> {
        let build = &project.notes.build;
        let registry = &project.notes.registry;
        let paths = Paths { project, environment, current };
        let context = paths.resolve(
            Candidates::new("build.context"),
            ("--context", arguments.context.as_deref()),
            environment::NOTES_BUILD_CONTEXT,
            build.context.as_ref(),
            project.inside(&project.directory, Path::new(""))?,
        )?;
        let dockerfile = paths.resolve(
            Candidates::new("build.dockerfile"),
            ("--file", arguments.file.as_deref()),
            environment::NOTES_BUILD_DOCKERFILE,
            build.dockerfile.as_ref(),
            context.value.join("Dockerfile"),
        )?;
        let text = |key, flag, value: &Option<String>, variable, file: &Option<Located<String>>| {
            let candidates = Candidates::new(key).flag(flag, value.clone()).file(file.clone());
            candidates.environment(environment, variable).map_err(failure::variable)
        };
        let platform = text(
            "build.platform",
            "--platform",
            &arguments.platform,
            environment::NOTES_BUILD_PLATFORM,
            &build.platform,
        )?
        .or(Platform::native().to_string())
        .try_map(|platform| platform.parse())
        .map_err(|error: notes_oci::PlatformError| Failure::new(Kind::Usage, error))?;
        let isolation = text(
            "build.isolation",
            "--isolation",
            &arguments.isolation,
            environment::NOTES_BUILD_ISOLATION,
            &build.isolation,
        )?
        .optional()
        .try_map(|name| name.map(|name| name.parse()).transpose())
        .map_err(|error: notes_sandbox::UnknownIsolation| Failure::new(Kind::Usage, error))?;
        Ok(Self {
            image: text(
                "image",
                "--image",
                &arguments.image,
                environment::NOTES_IMAGE,
                &project.notes.image,
            )?
            .derived(
                environment::CI_REGISTRY_IMAGE.name,
                environment.value(environment::CI_REGISTRY_IMAGE).map(str::to_lowercase),
            )
            .optional(),
            target: text(
                "build.target",
                "--target",
                &arguments.target,
                environment::NOTES_BUILD_TARGET,
                &build.target,
            )?
            .optional(),
            tag_length: tag_length(project, arguments, environment)?,
            tags: list("build.tags", "--tag", &arguments.tags)
                .file(build.tags.clone())
                .or(List::default()),
            arguments: pairs(
                "build.args",
                "--build-arg",
                &build_arguments(&arguments.build_arguments, environment)?,
                build.args.as_ref(),
            ),
            labels: pairs(
                "build.labels",
                "--label",
                &labels(&arguments.labels)?,
                build.labels.as_ref(),
            ),
            store: store(arguments.store.as_deref(), build.store.as_ref(), environment, current)?,
            mirrors: list("registry.mirrors", "--mirror", &arguments.mirrors)
                .environment(environment, environment::NOTES_MIRRORS)
                .map_err(failure::variable)?
                .file(registry.mirrors.clone())
                .or(List::default()),
            insecure: list("registry.insecure", "--insecure-registry", &arguments.insecure)
                .environment(environment, environment::NOTES_INSECURE_REGISTRIES)
                .map_err(failure::variable)?
                .file(registry.insecure.clone())
                .or(List::default()),
            run_timeout: Candidates::new("build.run-timeout")
                .flag("--run-timeout", arguments.run_timeout)
                .environment(environment, environment::NOTES_BUILD_RUN_TIMEOUT)
                .map_err(failure::variable)?
                .file(build.run_timeout.clone())
                .optional(),
            context,
            dockerfile,
            platform,
            isolation,
        })
    }

    /// Returns how long one RUN may take.
    pub(crate) fn run_timeout(&self) -> Option<Duration> {
        self.run_timeout.value.map(Seconds::duration).filter(|timeout| !timeout.is_zero())
    }

    /// Returns the rows of `config show`.
    pub(crate) fn table(&self, project: &Project) -> Table {
        let path = |setting: &Setting<PathBuf>| Setting {
            key: setting.key,
            value: if setting.value.as_os_str().is_empty() {
                ".".into()
            } else {
                setting.value.display().to_string()
            },
            origin: setting.origin.clone(),
        };
        let mut table = Table::default();
        table.add(&project.commit);
        table.add_optional(&self.image);
        table.add(&path(&self.context));
        table.add(&path(&self.dockerfile));
        table.add_optional(&self.target);
        table.add(&self.platform);
        table.add(&self.tag_length);
        table.add(&self.tags);
        table.add(&self.arguments);
        table.add(&self.labels);
        table.add(&path(&self.store));
        table.add_optional(&self.isolation);
        table.add_optional(&self.run_timeout);
        table.add(&self.mirrors);
        table.add(&self.insecure);
        table
    }

    /// Returns where the image goes: its repository with the commit's tag, then the further tags.
    ///
    /// Where nothing is pushed an image needs no repository, and is called after its directory.
    pub(crate) fn references(
        &self,
        project: &Project,
        tag: &str,
    ) -> Result<Vec<Reference>, Failure> {
        let name = match &self.image.value {
            Some(name) => name.clone(),
            None => return Err(no_image(project)),
        };
        named_references(&name, tag, &self.tags.value.0)
    }

    /// Returns what the image is called in a file, where no repository is needed.
    pub(crate) fn local_references(
        &self,
        project: &Project,
        tag: &str,
    ) -> Result<Vec<Reference>, Failure> {
        let directory = project.root.join(&self.context.value);
        let fallback = directory.file_name().map_or_else(
            || "image".into(),
            |name| {
                let name = name.to_string_lossy().to_lowercase();
                name.chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                    .collect::<String>()
            },
        );
        let fallback = format!("localhost/{}", fallback.trim_matches('-'));
        let name = self.image.value.as_deref().unwrap_or(&fallback);
        named_references(name, tag, &self.tags.value.0)
    }
}

fn no_image(project: &Project) -> Failure {
    let hint = missing_settings(project).unwrap_or_else(|| {
        "set `image` in notes.toml, `--image` or `NOTES_IMAGE`; `--no-push` and `--output` need none".into()
    });
    Failure::message(Kind::Configuration, "there is no name to push the image under")
        .with_hint(hint)
}

fn named_references(name: &str, tag: &str, further: &[String]) -> Result<Vec<Reference>, Failure> {
    let repository: Reference = name.parse().map_err(failure::reference)?;
    // `host:port/name` has a colon too; what a tag would follow is behind the last slash.
    if name.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
        let message = format!("`{name}` has a tag or a digest; the image's name is a repository");
        return Err(Failure::message(Kind::Configuration, message)
            .with_hint("the tag is the commit's; add others with `--tag`"));
    }
    let mut references = vec![repository.with_tag(tag.parse::<Tag>().map_err(failure::reference)?)];
    for further in further {
        // A bare word is a tag of the same repository; anything else is a name of its own.
        references.push(match further.parse::<Tag>() {
            Ok(tag) => repository.with_tag(tag),
            Err(_) => further.parse().map_err(failure::reference)?,
        });
    }
    Ok(references)
}

/// Resolves settings that are paths: a flag and a variable are relative to here, the file's value to the file.
struct Paths<'a> {
    project: &'a Project,
    environment: &'a Environment,
    current: &'a Path,
}

impl Paths<'_> {
    fn resolve(
        &self,
        candidates: Candidates<PathBuf>,
        (name, flag): (&'static str, Option<&Path>),
        variable: Variable,
        file: Option<&Located<String>>,
        default: PathBuf,
    ) -> Result<Setting<PathBuf>, Failure> {
        let here = |path: &Path| self.project.inside(self.current, path);
        let text = Candidates::<String>::new("").environment(self.environment, variable);
        let from_variable = text.map_err(failure::variable)?.optional();
        let in_file = |located: &Located<String>| {
            let path = self.project.inside(&self.project.directory, Path::new(&located.value))?;
            Ok::<_, Failure>(Located { value: path, place: located.place.clone() })
        };
        let resolved =
            candidates.flag(name, flag.map(here).transpose()?).file(file.map(in_file).transpose()?);
        Ok(match (flag, from_variable) {
            (None, Setting { value: Some(path), origin, key: _ }) => {
                let key = resolved.or(PathBuf::new()).key;
                Setting { key, value: here(Path::new(&path))?, origin }
            }
            _ => resolved.or(default),
        })
    }
}

fn tag_length(
    project: &Project,
    arguments: &BuildArguments,
    environment: &Environment,
) -> Result<Setting<u8>, Failure> {
    let default = u8::try_from(SHORT_LENGTH).expect("seven fits");
    Candidates::new("build.tag-length")
        .flag("--tag-length", arguments.tag_length)
        .environment(environment, environment::NOTES_BUILD_TAG_LENGTH)
        .map_err(failure::variable)
        .map(|candidates| candidates.file(project.notes.build.tag_length.clone()).or(default))
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

fn list(key: &'static str, flag: &'static str, values: &[String]) -> Candidates<List> {
    let given = (!values.is_empty()).then(|| List(values.to_vec()));
    Candidates::new(key).flag(flag, given)
}

/// Merges a table of the file with what flags add to it or change in it.
fn pairs(
    key: &'static str,
    flag: &'static str,
    given: &BTreeMap<String, String>,
    file: Option<&Located<BTreeMap<String, String>>>,
) -> Setting<Pairs> {
    let mut merged = file.map(|located| located.value.clone()).unwrap_or_default();
    merged.extend(given.clone());
    let place = file.map(|located| located.place.clone());
    Candidates::new(key)
        .flag(flag, (!given.is_empty()).then(|| Pairs(merged.clone())))
        .file(place.map(|place: Place| Located { value: Pairs(merged), place }))
        .or(Pairs::default())
}

fn build_arguments(
    given: &[String],
    environment: &Environment,
) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|argument| {
            if let Some((name, value)) = argument.split_once('=') {
                return Ok((name.into(), value.into()));
            }
            let value =
                environment.named(argument).and_then(String::from_text).ok_or_else(|| {
                    let message = format!(
                        "`--build-arg {argument}` has no value and the environment has none"
                    );
                    Failure::message(Kind::Usage, message)
                        .with_hint(format!("write `--build-arg {argument}=VALUE`"))
                })?;
            Ok((argument.clone(), value))
        })
        .collect()
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|label| {
            let (name, value) = label.split_once('=').ok_or_else(|| {
                Failure::message(Kind::Usage, format!("`--label {label}` has no value"))
                    .with_hint(format!("write `--label {label}=VALUE`"))
            })?;
            Ok((name.into(), value.into()))
        })
        .collect()
}

/// Reads the outputs; none means the registry.
pub(crate) fn outputs(arguments: &BuildArguments, current: &Path) -> Result<Vec<Output>, Failure> {
    let outputs = arguments.outputs.iter().map(|text| Output::parse(text, current));
    let outputs: Vec<_> = outputs.collect::<Result<_, _>>()?;
    Ok(match (outputs.is_empty(), arguments.no_push) {
        (true, false) => vec![Output::Registry],
        (_, true) => outputs.into_iter().filter(|output| *output != Output::Registry).collect(),
        (false, false) => outputs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_the_first_tag_and_words_are_further_ones() {
        let further = ["latest".to_owned(), "ghcr.io/other/app:v1".to_owned()];
        let references = named_references("docker.io/user/app", "a3f92bd", &further).unwrap();
        let texts: Vec<_> = references.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["docker.io/user/app:a3f92bd", "docker.io/user/app:latest", "ghcr.io/other/app:v1"]
        );
        assert!(named_references("localhost:5000/app", "a3f92bd", &[]).is_ok());
        let failure = named_references("user/app:latest", "a3f92bd", &[]).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "`user/app:latest` has a tag or a digest; the image's name is a repository"
        );
        let failure = named_references("docker.io/USER/app", "a3f92bd", &[]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
    }

    #[test]
    fn flags_add_to_the_tables_of_the_file() {
        let file = Located {
            value: [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())].into(),
            place: Place { file: "notes.toml".into(), line: 4 },
        };
        let merged =
            pairs("build.args", "--build-arg", &[("B".into(), "3".into())].into(), Some(&file));
        assert_eq!(
            (merged.value.to_string(), merged.origin.to_string()),
            ("A=1, B=3".into(), "--build-arg".into())
        );
        let alone = pairs("build.args", "--build-arg", &BTreeMap::new(), Some(&file));
        assert_eq!(alone.origin.to_string(), "notes.toml:4");
    }
}
