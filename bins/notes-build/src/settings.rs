//! What is to be done, resolved: flag over environment over file over default, each value with its origin.

mod pairs;
mod paths;
mod platforms;
mod references;
mod sources;
mod written;

use std::{
    fmt,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use notes_console::{
    Environment, Failure, Kind,
    settings::{Candidates, List, Seconds, Setting, Table},
};
use notes_sandbox::Isolation;

use crate::{
    caches, cli::BuildArguments, contexts, dockerfile::Location, output::Output, project::Project,
    secrets, ssh,
};

pub(crate) use pairs::Pairs;
pub(crate) use paths::store;
pub(crate) use platforms::Platforms;

use pairs::{build_arguments, named, pairs};
use paths::Paths;
use sources::Sources;

/// The settings of a build.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The repository that is pushed to.
    pub(crate) image: Setting<Option<String>>,
    /// The Dockerfile.
    pub(crate) dockerfile: Setting<Location>,
    /// The build context, below the repository's root.
    pub(crate) context: Setting<PathBuf>,
    /// The stage.
    pub(crate) target: Setting<Option<String>>,
    /// The platforms.
    pub(crate) platforms: Setting<Platforms>,
    /// How many digits of the commit the tag has.
    pub(crate) tag_length: Setting<u8>,
    /// Further tags.
    pub(crate) tags: Setting<List>,
    /// Build arguments.
    pub(crate) arguments: Setting<Pairs>,
    /// Labels, beside those of the commit.
    pub(crate) labels: Setting<Pairs>,
    /// Annotations, by type and name.
    pub(crate) annotations: Setting<Pairs>,
    /// Secrets: from where, not what.
    pub(crate) secrets: Setting<Many<secrets::Source>>,
    /// SSH agents.
    pub(crate) agents: Setting<Many<ssh::Agent>>,
    /// Further contexts.
    pub(crate) contexts: Setting<Many<contexts::Named>>,
    /// The store.
    pub(crate) store: Setting<PathBuf>,
    /// Caches that are read.
    pub(crate) cache_from: Setting<Many<caches::Source>>,
    /// Caches that are written.
    pub(crate) cache_to: Setting<Many<caches::Target>>,
    /// How RUN is isolated; `None` is the best there is.
    pub(crate) isolation: Setting<Option<Isolation>>,
    /// How long one RUN may take.
    pub(crate) run_timeout: Setting<Option<Seconds>>,
    /// Mirrors.
    pub(crate) mirrors: Setting<List>,
    /// Registries that are spoken to in plain HTTP.
    pub(crate) insecure: Setting<List>,
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
        let sources = Sources { project, arguments, environment };
        let paths = Paths { project, environment, current };
        let context = paths.context(arguments.context.as_deref(), build.context.as_ref())?;
        let dockerfile = paths.dockerfile(
            arguments.file.as_deref(),
            build.dockerfile.as_ref(),
            &context.value,
        )?;
        Ok(Self {
            image: sources.image()?,
            target: sources.target()?,
            platforms: sources.platforms()?,
            tag_length: sources.tag_length()?,
            tags: sources.tags(),
            arguments: pairs(
                "build.args",
                "--build-arg",
                &build_arguments(&arguments.build_arguments, environment)?,
                build.args.as_ref(),
            ),
            labels: pairs(
                "build.labels",
                "--label",
                &named("--label", &arguments.labels)?,
                build.labels.as_ref(),
            ),
            annotations: pairs(
                "build.annotations",
                "--annotation",
                &named("--annotation", &arguments.annotations)?,
                build.annotations.as_ref(),
            ),
            secrets: many("build.secrets", "--secret", &arguments.secrets, |text| {
                secrets::Source::parse(text, environment, current)
            })?,
            agents: many("build.ssh", "--ssh", &arguments.agents, |text| {
                ssh::Agent::parse(text, environment, current)
            })?,
            contexts: many("build.contexts", "--build-context", &arguments.contexts, |text| {
                contexts::Named::parse(text, current)
            })?,
            store: store(arguments.store.as_deref(), build.store.as_ref(), environment, current)?,
            cache_from: sources.cache_from()?,
            cache_to: sources.cache_to()?,
            isolation: sources.isolation()?,
            run_timeout: sources.run_timeout()?,
            mirrors: sources.mirrors()?,
            insecure: sources.insecure()?,
            context,
            dockerfile,
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
        table.add(&self.dockerfile);
        table.add_optional(&self.target);
        table.add(&self.platforms);
        table.add(&self.tag_length);
        table.add(&self.tags);
        table.add(&self.arguments);
        table.add(&self.labels);
        table.add(&self.annotations);
        table.add(&self.secrets);
        table.add(&self.agents);
        table.add(&self.contexts);
        table.add(&path(&self.store));
        table.add(&self.cache_from);
        table.add(&self.cache_to);
        table.add_optional(&self.isolation);
        table.add_optional(&self.run_timeout);
        table.add(&self.mirrors);
        table.add(&self.insecure);
        table
    }
}

/// Several values of one flag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<T> Many<T> {
    fn parse(
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<Self, Failure> {
        texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: fmt::Display> fmt::Display for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}

/// Reads what is given by flags alone.
fn many<T>(
    key: &'static str,
    flag: &'static str,
    given: &[String],
    parse: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Setting<Many<T>>, Failure> {
    let values = Some(Many::parse(given, parse)?).filter(|values| !values.0.is_empty());
    Ok(Candidates::new(key).flag(flag, values).or(Many(Vec::new())))
}

/// Reads the outputs; none means the registry.
pub(crate) fn outputs(
    arguments: &BuildArguments,
    platforms: &Platforms,
    current: &Path,
) -> Result<Vec<Output>, Failure> {
    let outputs = arguments.outputs.iter().map(|text| Output::parse(text, current));
    let outputs: Vec<_> = outputs.collect::<Result<_, _>>()?;
    check_outputs(&outputs, platforms)?;
    Ok(match (outputs.is_empty(), arguments.no_push) {
        (true, false) => vec![Output::Registry],
        (_, true) => outputs.into_iter().filter(|output| *output != Output::Registry).collect(),
        (false, false) => outputs,
    })
}

fn check_outputs(outputs: &[Output], platforms: &Platforms) -> Result<(), Failure> {
    let usage = |message: &str, hint: &str| {
        Err(Failure::message(Kind::Usage, message).with_hint(hint.to_owned()))
    };
    let docker = |output: &Output| matches!(output, Output::DockerArchive(_));
    if platforms.are_several() && outputs.iter().any(docker) {
        return usage(
            "`--output type=docker` holds one platform, and several are built",
            "write `type=oci`, which holds them all, or name one platform",
        );
    }
    match outputs.iter().filter(|output| output.is_stdout()).count() {
        1 if io::stdout().is_terminal() => usage(
            "an archive was to be written to stdout, which is a terminal",
            "redirect it, or name a file with `dest=FILE`",
        ),
        0 | 1 => Ok(()),
        _ => usage("two archives cannot share stdout", "name a file for one: `dest=FILE`"),
    }
}
