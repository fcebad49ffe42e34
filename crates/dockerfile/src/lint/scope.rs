//! What is set where, as far as the text and what is known of base images tell.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use super::Subject;
use crate::suggestion::nearest;
use crate::{
    Declaration, Dockerfile, Expanded, Heredoc, Instruction, KeyValue, Stage, Statement, Word, Work,
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

/// How many names all misspelt ones of a file are compared with. More than people write, and few enough for a file full of mistakes.
const COMPARED: usize = 100_000;

/// The arguments that `FROM` may use: those of the platform, and those before it.
pub(super) struct Globals {
    /// The names, and the values of those that have one.
    values: BTreeMap<String, Option<String>>,
    /// What it may still cost to put values into words. Without it, what a word is cannot be told.
    work: Work,
    /// How many names misspelt ones may still be compared with.
    compared: Cell<usize>,
}

impl Globals {
    pub(super) fn of(file: &Dockerfile) -> Self {
        let platform = PLATFORM.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let (work, compared) = (Work::default(), Cell::new(COMPARED));
        let mut globals = Self { values: platform.into(), work, compared };
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

    /// Returns the argument that is likely meant by `name`.
    pub(super) fn meant(&self, name: &str) -> Option<&str> {
        self.nearest(name, &self.values)
    }

    /// Returns the one of `names` that is likely meant by `name`.
    fn nearest<'a>(
        &self,
        name: &str,
        names: &'a BTreeMap<String, Option<String>>,
    ) -> Option<&'a str> {
        let left = self.compared.get();
        self.compared.set(left.saturating_sub(names.len()));
        nearest(name, names.keys().map(String::as_str).take(left))
    }

    /// Returns the name of the image that `stage` begins with, in a build without arguments.
    fn image<'a>(&self, stage: &'a Stage) -> Cow<'a, str> {
        if stage.image.is_literal() {
            return stage.image.raw().into();
        }
        self.text(&stage.image).unwrap_or_default().text.into()
    }

    /// Returns what `word` is in a build without arguments.
    pub(super) fn text(&self, word: &Word) -> Option<Expanded> {
        let value = |name: &str| self.values.get(name).cloned().flatten();
        word.expand_within(&value, &self.work).ok()
    }

    /// Returns the names in `word` that are not declared and have no default.
    pub(super) fn undeclared(&self, word: &Word) -> Vec<String> {
        if word.is_literal() {
            return Vec::new();
        }
        let known = |name: &str| self.declares(name).then(|| "x".to_owned());
        distinct(word.expand_fully(&known).map(|expanded| expanded.unset).unwrap_or_default())
    }
}

/// Returns for every stage the number of the earlier stage that it builds upon, if it is one.
pub(super) fn parents(file: &Dockerfile, globals: &Globals) -> Vec<Option<usize>> {
    let mut names = HashMap::new();
    let mut parents = Vec::new();
    for stage in &file.stages {
        let image = globals.image(stage);
        let numbered = || image.parse().ok().filter(|number| *number < stage.index);
        parents.push(names.get(&image.to_ascii_lowercase()).copied().or_else(numbered));
        names.extend(stage.name.as_ref().map(|name| (name.as_str().to_owned(), stage.index)));
    }
    parents
}

/// What is set at some point of a stage.
pub(super) struct Scope<'a> {
    globals: &'a Globals,
    /// The names, and the values of those whose value the text alone tells.
    values: BTreeMap<String, Option<String>>,
    /// What names were before they were set, so that stages that begin with the same one do not each copy all of it.
    before: Vec<(String, Option<Value>)>,
    /// Whether the environment of the base image is known.
    pub(super) complete: bool,
}

/// A point of the walk: what was set since can be taken back.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

/// The value of a variable, where the text alone tells it.
type Value = Option<String>;

/// A step of a walk that is still to be made.
#[derive(Clone, Copy)]
enum Todo {
    Enter(usize),
    Leave(Mark),
}

