//! The walk through a plan: independent stages side by side, steps in order.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use notes_dockerfile::{CopySource, Instruction, Span, Statement, Word};
use notes_oci::{Digest, Image, ImageSource, Layer, Platform, Reference};
use notes_sandbox::Cancel;

use super::{
    Built, CopyError, Error, Options, Problem, Resources,
    context::Files,
    metadata,
    sharing::Sharing,
    state::State,
    step::{By, Done, Keyed},
};
use crate::{
    cache::{CacheMount, MountUse, StepIndex},
    plan::{self, Base, Origin, Plan, Stage},
    report::{Outcome, StepName, StepReport},
    store::DraftDirectory,
    tree::{Nothing, Tree},
};

/// What the annotations about the base image begin with.
const BASE_ANNOTATIONS: &str = "org.opencontainers.image.base";

/// A build under way.
pub(super) struct Builder<'a, S> {
    pub(super) plan: &'a Plan,
    pub(super) resources: &'a Resources<S>,
    pub(super) options: &'a Options,
    /// The time of the commit as configs write it.
    created: String,
    /// Finished stages by number.
    pub(super) stages: Mutex<BTreeMap<usize, State>>,
    /// The image that a stage stands on, where it stands directly on one.
    bases: Mutex<BTreeMap<usize, (Reference, Digest)>>,
    /// Images that were looked up, by name and platform. Held while one is: who else wants it waits for it.
    images: tokio::sync::Mutex<BTreeMap<(String, String), Image>>,
    /// What the steps made, by their keys.
    pub(super) index: Mutex<StepIndex>,
    pub(super) sharing: Mutex<Sharing>,
    /// The cache mounts that steps had so far, those of failed attempts among them.
    pub(super) mounts: Mutex<BTreeMap<CacheMount, MountUse>>,
    /// The copies of a rung without mounts, as long as the build lasts.
    pub(super) kept: Mutex<Option<DraftDirectory>>,
    /// Ends what this build runs.
    pub(super) cancel: Mutex<Cancel>,
}

/// One statement on its way: whose it is and where errors point.
pub(super) struct Current<'a> {
    pub(super) stage: &'a Stage,
    pub(super) name: StepName,
    pub(super) span: Span,
}

impl<'a, S: ImageSource> Builder<'a, S> {
    pub(super) fn new(plan: &'a Plan, resources: &'a Resources<S>, options: &'a Options) -> Self {
        let created = plan.created.unwrap_or(options.created);
        let created = jiff::Timestamp::from_second(created).unwrap_or_default().to_string();
        Self {
            plan,
            resources,
            options,
            created,
            stages: Mutex::default(),
            bases: Mutex::default(),
            images: tokio::sync::Mutex::default(),
            index: Mutex::default(),
            sharing: Mutex::default(),
            mounts: Mutex::default(),
            kept: Mutex::default(),
            cancel: Mutex::default(),
        }
    }

    pub(super) async fn build(self) -> Result<Built, Error> {
        for argument in &self.plan.unused_arguments {
            let text = format!("no `ARG` declares the build argument `{argument}`");
            self.resources.reporter.warning(&text);
        }
        loop {
            let attempt = self.attempt().await;
            let again = match &attempt {
                Ok(built) => self.breaks_promise(built),
                Err(error) => self.blames_sharing(error),
            };
            if !again {
                return attempt;
            }
        }
    }

    /// Builds with what the caches offer, each layer of which may turn out not to be there.
    async fn attempt(&self) -> Result<Built, Error> {
        lock(&self.stages).clear();
        lock(&self.sharing).unfinished.clear();
        *lock(&self.index) = StepIndex::default();
        let outer = &self.resources.cancel;
        // Without a switch of its own, what runs beside a step that failed runs to its end.
        *lock(&self.cancel) = outer.part().unwrap_or_else(|_| outer.clone());
        let steps = self.build_stages().await?;
        let target = self.finished(self.plan.target);
        let image = self.image(target.expect("a plan holds its target"));
        let mut index = mem::take(&mut *lock(&self.index));
        index.note(&self.plan.platform, &steps);
        Ok(Built { image, steps, index, mounts: lock(&self.mounts).clone() })
    }

    /// Puts together the image of a finished stage.
    fn image(&self, state: State) -> Image {
        let mut config = state.config;
        config.created = Some(self.created.clone());
        let platform = &self.plan.made_for;
        config.platform = platform.clone();
        config.config.labels.extend(self.options.labels.clone());
        let mut annotations = self.base_annotations();
        annotations.extend(self.options.annotations.clone());
        Image::scratch(platform.clone())
            .with_parts(config, &state.layers)
            .with_annotations(annotations)
    }

