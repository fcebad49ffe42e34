//! The file as a whole: directives, global arguments, stages.

use crate::{Arg, Directives, Span, Spanned, Statement, Word};

/// A parsed Dockerfile. [`Dockerfile::parse`] is the only way to make one, so there is always at least one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The text it was parsed from; all spans are offsets in it.
    pub source: String,
    /// What stands at the top in special comments.
    pub directives: Directives,
    /// The `ARG`s before the first `FROM`.
    pub arguments: Vec<GlobalArg>,
    /// The stages, at least one, in order.
    pub stages: Vec<Stage>,
    /// Every comment, those between continued lines included.
    pub comments: Vec<Span>,
    /// What is legal but doubtful and visible only to the parser.
    pub remarks: Vec<Remark>,
}

/// An `ARG` before the first `FROM`: visible to `FROM` lines, and to a stage that declares it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalArg {
    /// What it declares.
    pub arg: Arg,
    /// The whole statement.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<String>,
}

/// One stage: a `FROM` and the instructions below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0; `--from=0` means it.
    pub index: usize,
    /// The image or stage that it starts from.
    pub image: Word,
    /// The value of `--platform`.
    pub platform: Option<Word>,
    /// Its name after `AS`.
    pub name: Option<StageName>,
    /// What follows.
    pub statements: Vec<Statement>,
    /// The `FROM` statement.
    pub span: Span,
    /// The keyword `FROM` as written.
    pub keyword: Spanned<String>,
    /// The keyword `AS` as written.
    pub as_keyword: Option<Spanned<String>>,
    /// The text of the `FROM` statement with continuations joined.
    pub original: String,
}

/// The name of a stage. Compared without regard to case: [`StageName::as_str`] is in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageName {
    pub(crate) lower: String,
    pub(crate) written: Spanned<String>,
}

impl StageName {
    /// Returns the name in lower case.
    pub fn as_str(&self) -> &str {
        &self.lower
    }

    /// Returns the name as written, and where.
    pub fn written(&self) -> &Spanned<String> {
        &self.written
    }
}

/// Something legal but doubtful that only the parser sees; lint rules report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// Where it is.
    pub span: Span,
}

/// The kinds of [`Remark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemarkKind {
    /// An empty line between continued lines; the first one of its statement.
    EmptyContinuation,
    /// An argument begins with `[` and is no valid JSON, so it is taken as words or shell text.
    BrokenJson,
}

impl Dockerfile {
    /// Returns the stage that `reference` names: a name in any case, or a number.
    ///
    /// The last definition of a name wins.
    pub fn stage(&self, reference: &str) -> Option<&Stage> {
        self.stage_before(reference, self.stages.len())
    }

    /// Returns the stage among the first `end` ones that `reference` names.
    ///
    /// A stage sees only earlier ones: pass its [`Stage::index`].
    pub fn stage_before(&self, reference: &str, end: usize) -> Option<&Stage> {
        let stages = &self.stages[..end.min(self.stages.len())];
        let lower = reference.to_ascii_lowercase();
        let named = |stage: &&Stage| stage.name.as_ref().is_some_and(|name| name.lower == lower);
        stages.iter().rfind(named).or_else(|| stages.get(reference.parse::<usize>().ok()?))
    }
}