impl<'a> Scope<'a> {
    /// Calls `visit` for every statement, with what is set before it: a stage right after the one that it builds upon.
    ///
    /// What `visit` declares is to be taken back by it.
    pub(super) fn walk(subject: &'a Subject<'_>, mut visit: impl FnMut(&mut Self, &Statement)) {
        let stages = &subject.file.stages;
        let mut children = vec![Vec::new(); stages.len()];
        let mut todo = Vec::new();
        for (stage, parent) in stages.iter().zip(&subject.parents).rev() {
            match parent {
                Some(parent) => children[*parent].push(Todo::Enter(stage.index)),
                None => todo.push(Todo::Enter(stage.index)),
            }
        }
        let mut scope = Self::new(&subject.globals);
        while let Some(next) = todo.pop() {
            let index = match next {
                Todo::Leave(mark) => {
                    scope.take_back(mark);
                    continue;
                }
                Todo::Enter(index) => index,
            };
            todo.push(Todo::Leave(scope.mark()));
            if subject.parents[index].is_none() {
                scope.begin(subject, &stages[index]);
            }
            for statement in &stages[index].statements {
                visit(&mut scope, statement);
                scope.add(statement);
            }
            todo.append(&mut children[index]);
        }
    }

    fn new(globals: &'a Globals) -> Self {
        Self { globals, values: BTreeMap::new(), before: Vec::new(), complete: false }
    }

    /// Sets what is set at the beginning of `stage`, a stage that builds upon no other.
    fn begin(&mut self, subject: &Subject<'_>, stage: &Stage) {
        let image = self.globals.image(stage);
        let base = subject.options.bases.get(&stage.index);
        let environment = base.and_then(|base| base.environment.as_ref());
        self.set("PATH".to_owned(), None);
        for (name, value) in environment.into_iter().flatten() {
            self.set(name.clone(), Some(value.clone()));
        }
        self.complete = environment.is_some() || image == "scratch";
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.before.len())
    }

    /// Takes back what was set since `mark`.
    pub(super) fn take_back(&mut self, mark: Mark) {
        for (name, before) in self.before.drain(mark.0..).rev() {
            match before {
                Some(value) => self.values.insert(name, value),
                None => self.values.remove(&name),
            };
        }
    }

    fn set(&mut self, name: String, value: Option<String>) {
        let before = self.values.insert(name.clone(), value);
        self.before.push((name, before));
    }

    /// Adds what `statement` sets.
    fn add(&mut self, statement: &Statement) {
        match &statement.instruction {
            Instruction::Arg(arg) => arg.declarations.iter().for_each(|it| self.declare(it)),
            Instruction::Env(env) => {
                // Every word sees what was set before the instruction.
                let pairs = env.pairs.iter().map(|KeyValue { key, value }| {
                    let name = self.text(key).map_or(key.raw().to_owned(), |key| key.text);
                    (name, self.text(value).map(|value| value.text))
                });
                let pairs: Vec<_> = pairs.collect();
                for (name, value) in pairs {
                    self.set(name, value);
                }
            }
            _ => {}
        }
    }

    /// Adds one argument of an `ARG`; the next one of the same `ARG` sees it already, as in `BuildKit`'s `dispatchArg`.
    pub(super) fn declare(&mut self, declaration: &Declaration) {
        let name = declaration.name.raw();
        let value = match &declaration.default {
            Some(default) => self.text(default).map(|value| value.text),
            None => self.globals.values.get(name).cloned().flatten(),
        };
        self.set(name.to_owned(), value);
    }

    /// Returns whether `name` is declared or set here.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the variable that is likely meant by `name`.
    pub(super) fn meant(&self, name: &str) -> Option<&str> {
        self.globals.nearest(name, &self.values)
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
        let expanded = word.expand_within(&value, &self.globals.work).ok()?;
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
