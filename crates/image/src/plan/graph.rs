//! Which stage needs which.

use std::collections::{BTreeMap, BTreeSet};

use notes_dockerfile::{Dockerfile, Instruction, MountKind, Span, Spanned, Statement, Work};
use notes_oci::Reference;

use super::{Arguments, Base, Context, Error, Options, Origin, Problem, Stage};

/// What `--from` can name.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The numbers of the stages of each name, ascending; names in lower case.
    stages: BTreeMap<String, Vec<usize>>,
    /// How many stages there are.
    count: usize,
    /// Further contexts: the name as given, by the name as it is compared.
    contexts: BTreeMap<String, (String, Context)>,
}

impl Names {
    pub(super) fn of(dockerfile: &Dockerfile, options: &Options) -> Self {
        let mut stages: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for stage in &dockerfile.stages {
            if let Some(name) = &stage.name {
                stages.entry(name.as_str().to_owned()).or_default().push(stage.index);
            }
        }
        Self {
            stages,
            count: dockerfile.stages.len(),
            contexts: options
                .contexts
                .iter()
                .map(|(name, context)| (familiar(name), (name.clone(), context.clone())))
                .collect(),
        }
    }

    /// Returns the number of the stage called `name` before stage `end`; the last definition counts.
    fn stage_before(&self, name: &str, end: usize) -> Option<usize> {
        let numbers = self.stages.get(&name.to_ascii_lowercase())?;
        let earlier = numbers.partition_point(|number| *number < end);
        earlier.checked_sub(1).map(|last| numbers[last])
    }

    /// Returns the further context called `name`, as it was given.
    fn context(&self, name: &str) -> Option<&(String, Context)> {
        self.contexts.get(&familiar(name))
    }

    /// Tells whether others know the image `reference` by this name.
    pub(crate) fn is_known_elsewhere(&self, reference: &Reference) -> bool {
        let here = |(_, context): &(String, Context)| *context == Context::Local(reference.clone());
        !self.contexts.values().any(here)
    }

    /// Returns what `--from=name` means in stage `index`.
    pub(crate) fn origin(&self, name: &str, index: usize, span: Span) -> Result<Origin, Error> {
        let later = || Problem::LaterStage { name: name.into() }.at(span);
        match self.context(name) {
            Some((name, Context::Files)) => return Ok(Origin::Context(name.clone())),
            Some((_, Context::Image(image) | Context::Local(image))) => {
                return Ok(Origin::Image(image.clone()));
            }
            None => {}
        }
        if let Some(stage) = self.stage_before(name, index) {
            return Ok(Origin::Stage(stage));
        }
        if self.stage_before(name, self.count).is_some() {
            return Err(later());
        }
        match name.parse::<usize>() {
            Ok(number) if number < index => return Ok(Origin::Stage(number)),
            Ok(_) => return Err(later()),
            Err(_) => {}
        }
        if name == SCRATCH {
            return Ok(Origin::Nothing);
        }
        Ok(Origin::Image(reference(name, span)?))
    }
}

/// The image without files.
const SCRATCH: &str = "scratch";

/// Returns a name as contexts are compared: `docker.io/library/python:latest` and `Python` are the same one
/// (moby/buildkit, `frontend/dockerui/context.go`).
fn familiar(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let name = lower.strip_prefix("docker.io/").unwrap_or(&lower);
    let name = name.strip_prefix("library/").unwrap_or(name);
    name.strip_suffix(":latest").unwrap_or(name).to_owned()
}

fn reference(name: &str, span: Span) -> Result<Reference, Error> {
    name.parse().map_err(|source| Problem::Reference { name: name.into(), source }.at(span))
}

/// Returns the number of the stage to build.
pub(super) fn target(dockerfile: &Dockerfile, target: Option<&str>) -> Result<usize, Error> {
    let Some(target) = target else { return Ok(dockerfile.stages.len() - 1) };
    let found = dockerfile.stage(target).map(|stage| stage.index);
    found.ok_or_else(|| {
        let names = dockerfile.stages.iter().filter_map(|stage| stage.name.as_ref());
        let stages = names.map(|name| format!("`{}`", name.as_str())).collect();
        Error { problem: Problem::UnknownTarget { target: target.into(), stages }, span: None }
    })
}

/// Resolves what a stage starts from.
pub(super) fn resolve(
    stage: &notes_dockerfile::Stage,
    arguments: &Arguments,
    names: &Names,
    options: &Options,
    work: &Work,
) -> Result<Stage, Error> {
    let span = stage.image.span();
    let image = stage.image.expand_within(arguments, work)?.text;
    if image.is_empty() {
        return Err(Problem::EmptyBase.at(span));
    }
    let platform = match &stage.platform {
        None => options.platform.clone(),
        Some(flag) => {
            let text = flag.expand_within(arguments, work)?.text;
            if text.is_empty() {
                return Err(Problem::EmptyPlatform.at(flag.span()));
            }
            text.parse().map_err(|source| Problem::Platform { source }.at(flag.span()))?
        }
    };
    let name = stage.name.as_ref().map(|name| name.as_str().to_owned());
    let replaced = name.as_deref().and_then(|name| names.context(name));
    let steps = if replaced.is_none() { stage.statements.clone() } else { Vec::new() };
    let base = if let Some((name, context)) = replaced.or_else(|| names.context(&image)) {
        match context {
            Context::Files => Base::Context(name.clone()),
            Context::Image(image) | Context::Local(image) => Base::Image(image.clone()),
        }
    } else if image == SCRATCH {
        Base::Scratch
    } else if let Some(earlier) = names.stage_before(&image, stage.index) {
        Base::Stage(earlier)
    } else {
        Base::Image(reference(&image, span)?)
    };
    // Nothing is for every platform (`resolveReachableStages` in `BuildKit`).
    let platform = if base == Base::Scratch { options.platform.clone() } else { platform };
    Ok(Stage {
        index: stage.index,
        name,
        base,
        platform,
        steps,
        from: Spanned::new(format!("FROM {image}"), stage.span),
    })
}

/// Returns the numbers of the stages that `stage` takes files from, with `statements` of its own or of its base.
pub(crate) fn needs<'a>(
    stage: &Stage,
    statements: impl IntoIterator<Item = &'a Statement>,
    names: &Names,
) -> Result<Vec<usize>, Error> {
    let mut needs = Vec::new();
    if let Base::Stage(base) = stage.base {
        needs.push(base);
    }
    for name in statements.into_iter().flat_map(origins) {
        if let Origin::Stage(origin) = names.origin(name, stage.index, name.span)? {
            needs.push(origin);
        }
    }
    Ok(needs)
}

/// Returns the numbers of the stages that `target` needs, itself included.
pub(super) fn needed(
    stages: &[Stage],
    target: usize,
    names: &Names,
) -> Result<BTreeSet<usize>, Error> {
    let mut needed = BTreeSet::new();
    let mut todo = vec![target];
    while let Some(index) = todo.pop() {
        if needed.insert(index) {
            let stage = &stages[index];
            todo.extend(needs(stage, &stage.steps, names)?);
        }
    }
    Ok(needed)
}

/// Returns every `--from` and `from=` of a statement.
fn origins(statement: &Statement) -> Vec<&Spanned<String>> {
    match &statement.instruction {
        Instruction::Copy(copy) => copy.from.iter().collect(),
        Instruction::Run(run) => run
            .mounts
            .iter()
            .filter_map(|mount| match &mount.kind {
                MountKind::Bind(bind) => bind.from.as_ref(),
                MountKind::Cache(cache) => cache.from.as_ref(),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
