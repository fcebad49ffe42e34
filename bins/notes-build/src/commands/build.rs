//! `notes-build`: from a commit to a pushed image.

use std::{sync::Arc, time::Instant};

use notes_console::{Failure, Kind, Session, Ui, Verbosity, print_result, signal};
use notes_dockerfile::Dockerfile;
use notes_gitinfo::{Worktree, naming};
use notes_image::{
    Plan, Store,
    build::{self, Built, Resources, Reuse},
    tree::Tree,
};
use notes_oci::{Image, ImageSink as _, Layout, Reference};
use notes_registry::{Remote, Retag};
use notes_sandbox::{Cancel, Sandbox};

use crate::{
    archive, block_on,
    cli::BuildArguments,
    context, dockerfile,
    failure::{self, Source},
    handover,
    output::Output,
    project::{Files, Project},
    record, registry,
    reporter::{BuildLines, Bytes, Elapsed},
    settings::{self, Settings},
};

/// A build whose input is known and right: what is left can only fail while it works.
struct Job {
    project: Project,
    settings: Settings,
    name: String,
    text: String,
    plan: Plan,
    context: Arc<dyn Tree>,
    ignore: String,
    outputs: Vec<Output>,
    references: Vec<Reference>,
    tag: String,
    retag: Retag,
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
    let cancel = Cancel::new().map_err(|error| Failure::new(Kind::Internal, error))?;
    let work = job.carry_out(session, arguments, remote, sandbox, cancel.clone(), started);
    block_on(signal::unless_stopped(work, move || cancel.cancel()))
}

impl Job {
    fn prepare(session: &Session, arguments: &BuildArguments) -> Result<Self, Failure> {
        let Session { ui, environment, current } = session;
        let project = Project::open(arguments, environment, current)?;
        let settings = Settings::resolve(&project, arguments, environment, current)?;
        let outputs = settings::outputs(arguments, current)?;
        let state = worktree(ui, &project)?;
        let tag = tag(&project, &settings, state)?;
        let references = if outputs.contains(&Output::Registry) {
            settings.references(&project, &tag)?
        } else {
            settings.local_references(&project, &tag)?
        };
        let (name, text) = dockerfile::read(&project, &settings)?;
        let source = Source { name: &name, text: &text };
        let parsed = Dockerfile::parse(&text).map_err(|error| source.parse(&error))?;
        let commit = match state {
            State::Committed => project.revision.commit.to_string(),
            State::Dirty => format!("{}-dirty", project.revision.commit),
        };
        let options = dockerfile::plan_options(&settings, environment, commit);
        let plan = Plan::new(&parsed, &options).map_err(|error| source.plan(error))?;
        let context = context::open(&project, &settings.context.value, &settings.dockerfile.value)?;
        let (directory, file) = (&settings.context.value, &settings.dockerfile.value);
        let ignore = context::ignore_file(&project, directory, file)?.map(|(name, _)| name);
        let ignore = ignore.unwrap_or_default();
        // The tag of files that are not committed names nothing fixed, and may move.
        let moves = arguments.allow_retag || state == State::Dirty;
        let retag = if moves { Retag::Allow } else { Retag::Refuse };
        Ok(Self {
            project,
            settings,
            name,
            text,
            plan,
            context,
            ignore,
            outputs,
            references,
            tag,
            retag,
        })
    }

    async fn carry_out(
        self,
        session: &Session,
        arguments: &BuildArguments,
        remote: Remote,
        sandbox: Sandbox,
        cancel: Cancel,
        started: Instant,
    ) -> Result<(), Failure> {
        let ui = &session.ui;
        let isolation = sandbox.isolation().to_string();
        let built = self.build(ui, arguments, remote.clone(), sandbox, cancel).await?;
        let image = &built.image;
        record::write(&self.settings, &self.project, &built, &isolation);
        let size = image.layers().iter().map(notes_oci::Layer::size).sum();
        let layers = match image.layers().len() {
            1 => "1 layer".to_owned(),
            count => format!("{count} layers"),
        };
        let elapsed = Elapsed(started.elapsed());
        ui.step(
            "Built",
            format_args!("{} ({layers}, {}) in {elapsed}", image.digest(), Bytes(size)),
        );
        for output in &self.outputs {
            self.write(ui, image, output, &remote).await?;
        }
        handover::write(arguments, &session.current, &self.project, image, &self.references)?;
        let pinned = self.references[0].pin(image.digest());
        print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))
    }

    async fn build(
        &self,
        ui: &Ui,
        arguments: &BuildArguments,
        remote: Remote,
        sandbox: Sandbox,
        cancel: Cancel,
    ) -> Result<Built, Failure> {
        let section = ui.section("build", "Building the image");
        let store = Store::open(&self.settings.store.value).map_err(failure::store)?;
        let resources = Resources {
            sandbox: Some(sandbox),
            cancel,
            reporter: Arc::new(BuildLines::new(ui.clone())),
            ..Resources::new(Arc::clone(&self.context), remote, store)
        };
        let mut labels = naming::labels(&self.project.revision, &self.tag);
        labels.extend(self.settings.labels.value.0.clone());
        let options = build::Options {
            created: self.project.revision.time.as_second(),
            labels,
            run_timeout: self.settings.run_timeout(),
            reuse: if arguments.no_cache { Reuse::Nothing } else { Reuse::Cache },
            ..build::Options::default()
        };
        let built = notes_image::build(&self.plan, &resources, &options).await;
        drop(section);
        built.map_err(|error| {
            let unseen = ui.verbosity() == Verbosity::Quiet;
            let output = if unseen { error.output().to_vec() } else { Vec::new() };
            let source = Source { name: &self.name, text: &self.text };
            source.build(error, &self.ignore, &self.settings.run_timeout).with_output(output)
        })
    }

    async fn write(
        &self,
        ui: &Ui,
        image: &Image,
        output: &Output,
        remote: &Remote,
    ) -> Result<(), Failure> {
        match output {
            Output::Registry => {
                let _section = ui.section("push", "Pushing the image");
                for reference in &self.references {
                    let started = Instant::now();
                    remote.write(image, reference).await.map_err(failure::push)?;
                    ui.step(
                        "Pushed",
                        format_args!("{reference} in {}", Elapsed(started.elapsed())),
                    );
                }
            }
            Output::Layout(path) => {
                let layout = Layout::create(path).await.map_err(failure::layout)?;
                for reference in &self.references {
                    layout.write(image, reference).await.map_err(failure::layout)?;
                }
                ui.step("Wrote", path.display());
            }
            Output::Archive(path) => {
                archive::write(image, &self.references, path)
                    .await
                    .map_err(|error| failure::path(path, error))?;
                ui.step("Wrote", path.display());
            }
        }
        Ok(())
    }
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
