//! `notes-build`: from a commit to a pushed image.

mod engine;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use notes_console::{Failure, Kind, Session, Ui, print_result, signal};
use notes_dockerfile::Dockerfile;
use notes_gitinfo::Worktree;
use notes_image::{Plan, build::Reuse, tree::Tree};
use notes_oci::{Digest, Platform, Reference};
use notes_registry::Retag;
use notes_sandbox::Secret;

use crate::{
    annotations::Annotations,
    block_on,
    caches::{self, Caches},
    cli::BuildArguments,
    context,
    contexts::Contexts,
    dockerfile,
    failure::{self, Source},
    handover::Handover,
    output::Output,
    project::{Files, Project},
    reporter::Elapsed,
    secrets,
    settings::{self, Settings},
    ssh, whole,
    writing::Writing,
};
use engine::Made;

pub(super) use engine::Engine;

/// A build whose input is known and right: what is left can only fail while it works.
pub(super) struct Job {
    pub(super) project: Project,
    pub(super) settings: Settings,
    text: String,
    /// One per platform, in the order they were named.
    plans: Vec<Plan>,
    context: Arc<dyn Tree>,
    ignore: String,
    contexts: Contexts,
    /// The files of those contexts that are directories.
    trees: BTreeMap<String, Arc<dyn Tree>>,
    secrets: BTreeMap<String, Secret>,
    agents: BTreeMap<String, PathBuf>,
    annotations: Annotations,
    outputs: Vec<Output>,
    caches: Vec<caches::Target>,
    handover: Handover,
    references: Vec<Reference>,
    pub(super) tag: String,
    retag: Retag,
    pub(super) reuse: Reuse,
    /// Bases whose digest is fixed, by their names.
    pub(super) bases: BTreeMap<String, Digest>,
}

/// Builds, writes and hands over.
pub(crate) fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let job = Job::prepare(session, arguments)?;
    let mut engine = Engine::enter(session, &job.settings, job.retag)?;
    session.ui.detail(format_args!(
        "isolation {}: {}",
        engine.sandbox.isolation(),
        engine.sandbox.probe().reason
    ));
    let sources = &job.settings.cache_from.value.0;
    engine.caches = (!sources.is_empty())
        .then(|| Arc::new(Caches::new(&engine.remote, sources.clone(), session.ui.clone())));
    let cancel = engine.cancel.clone();
    let work = job.carry_out(session, engine, started);
    block_on(signal::unless_stopped(work, move || cancel.cancel()))
}

impl Job {
    pub(super) fn prepare(session: &Session, arguments: &BuildArguments) -> Result<Self, Failure> {
        arguments.docker.refuse()?;
        let Session { ui, environment, current } = session;
        let project = Project::open(arguments, environment, current)?;
        let settings = Settings::resolve(&project, arguments, environment, current)?;
        let platforms = &settings.platforms.value;
        let annotations = Annotations::of(&settings.annotations.value, platforms)?;
        let outputs = settings::outputs(arguments, platforms, current)?;
        for path in outputs.iter().filter_map(Output::file) {
            whole::check(path).map_err(|error| failure::path(path, error))?;
        }
        let handover = Handover::of(arguments, current)?;
        let secrets = secrets::read(&settings.secrets.value.0, environment)?;
        let agents = ssh::sockets(&settings.agents.value.0)?;
        let contexts = Contexts::of(&settings.contexts.value.0)?;
        let state = worktree(ui, &project)?;
        let tag = tag(&project, &settings, state)?;
        let references = if outputs.contains(&Output::Registry) {
            settings.references(&project, &tag)?
        } else {
            settings.local_references(&project, &tag)?
        };
        let caches = settings.written_caches(arguments, &references)?;
        let location = &settings.dockerfile.value;
        let text = dockerfile::read(&project, location)?;
        let commit = match state {
            State::Committed => project.revision.commit.to_string(),
            State::Dirty => format!("{}-dirty", project.revision.commit),
        };
        let plans = plans(session, &settings, &contexts, &text, &commit)?;
        let directory = &settings.context.value;
        let context = context::open(&project, directory, location)?;
        let ignore = context::ignore_file(&project, directory, location)?.map(|(name, _)| name);
        let ignore = ignore.unwrap_or_default();
        // The tag of files that are not committed names nothing fixed, and may move.
        let moves = arguments.allow_retag || state == State::Dirty;
        let retag = if moves { Retag::Allow } else { Retag::Refuse };
        let reuse = if arguments.no_cache { Reuse::Nothing } else { Reuse::Cache };
        Ok(Self {
            project,
            settings,
            text,
            plans,
            context,
            ignore,
            trees: contexts.trees()?,
            contexts,
            secrets,
            agents,
            annotations,
            outputs,
            caches,
            handover,
            references,
            tag,
            retag,
            reuse,
            bases: BTreeMap::new(),
        })
    }

