//! The walk through a plan: stages in order, steps in order.

use std::{collections::BTreeMap, mem, sync::Arc, time::Instant};

use notes_dockerfile::{CopySource, Instruction, Span, Statement, Word};
use notes_oci::{Digest, Image, ImageSource, Layer, Platform, Reference};

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
    pub(super) stages: BTreeMap<usize, State>,
    /// The image that a stage stands on, where it stands directly on one.
    bases: BTreeMap<usize, (Reference, Digest)>,
    /// Images that were looked up, by name and platform.
    images: BTreeMap<(String, String), Image>,
    steps: Vec<StepReport>,
    /// What the steps made, by their keys.
    pub(super) index: StepIndex,
    pub(super) sharing: Sharing,
    /// The cache mounts that steps had so far, those of failed attempts among them.
    pub(super) mounts: BTreeMap<CacheMount, MountUse>,
    /// The copies of a rung without mounts, as long as the build lasts.
    pub(super) kept: Option<DraftDirectory>,
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
            stages: BTreeMap::new(),
            bases: BTreeMap::new(),
            images: BTreeMap::new(),
            steps: Vec::new(),
            index: StepIndex::default(),
            sharing: Sharing::default(),
            mounts: BTreeMap::new(),
            kept: None,
        }
    }

    pub(super) async fn build(mut self) -> Result<Built, Error> {
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
    async fn attempt(&mut self) -> Result<Built, Error> {
        self.stages.clear();
        self.steps.clear();
        self.index = StepIndex::default();
        let mut todo: Vec<&Stage> = self.plan.stages.iter().rev().collect();
        while let Some(stage) = todo.last() {
            let missing = self.missing(stage).await.map_err(|it| it.at(stage.from.span))?;
            if missing.is_empty() {
                let state = self.stage(stage).await?;
                self.stages.insert(stage.index, state);
                todo.pop();
            }
            todo.extend(missing);
        }
        let target = self.stages.remove(&self.plan.target);
        let image = self.image(target.expect("a plan holds its target"));
        self.index.note(&self.plan.platform, &self.steps);
        Ok(Built {
            image,
            steps: mem::take(&mut self.steps),
            index: mem::take(&mut self.index),
            mounts: self.mounts.clone(),
        })
    }

    /// Returns the stages that must be built before `stage` and are not. The plan orders those that its instructions name;
    /// what triggers name is known only now.
    async fn missing(&mut self, stage: &Stage) -> Result<Vec<&'a Stage>, Problem> {
        let on_build = match &stage.base {
            Base::Stage(index) => {
                self.stages.get(index).map(|base| base.config.config.on_build.clone())
            }
            Base::Image(reference) => {
                let image = self.lookup(reference, &stage.platform).await?;
                Some(image.config().config.on_build.clone())
            }
            Base::Scratch | Base::Context(_) => None,
        };
        let triggers = triggers(&on_build.unwrap_or_default())?;
        let statements = triggers.iter().chain(&stage.steps);
        let needs = plan::needs(stage, statements, &self.plan.names)
            .map_err(|error| Problem::Plan { source: Box::new(error) })?;
        let unbuilt = needs.into_iter().filter(|index| !self.stages.contains_key(index));
        Ok(unbuilt.filter_map(|index| self.plan.any_stage(index)).collect())
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
        if let Some((reference, digest)) = self.bases.get(&index) {
            if self.plan.names.is_known_elsewhere(reference) {
                annotate("name", reference.to_string());
            }
            annotate("digest", digest.to_string());
        }
        annotations
    }

    async fn stage(&mut self, stage: &Stage) -> Result<State, Error> {
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
        for (number, (statement, span)) in (1..).zip(statements) {
            let stage_name = stage.name.clone().unwrap_or_else(|| stage.index.to_string());
            let text = statement.original.clone();
            let name = StepName { stage: stage_name, number, of, text };
            if let Err(error) =
                self.step(&mut built, statement, Current { stage, name, span }).await
            {
                self.sharing.unfinished = built.layers;
                return Err(error);
            }
        }
        Ok(built)
    }

    async fn base(&mut self, stage: &Stage) -> Result<State, Problem> {
        match &stage.base {
            Base::Scratch => Ok(State::scratch(stage.platform.clone())),
            Base::Stage(index) => {
                Ok(self.stages.get(index).expect("a plan orders its stages").of_stage())
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
                self.bases.insert(stage.index, (reference.clone(), image.digest()));
                Ok(State::of_image(&image))
            }
        }
    }

    /// Returns the files of a further context.
    fn context(&self, name: &str) -> Result<Arc<dyn Tree>, Problem> {
        let tree = self.resources.contexts.get(name);
        tree.cloned().ok_or_else(|| Problem::Context { name: name.into() })
    }

    async fn lookup(
        &mut self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, Problem> {
        let key = (reference.to_string(), platform.to_string());
        if let Some(image) = self.images.get(&key) {
            return Ok(image.clone());
        }
        self.resources.reporter.resolving(&key.0);
        let image = self.resources.images.image(reference, platform).await.map_err(|error| {
            Problem::Image { reference: Box::new(reference.clone()), source: Box::new(error) }
        })?;
        self.images.insert(key, image.clone());
        Ok(image)
    }

    /// Finds what `--from` or `from=` means; absent it is the build context.
    pub(super) async fn files(
        &mut self,
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
                let state = self.stages.get(&index).ok_or_else(|| Problem::Plan {
                    source: Box::new(plan::Error {
                        problem: plan::Problem::LaterStage { name: name.into() },
                        span: Some(current.span),
                    }),
                })?;
                let identity = state.chain().hex();
                let name = format!("stage `{name}`");
                Ok(Files::Layers { layers: state.layers.clone(), identity, name })
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
        &mut self,
        state: &mut State,
        statement: &Statement,
        current: Current<'_>,
    ) -> Result<(), Error> {
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
        self.record(state, done, current.name, outcome);
        Ok(())
    }

    async fn carry_out(
        &mut self,
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

    /// Adds what a step did to the stage and to the report.
    fn record(&mut self, state: &mut State, done: Done, name: StepName, outcome: Outcome) {
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
        self.steps.push(StepReport { name, outcome, key, inputs, layer: layer_id });
    }
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
fn triggers(texts: &[String]) -> Result<Vec<Statement>, Problem> {
    let mut triggers = Vec::with_capacity(texts.len());
    for text in texts {
        let trigger = Statement::parse_trigger(text)
            .map_err(|error| Problem::Trigger { text: text.clone(), source: Box::new(error) })?;
        triggers.push(trigger);
    }
    plan::check(&triggers).map_err(|error| Problem::Plan { source: Box::new(error) })?;
    Ok(triggers)
}