    /// Returns what the image stands on (image-spec, annotations.md, "Pre-Defined Annotation Keys").
    fn base_annotations(&self) -> BTreeMap<String, String> {
        let mut index = self.plan.target;
        while let Some(Base::Stage(base)) = self.plan.any_stage(index).map(|stage| &stage.base) {
            index = *base;
        }
        let mut annotations = BTreeMap::new();
        let mut annotate = |name: &str, value: String| {
            annotations.insert(format!("{BASE_ANNOTATIONS}.{name}"), value);
        };
        if let Some((reference, digest)) = lock(&self.bases).get(&index) {
            if self.plan.names.is_known_elsewhere(reference) {
                annotate("name", reference.to_string());
            }
            annotate("digest", digest.to_string());
        }
        annotations
    }

    pub(super) async fn stage(&self, stage: &Stage) -> Result<(State, Vec<StepReport>), Error> {
        let from = stage.from.span;
        let mut built = self.base(stage).await.map_err(|problem| problem.at(from))?;
        // They fire once.
        let on_build = mem::take(&mut built.config.config.on_build);
        let triggers = triggers(&on_build).map_err(|problem| problem.at(from))?;
        let statements = triggers
            .iter()
            .map(|trigger| (trigger, from))
            .chain(stage.steps.iter().map(|statement| (statement, statement.span)));
        let of = triggers.len() + stage.steps.len();
        let mut reports = Vec::with_capacity(of);
        for (number, (statement, span)) in (1..).zip(statements) {
            let stage_name = stage.name.clone().unwrap_or_else(|| stage.index.to_string());
            let text = statement.original.clone();
            let name = StepName { stage: stage_name, number, of, text };
            match self.step(&mut built, statement, Current { stage, name, span }).await {
                Ok(report) => reports.push(report),
                Err(error) => {
                    lock(&self.sharing).unfinished.push(built.layers);
                    return Err(error);
                }
            }
        }
        Ok((built, reports))
    }

    async fn base(&self, stage: &Stage) -> Result<State, Problem> {
        match &stage.base {
            Base::Scratch => Ok(State::scratch(stage.platform.clone())),
            Base::Stage(index) => {
                Ok(self.finished(*index).expect("it is built when it is needed").of_stage())
            }
            Base::Context(name) => {
                let mut built = State::scratch(stage.platform.clone());
                let tree = self.context(name)?;
                let layer = self.whole(&built, tree).await?;
                built.push(&self.created, Some(format!("FROM {name}")), layer);
                Ok(built)
            }
            Base::Image(reference) => {
                let image = self.lookup(reference, &stage.platform).await?;
                let found = &image.config().platform;
                if !stage.platform.accepts(found) {
                    return Err(Problem::Platform {
                        reference: Box::new(reference.clone()),
                        wanted: stage.platform.to_string(),
                        found: found.to_string(),
                    });
                }
                lock(&self.bases).insert(stage.index, (reference.clone(), image.digest()));
                Ok(State::of_image(&image))
            }
        }
    }

    /// Returns the files of a further context.
    fn context(&self, name: &str) -> Result<Arc<dyn Tree>, Problem> {
        let tree = self.resources.contexts.get(name);
        tree.cloned().ok_or_else(|| Problem::Context { name: name.into() })
    }

