//! `notes-build`: from a commit to a pushed image.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use notes_console::{Failure, Kind, Session, Ui, Verbosity, print_result, signal};
use notes_dockerfile::Dockerfile;
use notes_gitinfo::{Worktree, naming};
use notes_image::{
    Plan, Store,
    build::{self, Resources, Reuse},
    tree::Tree,
};
use notes_oci::{Image, ImageIndex, Platform, Reference};
use notes_registry::{Remote, Retag};
use notes_sandbox::{Cancel, Sandbox, Secret};

use crate::{
    annotations::Annotations,
    block_on,
    cli::BuildArguments,
    context,
    contexts::Contexts,
    dockerfile,
    download::Downloads,
    failure::{self, Source},
    handover,
    output::Output,
    product::Product,
    project::{Files, Project},
    record,
    redaction::Redaction,
    registry,
    reporter::{BuildLines, Bytes, Elapsed},
    secrets,
    settings::{self, Settings},
    ssh,
    writing::Writing,
};

/// A build whose input is known and right: what is left can only fail while it works.
struct Job {
    project: Project,
    settings: Settings,
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
    references: Vec<Reference>,
    tag: String,
    retag: Retag,
    reuse: Reuse,
}

/// What a build needs of the machine.
struct Engine {
    remote: Remote,
    store: Store,
    sandbox: Sandbox,
    cancel: Cancel,
}

/// Builds, writes and hands over.
pub(crate) fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let started = Instant::now();
    let job = Job::prepare(session, arguments)?;
    let Settings { mirrors, insecure, .. } = &job.settings;
    let remote = registry::remote(session, &mirrors.value.0, &insecure.value.0, job.retag)?;
    // Before any thread: what follows may run in name spaces of its own.
    let options = notes_sandbox::Options { isolation: job.settings.isolation.value };
    let sandbox = notes_sandbox::enter(&options).map_err(failure::enter)?;
    session.ui.detail(format_args!(
        "isolation {}: {}",
        sandbox.isolation(),
        sandbox.probe().reason
    ));
    let store = Store::open(&job.settings.store.value).map_err(failure::store)?;
    let cancel = Cancel::new().map_err(|error| Failure::new(Kind::Internal, error))?;
    let engine = Engine { remote, store, sandbox, cancel: cancel.clone() };
    let work = job.carry_out(session, arguments, engine, started);
    block_on(signal::unless_stopped(work, move || cancel.cancel()))
}

impl Job {
    fn prepare(session: &Session, arguments: &BuildArguments) -> Result<Self, Failure> {
        arguments.docker.refuse()?;
        let Session { ui, environment, current } = session;
        let project = Project::open(arguments, environment, current)?;
        let settings = Settings::resolve(&project, arguments, environment, current)?;
        let platforms = &settings.platforms.value;
        let annotations = Annotations::of(&settings.annotations.value, platforms)?;
        let outputs = settings::outputs(arguments, platforms, current)?;
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
            references,
            tag,
            retag,
            reuse,
        })
    }

    async fn carry_out(
        self,
        session: &Session,
        arguments: &BuildArguments,
        engine: Engine,
        started: Instant,
    ) -> Result<(), Failure> {
        let ui = &session.ui;
        let product = self.build(ui, &engine).await?;
        summarize(ui, &product, Elapsed(started.elapsed()));
        let writing = Writing {
            ui,
            product: &product,
            references: &self.references,
            remote: &engine.remote,
            store: &engine.store,
        };
        for output in &self.outputs {
            writing.write(output).await?;
        }
        handover::write(arguments, &session.current, &self.project, &product, &self.references)?;
        let pinned = self.references[0].pin(product.digest());
        if self.outputs.iter().any(Output::is_stdout) {
            // What asked for an archive there would take a line for a part of it.
            ui.step("Image", pinned);
            return Ok(());
        }
        print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))
    }

    async fn build(&self, ui: &Ui, engine: &Engine) -> Result<Product, Failure> {
        let _section = ui.section("build", "Building the image");
        let mut images = Vec::with_capacity(self.plans.len());
        for plan in &self.plans {
            images.push(self.build_one(ui, engine, plan).await?);
        }
        if let [image] = images.as_slice() {
            return Ok(Product::Image(image.clone().into()));
        }
        let index = ImageIndex::new(images).map_err(|error| Failure::new(Kind::Usage, error))?;
        Ok(Product::Index(index.with_annotations(self.annotations.index.clone())))
    }

    async fn build_one(&self, ui: &Ui, engine: &Engine, plan: &Plan) -> Result<Image, Failure> {
        let Engine { remote, store, sandbox, cancel } = engine;
        let redaction = Redaction::of(self.secrets.values());
        let platform = (self.plans.len() > 1).then(|| plan.platform.clone());
        let images = self.contexts.images(remote.clone());
        let resources = Resources {
            sandbox: Some(sandbox.clone()),
            contexts: self.trees.clone(),
            secrets: self.secrets.clone(),
            agents: self.agents.clone(),
            cancel: cancel.clone(),
            fetch: Some(Arc::new(Downloads(remote.clone()))),
            reporter: Arc::new(BuildLines::new(ui.clone(), platform, redaction.clone())),
            ..Resources::new(Arc::clone(&self.context), images, store.clone())
        };
        let mut labels = naming::labels(&self.project.revision, &self.tag);
        labels.extend(self.settings.labels.value.0.clone());
        let options = build::Options {
            created: self.project.revision.time.as_second(),
            labels,
            annotations: self.annotations.manifest.clone(),
            run_timeout: self.settings.run_timeout(),
            reuse: self.reuse,
            ..build::Options::default()
        };
        let built = notes_image::build(plan, &resources, &options).await;
        let built = built.map_err(|error| self.failed(ui, error, &redaction))?;
        let isolation = sandbox.isolation().to_string();
        record::write(&self.settings, &self.project, &plan.platform, &built, &isolation);
        Ok(built.image)
    }

    fn failed(&self, ui: &Ui, error: build::Error, redaction: &Redaction) -> Failure {
        let unseen = ui.verbosity() == Verbosity::Quiet;
        let lines = if unseen { error.output() } else { &[] };
        let output: Vec<_> = lines.iter().map(|line| redaction.apply(line).into_owned()).collect();
        let name = self.settings.dockerfile.value.to_string();
        let source = Source { name: &name, text: &self.text };
        source.build(error, &self.ignore, &self.settings.run_timeout).with_output(output)
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

/// Says what was built.
fn summarize(ui: &Ui, product: &Product, elapsed: Elapsed) {
    let size = product.images().iter().flat_map(Image::layers).map(notes_oci::Layer::size).sum();
    let count =
        |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let parts = match product {
        Product::Image(image) => count(image.layers().len(), "layer"),
        Product::Index(index) => count(index.images().len(), "platform"),
    };
    let digest = product.digest();
    ui.step("Built", format_args!("{digest} ({parts}, {}) in {elapsed}", Bytes(size)));
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
