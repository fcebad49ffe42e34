//! Which variables are set where, as far as the text tells.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Subject;
use crate::{Dockerfile, Instruction, Stage, Statement, Word};

/// Arguments that exist before the first line: <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>.
const PLATFORM: [&str; 11] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETOSVERSION",
    "TARGETSTAGE",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "BUILDOSVERSION",
];

/// Returns the names that `FROM` may use.
pub(super) fn global_names(file: &Dockerfile) -> BTreeSet<String> {
    let declared = file.arguments.iter().flat_map(|global| &global.arg.declarations);
    let declared = declared.map(|declaration| declaration.name.raw());
    declared.chain(PLATFORM).map(str::to_owned).collect()
}

/// Returns the values of the global arguments that have one.
pub(super) fn global_defaults(file: &Dockerfile) -> BTreeMap<String, String> {
    let platform = PLATFORM.iter().map(|name| ((*name).to_owned(), "platform".to_owned()));
    let mut values: BTreeMap<String, String> = platform.collect();
    for declaration in file.arguments.iter().flat_map(|global| &global.arg.declarations) {
        let value = declaration.default.as_ref().and_then(|word| word.expand(&values).ok());
        values.extend(value.map(|value| (declaration.name.raw().to_owned(), value)));
    }
    values
}

/// Returns the names in `word` that are not among `names` and have no default.
pub(super) fn undefined(word: &Word, names: &BTreeSet<String>) -> Vec<String> {
    if word.is_literal() {
        return Vec::new();
    }
    let known = |name: &str| names.contains(name).then(|| "x".to_owned());
    word.expand_fully(&known).map(|expanded| expanded.unset).unwrap_or_default()
}

/// Returns for every stage the number of the earlier stage that it builds upon, if it is one.
pub(super) fn parents(file: &Dockerfile) -> Vec<Option<usize>> {
    let mut names = HashMap::new();
    let mut parents = Vec::new();
    for stage in &file.stages {
        let image = stage.image.raw();
        let numbered = || image.parse().ok().filter(|number| *number < stage.index);
        parents.push(names.get(&image.to_ascii_lowercase()).copied().or_else(numbered));
        names.extend(stage.name.as_ref().map(|name| (name.as_str().to_owned(), stage.index)));
    }
    parents
}

/// The names that are set at some point of a stage.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) names: BTreeSet<String>,
    /// Whether the environment of the base image is known.
    pub(super) complete: bool,
}

impl Scope {
    /// Returns what is set at the beginning of `stage`, a stage that builds upon no other.
    pub(super) fn of_base(subject: &Subject<'_>, stage: &Stage) -> Self {
        let image = stage.image.expand(&global_defaults(subject.file)).unwrap_or_default();
        let base = subject.options.environments.get(&image);
        let names = base.into_iter().flatten().cloned().chain(["PATH".to_owned()]).collect();
        Self { names, complete: base.is_some() || image == "scratch" }
    }

    /// Adds what `statement` sets.
    pub(super) fn add(&mut self, statement: &Statement) {
        match &statement.instruction {
            Instruction::Arg(arg) => {
                let names = arg.declarations.iter().map(|declaration| &declaration.name);
                self.names.extend(names.map(|name| name.raw().to_owned()));
            }
            Instruction::Env(env) => {
                self.names.extend(env.pairs.iter().map(|pair| pair.key.raw().to_owned()));
            }
            _ => {}
        }
    }
}