    async fn carry_out(
        self,
        session: &Session,
        mut engine: Engine,
        started: Instant,
    ) -> Result<(), Failure> {
        let ui = &session.ui;
        let made = loop {
            let failure = match self.produce(&engine, ui, started).await {
                Ok(made) => match self.write(&engine, &made, ui).await {
                    Ok(()) => break made,
                    Err(failure)
                        if engine.caches.is_some() && failure::is_about_a_layer(&failure) =>
                    {
                        let text = format_args!("building again without a build cache: {failure}");
                        ui.warning(text);
                        engine.caches = None;
                        continue;
                    }
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            if !self.may_repeat(&failure) || !engine.repair(ui).await? {
                return Err(failure);
            }
        };
        self.handover.write(&self.project, &made.product, &self.references)?;
        self.write_caches(&engine, &made, ui).await?;
        let pinned = self.references[0].pin(made.product.digest());
        if self.outputs.iter().any(Output::is_stdout) {
            // What asked for an archive there would take a line for a part of it.
            ui.step("Image", pinned);
            return Ok(());
        }
        print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))
    }

    async fn produce(&self, engine: &Engine, ui: &Ui, started: Instant) -> Result<Made, Failure> {
        let made = engine.build(self, ui).await?;
        engine::summarize(ui, &made.product, Elapsed(started.elapsed()));
        engine.record(self, &made);
        Ok(made)
    }

    /// Tells whether a failure can come from the store, and nothing was written yet that cannot be taken back. A registry refuses
    /// a damaged blob as it does one that was damaged on the way.
    fn may_repeat(&self, failure: &Failure) -> bool {
        let of_blobs = matches!(failure.kind(), Kind::Internal | Kind::Network);
        of_blobs && !self.outputs.iter().any(Output::is_stdout)
    }

    async fn write(&self, engine: &Engine, made: &Made, ui: &Ui) -> Result<(), Failure> {
        let writing = Writing {
            ui,
            product: &made.product,
            references: &self.references,
            remote: &engine.remote,
            store: &engine.store,
        };
        for output in &self.outputs {
            writing.write(output).await?;
        }
        Ok(())
    }

    async fn write_caches(&self, engine: &Engine, made: &Made, ui: &Ui) -> Result<(), Failure> {
        let is_pushed = self.outputs.contains(&Output::Registry);
        let writer = caches::Writer {
            ui,
            remote: &engine.remote,
            product: &made.product,
            index: &made.index,
            mounts: &made.mounts(),
            store: &engine.store,
            caches: engine.caches.as_deref(),
            pushed: if is_pushed { &self.references } else { &[] },
        };
        for target in &self.caches {
            writer.write(target).await?;
        }
        Ok(())
    }
}

/// Plans the build for each platform.
fn plans(
    session: &Session,
    settings: &Settings,
    contexts: &Contexts,
    text: &str,
    commit: &str,
) -> Result<Vec<Plan>, Failure> {
    let name = settings.dockerfile.value.to_string();
    let source = Source { name: &name, text };
    let parsed = Dockerfile::parse(text).map_err(|error| source.parse(&error))?;
    let mut plans: Vec<Plan> = Vec::new();
    for platform in settings.platforms.value.iter() {
        let environment = &session.environment;
        let options = dockerfile::plan_options(settings, environment, contexts, platform, commit);
        let mut plan = Plan::new(&parsed, &options).map_err(|error| source.plan(error))?;
        plan.check_commands(&Platform::native()).map_err(|error| source.plan(error))?;
        if !plans.is_empty() {
            // Every platform has the same arguments: one warning about each is enough.
            plan.unused_arguments.clear();
        }
        plans.push(plan);
    }
    Ok(plans)
}

/// Whether the files that are built are those of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Committed,
    Dirty,
}

/// Says what is built, and what lies beside it and is not.
fn worktree(ui: &Ui, project: &Project) -> Result<State, Failure> {
    let revision = &project.revision;
    let branch = revision.branch.as_ref().map(|branch| format!(" on {branch}")).unwrap_or_default();
    ui.step("Building", format_args!("{}{branch}: {}", project.source(), revision.subject));
    let state =
        project.repository.worktree().map_err(|error| Failure::new(Kind::Internal, error))?;
    let Worktree::Dirty(changes) = state else { return Ok(State::Committed) };
    Ok(match project.files {
        Files::Commit(_) => {
            ui.warning(format_args!("not in the image, since not committed: {changes}"));
            State::Committed
        }
        Files::Worktree => {
            ui.warning(format_args!("in the image although not committed: {changes}"));
            State::Dirty
        }
    })
}

/// Returns the tag of the commit.
fn tag(project: &Project, settings: &Settings, state: State) -> Result<String, Failure> {
    let length = usize::from(settings.tag_length.value);
    let short = project
        .repository
        .abbreviate(project.revision.commit, length)
        .map_err(|error| failure::revision(error, &project.commit))?;
    Ok(match state {
        State::Committed => short,
        State::Dirty => format!("{short}-dirty"),
    })
}