    pub(super) async fn lookup(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, Problem> {
        let key = (reference.to_string(), platform.to_string());
        let mut images = self.images.lock().await;
        if let Some(image) = images.get(&key) {
            return Ok(image.clone());
        }
        self.resources.reporter.resolving(&key.0);
        let image = self.resources.images.image(reference, platform).await.map_err(|error| {
            Problem::Image { reference: Box::new(reference.clone()), source: Box::new(error) }
        })?;
        images.insert(key, image.clone());
        Ok(image)
    }

    /// Finds what `--from` or `from=` means; absent it is the build context.
    pub(super) async fn files(
        &self,
        name: Option<&str>,
        current: &Current<'_>,
    ) -> Result<Files, Problem> {
        let Some(name) = name else {
            return Ok(Files::Tree(Arc::clone(&self.resources.context)));
        };
        let origin = self.plan.names.origin(name, current.stage.index, current.span);
        match origin.map_err(|error| Problem::Plan { source: Box::new(error) })? {
            Origin::Nothing => Ok(Files::Tree(Arc::new(Nothing))),
            Origin::Context(name) => self.context(&name).map(Files::Tree),
            Origin::Stage(index) => {
                let state = self.finished(index).ok_or_else(|| Problem::Plan {
                    source: Box::new(plan::Error {
                        problem: plan::Problem::LaterStage { name: name.into() },
                        span: Some(current.span),
                    }),
                })?;
                let identity = state.chain().hex();
                let name = format!("stage `{name}`");
                Ok(Files::Layers { layers: state.layers, identity, name })
            }
            Origin::Image(reference) => {
                let image = self.lookup(&reference, &current.stage.platform).await?;
                let identity = image.digest().to_string();
                let name = format!("image `{reference}`");
                Ok(Files::Layers { layers: image.layers().to_vec(), identity, name })
            }
        }
    }

    async fn step(
        &self,
        state: &mut State,
        statement: &Statement,
        current: Current<'_>,
    ) -> Result<StepReport, Error> {
        let reporter = Arc::clone(&self.resources.reporter);
        reporter.started(&current.name);
        let begun = Instant::now();
        let done = self.carry_out(state, &statement.instruction, &current).await;
        let done = done.map_err(|problem| {
            // A trigger's own places are in a text that nobody sees.
            let exact = (current.span == statement.span).then(|| place(&problem, statement));
            problem.at(exact.flatten().unwrap_or(current.span))
        })?;
        let outcome = match &done {
            Done::Config { .. } => Outcome::Config,
            Done::Files { result, .. } => match &result.by {
                By::Store => Outcome::Cached,
                By::Shared(cache) => Outcome::Shared { cache: cache.clone() },
                By::Running => Outcome::Ran { duration: begun.elapsed() },
            },
        };
        reporter.finished(&current.name, &outcome);
        Ok(self.record(state, done, current.name, outcome))
    }

    async fn carry_out(
        &self,
        state: &mut State,
        instruction: &Instruction,
        current: &Current<'_>,
    ) -> Result<Done, Problem> {
        match instruction {
            Instruction::Copy(copy) => self.copy(state, copy, current).await,
            Instruction::Add(add) => self.add(state, add, current).await,
            Instruction::Run(run) => self.run(state, run, current).await,
            Instruction::Workdir(workdir) => self.workdir(state, workdir).await,
            other => {
                let created_by = metadata::apply(state, other, &self.plan.arguments)?;
                Ok(Done::Config { created_by })
            }
        }
    }

    /// Adds what a step did to the stage, and returns the report about it.
    fn record(
        &self,
        state: &mut State,
        done: Done,
        name: StepName,
        outcome: Outcome,
    ) -> StepReport {
        let (created_by, layer, keyed) = match done {
            Done::Config { created_by } => (created_by, None, None),
            Done::Files { created_by, result, keyed } => {
                (Some(created_by), result.layer, Some(keyed))
            }
        };
        let layer_id = layer.as_ref().map(|layer: &Layer| layer.diff_id().to_string());
        state.push(&self.created, created_by, layer);
        let (key, inputs) = match keyed {
            Some(Keyed { key, inputs }) => (Some(key.hex()), inputs),
            None => (None, Vec::new()),
        };
        StepReport { name, outcome, key, inputs, layer: layer_id }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the exact place of a problem inside its statement, where that is known.
fn place(problem: &Problem, statement: &Statement) -> Option<Span> {
    match (problem, &statement.instruction) {
        (Problem::Expand { source }, _) => Some(source.span),
        (Problem::Plan { source }, _) => source.span,
        (Problem::ChecksumOfFiles { .. }, Instruction::Add(add)) => {
            add.checksum.as_ref().map(Word::span)
        }
        (Problem::Checksum { .. }, Instruction::Add(add)) => add.checksum.as_ref().map(Word::span),
        (Problem::OtherCommit { url, .. }, Instruction::Add(add)) => {
            let flag = add.checksum.as_ref().map(Word::span);
            flag.or_else(|| source_named(&add.sources, url))
        }
        (problem, Instruction::Copy(copy)) => source_named(&copy.sources, source_of(problem)?),
        (problem, Instruction::Add(add)) => source_named(&add.sources, source_of(problem)?),
        _ => None,
    }
}

/// Returns the source that a problem is about.
fn source_of(problem: &Problem) -> Option<&str> {
    match problem {
        Problem::Copy {
            source: CopyError::NoMatch { pattern, .. } | CopyError::NoMatchIn { pattern, .. },
        } => Some(pattern),
        Problem::Copy { source: CopyError::Nameless { url } }
        | Problem::CopyOfUrl { url }
        | Problem::Address { url, .. }
        | Problem::Repository { url, .. }
        | Problem::NoName { url, .. }
        | Problem::NoDefault { url }
        | Problem::NoNetwork { url }
        | Problem::Fetch { url, .. } => Some(url),
        _ => None,
    }
}

fn source_named(sources: &[CopySource], pattern: &str) -> Option<Span> {
    sources.iter().find_map(|source| match source {
        CopySource::Path(word) if word.raw() == pattern => Some(word.span()),
        _ => None,
    })
}

/// Reads the triggers of a base image (`ONBUILD`).
pub(super) fn triggers(texts: &[String]) -> Result<Vec<Statement>, Problem> {
    let mut triggers = Vec::with_capacity(texts.len());
    for text in texts {
        let trigger = Statement::parse_trigger(text)
            .map_err(|error| Problem::Trigger { text: text.clone(), source: Box::new(error) })?;
        triggers.push(trigger);
    }
    plan::check(&triggers).map_err(|error| Problem::Plan { source: Box::new(error) })?;
    Ok(triggers)
}
