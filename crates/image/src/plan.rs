//! What is to be built: a Dockerfile whose stages, bases and references are resolved. Never touches a disk.

mod arguments;
mod error;
mod graph;
mod platforms;
mod scope;
mod support;

use std::collections::BTreeMap;

use notes_dockerfile::{Dockerfile, Spanned, Statement, Work};
use notes_oci::{Platform, Reference};

pub use error::{Error, Problem};
pub use scope::{Kind, Scope};

pub(crate) use arguments::Arguments;
pub(crate) use graph::needs;
pub(crate) use support::check;

/// What the caller of a build chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stage to build, by name or number; the last one when absent.
    pub target: Option<String>,
    /// Values of `ARG`s.
    pub arguments: BTreeMap<String, String>,
    /// Values of `ARG`s that the Dockerfile may declare or leave alone, such as the commit that is built: given like the
    /// others, which beat them, and never [`Plan::unused_arguments`].
    pub offers: BTreeMap<String, String>,
    /// The platform the image is for.
    pub platform: Platform,
    /// Who chose the platform.
    pub chooser: Chooser,
    /// Further contexts by name: each replaces the stage or the image of that name, in `FROM` as well as in `--from`.
    pub contexts: BTreeMap<String, Context>,
}

impl Default for Options {
    /// Returns the last stage, no arguments or offers, the platform of this machine, which nobody chose, and no further contexts.
    fn default() -> Self {
        Self {
            target: None,
            arguments: BTreeMap::new(),
            offers: BTreeMap::new(),
            platform: Platform::native(),
            chooser: Chooser::Nobody,
            contexts: BTreeMap::new(),
        }
    }
}

/// Who chose the platform of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// The caller: the image says that it is for it, whatever platform its files are of.
    Caller,
    /// Nobody. Where the target goes back to `FROM --platform`, the image is for that one.
    Nobody,
}

/// What a further context is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Files: those in [`Resources::contexts`](crate::build::Resources::contexts) under the same name.
    Files,
    /// An image.
    Image(Reference),
    /// An image that has this name only here, as one in a layout does: it is looked up like another, and the name is not written
    /// into what is built upon it.
    Local(Reference),
}

/// A build that is ready to be carried out: the stages that the target needs, in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stages, each after those it needs.
    pub stages: Vec<Stage>,
    /// The [`Stage::index`] of the stage that becomes the image.
    pub target: usize,
    /// The platform the image is for.
    pub platform: Platform,
    /// Arguments that were given and that no `ARG` declares: likely misspelt.
    pub unused_arguments: Vec<String>,
    /// When the image counts as made, if the build argument `SOURCE_DATE_EPOCH` says so, in seconds since 1970.
    pub created: Option<i64>,
    pub(crate) arguments: Arguments,
    pub(crate) names: graph::Names,
    /// What the image says it is for.
    pub(crate) made_for: Platform,
    /// The other stages before the target: a trigger of a base image may name one, which is known once the base is.
    pub(crate) spare: Vec<Stage>,
}

/// One stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its number in the Dockerfile, from 0.
    pub index: usize,
    /// Its name in lower case.
    pub name: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// The platform of its base.
    pub platform: Platform,
    /// What is done, in order.
    pub steps: Vec<Statement>,
    /// The `FROM` as a person reads it.
    pub from: Spanned<String>,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage, by its number.
    Stage(usize),
    /// An image.
    Image(Reference),
    /// The files of a further context, by its name.
    Context(String),
}

/// Where a step takes files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing: `scratch`.
    Nothing,
    /// A further context, by its name.
    Context(String),
    /// An earlier stage, by its number.
    Stage(usize),
    /// An image.
    Image(Reference),
}

impl Plan {
    /// Plans the build of `dockerfile`.
    ///
    /// # Errors
    ///
    /// Whatever can be known before anything runs: an unknown target, a base name that is empty or malformed, a reference
    /// to a later stage, an instruction that is not supported. Each names its place.
    pub fn new(dockerfile: &Dockerfile, options: &Options) -> Result<Self, Error> {
        let work = Work::default();
        let arguments = Arguments::global(dockerfile, options, &work)?;
        let names = graph::Names::of(dockerfile, options);
        let target = graph::target(dockerfile, options.target.as_deref())?;
        let mut stages = Vec::new();
        for stage in &dockerfile.stages[..=target] {
            stages.push(graph::resolve(stage, &arguments, &names, options, &work)?);
        }
        let needed = graph::needed(&stages, target, &names)?;
        let (stages, spare): (Vec<_>, Vec<_>) =
            stages.into_iter().partition(|stage| needed.contains(&stage.index));
        stages.iter().try_for_each(|stage| support::check(&stage.steps))?;
        let unused_arguments = Arguments::unused(dockerfile, options);
        let created = arguments.created().map_err(|problem| Error { problem, span: None })?;
        let platform = options.platform.clone();
        let made_for = match options.chooser {
            Chooser::Caller => platform.clone(),
            Chooser::Nobody => platforms::of(&stages)[&target].clone(),
        };
        Ok(Self {
            stages,
            target,
            platform,
            unused_arguments,
            created,
            arguments,
            names,
            made_for,
            spare,
        })
    }

    /// Returns the stage with this number, whether the target needs it or not.
    pub(crate) fn any_stage(&self, index: usize) -> Option<&Stage> {
        self.stages.iter().chain(&self.spare).find(|stage| stage.index == index)
    }

    /// Returns the stage with this number, if the target needs it.
    pub fn stage(&self, index: usize) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.index == index)
    }
}
