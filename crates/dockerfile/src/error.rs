//! Why a text is no Dockerfile.

use crate::diagnostic::render_excerpt;
use crate::{Excerpt, Severity, Span};

/// The error returned when a Dockerfile cannot be parsed. It shows its place by itself.
///
/// ```
/// use notes_dockerfile::Dockerfile;
///
/// let error = Dockerfile::parse("FROM debian\nRUNN apt-get update\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: unknown instruction `RUNN`");
/// assert_eq!(error.render("Dockerfile"), "\
/// error: unknown instruction `RUNN`
///  --> Dockerfile:2:1
///   |
/// 2 | RUNN apt-get update
///   | ^^^^
/// hint: did you mean `RUN`?
/// ");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}: {reason}", excerpt.position.line)]
pub struct ParseError {
    /// What is wrong.
    pub reason: Reason,
    /// Where it is.
    pub span: Span,
    /// The line that it is on.
    pub excerpt: Box<Excerpt>,
}

impl ParseError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        self.reason.hint()
    }

    /// Returns the report with the source line, for a Dockerfile that is called `name`.
    pub fn render(&self, name: &str) -> String {
        let message = self.reason.to_string();
        render_excerpt(Severity::Error, &message, name, &self.excerpt, self.hint().as_deref())
    }
}

/// What is wrong with a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the variants and their fields mean")]
pub enum Reason {
    #[error("the file has no instructions")]
    Empty,
    #[error("the file has no `FROM`")]
    NoStage,
    #[error("unknown instruction `{name}`")]
    UnknownInstruction { name: String, suggestion: Option<String> },
    #[error("`{instruction}` before the first `FROM`")]
    BeforeFrom { instruction: &'static str },
    #[error("`{instruction}` needs {expected}")]
    Arguments { instruction: &'static str, expected: &'static str },

    #[error("`{directive}` is given twice")]
    DirectiveRepeated { directive: String },
    #[error("`{value}` cannot be the escape character")]
    Escape { value: String },
    #[error("`{option}` is no option of `check`")]
    CheckOption { option: String, suggestion: Option<String> },
    #[error("the option `{option}` of `check` has no value")]
    CheckSetting { option: String },
    #[error("`{value}` is neither `true` nor `false`")]
    NotBoolean { value: String },

    #[error("`{instruction}` has no flag `--{flag}`")]
    UnknownFlag { instruction: &'static str, flag: String, suggestion: Option<String> },
    #[error("`--{flag}` needs a value")]
    FlagValue { flag: String },
    #[error("`--{flag}` is given twice")]
    FlagRepeated { flag: String },
    #[error("`{value}` is no value of `--{flag}`")]
    FlagInvalid { flag: &'static str, value: String, expected: &'static str },

    #[error("a JSON array of arguments may hold strings only")]
    NotStrings,
    #[error("`SHELL` needs a JSON array with at least one string")]
    ShellForm,
    #[error("`{name}` cannot be the name of a stage")]
    StageName { name: String },
    #[error("`{word}` stands where `AS` is expected")]
    FromAs { word: String },
    #[error("`{word}` is not of the form `key=value`")]
    KeyValue { word: String },
    #[error("`{instruction}` has a blank key")]
    BlankKey { instruction: &'static str },
    #[error("`{instruction}` has an empty path")]
    EmptyPath { instruction: &'static str },
    #[error("`{instruction}` cannot be a trigger")]
    Trigger { instruction: &'static str },
    #[error("`{word}` is no kind of health check")]
    HealthcheckKind { word: String, suggestion: Option<String> },
    #[error("`HEALTHCHECK NONE` takes neither flags nor arguments")]
    HealthcheckNone,

    #[error("the heredoc `{name}` is not ended")]
    HeredocUnterminated { name: String },
    #[error("a heredoc cannot be the destination")]
    HeredocDestination,

    #[error("`{value}` is no list of mount options")]
    MountSyntax { value: String },
    #[error("`{key}` is no option of a `{kind}` mount")]
    MountKey { key: String, kind: &'static str, suggestion: Option<String> },
    #[error("the mount option `{key}` needs a value")]
    MountValue { key: String },
    #[error("the mount option `{key}` is given twice")]
    MountRepeated { key: String },
    #[error("`{value}` is no value of the mount option `{key}`")]
    MountInvalid {
        key: &'static str,
        value: String,
        expected: &'static str,
        suggestion: Option<String>,
    },
    #[error("the mount option `{key}` cannot hold variables")]
    MountVariable { key: &'static str },
    #[error("a `{kind}` mount needs {expected}")]
    MountMissing { kind: &'static str, expected: &'static str },
}

impl Reason {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownInstruction { suggestion: Some(word), .. }
            | Self::CheckOption { suggestion: Some(word), .. }
            | Self::HealthcheckKind { suggestion: Some(word), .. }
            | Self::MountInvalid { suggestion: Some(word), .. }
            | Self::MountKey { suggestion: Some(word), .. } => return Some(did_you_mean(word)),
            Self::UnknownFlag { suggestion: Some(word), .. } => {
                return Some(did_you_mean(&format!("--{word}")));
            }
            Self::UnknownInstruction { name, .. } if name.starts_with("//") => {
                "comments begin with `#`"
            }
            Self::UnknownInstruction { .. } => {
                "a line that continues the previous one needs a `\\` at the end of that line"
            }
            Self::UnknownFlag { .. } => "a word `--` ends the flags of an instruction",
            Self::Empty | Self::NoStage => "a Dockerfile begins with `FROM image`",
            Self::BeforeFrom { .. } => "only `ARG` may stand there",
            Self::Escape { .. } => "it is `\\` or a backtick",
            Self::CheckOption { .. } => "its options are `skip`, `error` and `experimental`",
            Self::CheckSetting { option } => {
                return Some(format!("write `{option}=…`; options are separated by `;`"));
            }
            Self::FlagValue { flag } => return Some(format!("write `--{flag}=value`, with `=`")),
            Self::FlagInvalid { expected, .. } | Self::MountInvalid { expected, .. } => {
                return Some(format!("expected {expected}"));
            }
            Self::NotStrings => "put quotes around numbers and words",
            Self::ShellForm => "for example `SHELL [\"/bin/bash\", \"-c\"]`",
            Self::StageName { .. } => {
                "it begins with a letter; letters, digits, `-`, `_` and `.` may follow"
            }
            Self::FromAs { .. } => "write `FROM image AS name`",
            Self::KeyValue { .. } => "a value with spaces needs quotes: `key=\"two words\"`",
            Self::HealthcheckKind { .. } => "write `HEALTHCHECK CMD command` or `HEALTHCHECK NONE`",
            Self::HeredocUnterminated { name } => {
                return Some(format!("a line with nothing but `{name}` ends it"));
            }
            Self::MountVariable { key: "from" } => {
                "give the image a name with `FROM $VARIABLE AS name` and use that"
            }
            Self::MountSyntax { .. } => "options are `key=value`, separated by commas",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

/// What is wrong and where, before the source is put to it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) span: Span,
}

impl Fault {
    pub(crate) fn new(reason: Reason, span: Span) -> Self {
        Self { reason, span }
    }

    pub(crate) fn in_source(self, source: &str) -> ParseError {
        let Self { reason, span } = self;
        ParseError { reason, span, excerpt: Box::new(Excerpt::new(source, span)) }
    }
}

/// Returns `text` short enough for a message.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
