//! What is set where, as far as the text and what is known of base images tell.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::Subject;
use crate::{
    Declaration, Dockerfile, Expanded, Heredoc, Instruction, KeyValue, Stage, Statement, Word,
};

/// Arguments that exist before the first line, with the values of a build for the most common platform:
/// <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>.
const PLATFORM: [(&str, &str); 11] = [
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETOS", "linux"),
    ("TARGETARCH", "amd64"),
    ("TARGETVARIANT", ""),
    ("TARGETOSVERSION", ""),
    ("TARGETSTAGE", "default"),
    ("BUILDPLATFORM", "linux/amd64"),
    ("BUILDOS", "linux"),
    ("BUILDARCH", "amd64"),
    ("BUILDVARIANT", ""),
    ("BUILDOSVERSION", ""),
];

/// How many names a misspelt one is compared with. More than people write, and few enough for a file full of mistakes.
const MEANT: usize = 1_000;

/// The arguments that `FROM` may use: those of the platform, and those before it.
pub(super) struct Globals {
    /// The names, and the values of those that have one.
    values: BTreeMap<String, Option<String>>,
}

impl Globals {
    pub(super) fn of(file: &Dockerfile) -> Self {
        let platform = PLATFORM.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let mut globals = Self { values: platform.into() };
        for declaration in file.arguments.iter().flat_map(|global| &global.arg.declarations) {
            let value = declaration.default.as_ref().and_then(|word| globals.text(word));
            let value = value.map(|expanded| expanded.text);
            globals.values.insert(declaration.name.raw().to_owned(), value);
        }
        globals
    }

    pub(super) fn declares(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str).take(MEANT)
    }

    /// Returns what `word` is in a build without arguments.
    pub(super) fn text(&self, word: &Word) -> Option<Expanded> {
        word.expand_fully(&|name: &str| self.values.get(name).cloned().flatten()).ok()
    }

    /// Returns the names in `word` that are not declared and have no default.
    pub(super) fn undeclared(&self, word: &Word) -> Vec<String> {
        let known = |name: &str| self.declares(name).then(|| "x".to_owned());
        distinct(word.expand_fully(&known).map(|expanded| expanded.unset).unwrap_or_default())
    }
}

/// Returns for every stage the number of the earlier stage that it builds upon, if it is one.
pub(super) fn parents(file: &Dockerfile, globals: &Globals) -> Vec<Option<usize>> {
    let mut names = HashMap::new();
    let mut parents = Vec::new();
    for stage in &file.stages {
        let image = globals.text(&stage.image).unwrap_or_default().text;
        let numbered = || image.parse().ok().filter(|number| *number < stage.index);
        parents.push(names.get(&image.to_ascii_lowercase()).copied().or_else(numbered));
        names.extend(stage.name.as_ref().map(|name| (name.as_str().to_owned(), stage.index)));
    }
    parents
}

/// What is set at some point of a stage.
#[derive(Clone)]
pub(super) struct Scope {
    /// The names, and the values of those whose value the text alone tells. Shared with the stages that this one begins.
    values: Rc<BTreeMap<String, Option<String>>>,
    /// Whether the environment of the base image is known.
    pub(super) complete: bool,
}

impl Scope {
    /// Calls `visit` for every statement, with what is set before it.
    pub(super) fn walk(subject: &Subject<'_>, mut visit: impl FnMut(&Self, &Statement)) {
        let mut children = vec![0_usize; subject.file.stages.len()];
        subject.parents.iter().flatten().for_each(|parent| children[*parent] += 1);
        let mut ends: Vec<Option<Self>> = Vec::new();
        for (stage, parent) in subject.file.stages.iter().zip(&subject.parents) {
            let inherited = parent.and_then(|parent| {
                children[parent] -= 1;
                // The last one takes it, so that a long chain of stages does not copy it at every link.
                if children[parent] == 0 { ends[parent].take() } else { ends[parent].clone() }
            });
            let mut scope = inherited.unwrap_or_else(|| Self::of_base(subject, stage));
            for statement in &stage.statements {
                visit(&scope, statement);
                scope.add(subject, statement);
            }
            ends.push(Some(scope).filter(|_| children[stage.index] > 0));
        }
    }

    /// Returns what is set at the beginning of `stage`, a stage that builds upon no other.
    fn of_base(subject: &Subject<'_>, stage: &Stage) -> Self {
        let image = subject.globals.text(&stage.image).unwrap_or_default().text;
        let base = subject.options.bases.get(&stage.index);
        let mut values = BTreeMap::from([("PATH".to_owned(), None)]);
        let environment = base.and_then(|base| base.environment.as_ref());
        values.extend(
            environment
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), Some(value.clone()))),
        );
        Self { values: Rc::new(values), complete: environment.is_some() || image == "scratch" }
    }

    /// Adds what `statement` sets.
    fn add(&mut self, subject: &Subject<'_>, statement: &Statement) {
        match &statement.instruction {
            Instruction::Arg(arg) => {
                for declaration in &arg.declarations {
                    self.declare(subject, declaration);
                }
            }
            Instruction::Env(env) => {
                // Every word sees what was set before the instruction.
                let pairs = env.pairs.iter().map(|KeyValue { key, value }| {
                    let name = self.text(key).map_or(key.raw().to_owned(), |key| key.text);
                    (name, self.text(value).map(|value| value.text))
                });
                let pairs: Vec<_> = pairs.collect();
                Rc::make_mut(&mut self.values).extend(pairs);
            }
            _ => {}
        }
    }

    /// Adds one argument of an `ARG`; the next one of the same `ARG` sees it already, as in `BuildKit`'s `dispatchArg`.
    pub(super) fn declare(&mut self, subject: &Subject<'_>, declaration: &Declaration) {
        let name = declaration.name.raw();
        let value = match &declaration.default {
            Some(default) => self.text(default).map(|value| value.text),
            None => subject.globals.values.get(name).cloned().flatten(),
        };
        Rc::make_mut(&mut self.values).insert(name.to_owned(), value);
    }

    /// Returns whether `name` is declared or set here.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the names that somebody may have meant: all, unless there are very many.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str).take(MEANT)
    }

    /// Returns what `word` is here, or nothing when that depends on what the text does not tell.
    pub(super) fn text(&self, word: &Word) -> Option<Expanded> {
        let unsure = Cell::new(false);
        let value = |name: &str| {
            let value = self.values.get(name);
            let known = matches!(value, Some(Some(_))) || (value.is_none() && self.complete);
            unsure.set(unsure.get() || !known);
            value.cloned().flatten()
        };
        let expanded = word.expand_fully(&value).ok()?;
        (!unsure.get()).then_some(expanded)
    }

    /// Returns the names in `word` that are not set here and have no default.
    pub(super) fn undefined(&self, word: &Word) -> Vec<String> {
        if word.is_literal() {
            return Vec::new();
        }
        let known = |name: &str| self.has(name).then(|| "x".to_owned());
        distinct(word.expand_fully(&known).map(|expanded| expanded.unset).unwrap_or_default())
    }

    /// The same for the body of a heredoc.
    pub(super) fn undefined_in(&self, heredoc: &Heredoc) -> Vec<String> {
        let known = |name: &str| self.has(name).then(|| "x".to_owned());
        distinct(heredoc.expand_fully(&known).map(|expanded| expanded.unset).unwrap_or_default())
    }
}

fn distinct(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}
