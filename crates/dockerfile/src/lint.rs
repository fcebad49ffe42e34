//! Rules about Dockerfiles that build but should not be written so: the rules of `docker build --check`.
//!
//! A rule is a value: a name, a sentence and a pure function, one file each; [`RULES`] lists them. What a rule needs to know
//! beyond the text is in [`Options`]. The names are those of `BuildKit`, so that `# check=skip=…` means the same.
//!
//! A file says what counts, at its top by the directive `# check=skip=…`, and for one instruction by the same words in a
//! comment right above it. What a rule must know of a base image is told by whoever has the image: [`Options::bases`].

mod comments;
mod consistent_instruction_casing;
mod copy_ignored_file;
mod duplicate_stage_name;
mod expose_invalid_format;
mod expose_proto_casing;
mod from_as_casing;
mod from_platform_flag_const_disallowed;
mod image_name;
mod invalid_base_image_platform;
mod invalid_default_arg_in_from;
mod invalid_definition_description;
mod json_args_recommended;
mod legacy_key_value_format;
mod maintainer_deprecated;
mod multiple_instructions_disallowed;
mod no_empty_continuation;
mod redundant_target_platform;
mod reserved_stage_name;
mod scope;
mod secrets_used_in_arg_or_env;
mod stage_name_casing;
mod switches;
mod undefined_arg_in_from;
mod undefined_var;
mod workdir_relative_path;

use std::collections::BTreeMap;
use std::fmt;

use crate::{Dockerfile, Ignore, Selection, Severity, Span, Statement, Strictness, render};
use comments::Comments;
use scope::{Globals, Scope};
use switches::Switches;

/// All rules, by name.
pub const RULES: &[Rule] = &[
    consistent_instruction_casing::RULE,
    copy_ignored_file::RULE,
    duplicate_stage_name::RULE,
    expose_invalid_format::RULE,
    expose_proto_casing::RULE,
    from_as_casing::RULE,
    from_platform_flag_const_disallowed::RULE,
    invalid_base_image_platform::RULE,
    invalid_default_arg_in_from::RULE,
    invalid_definition_description::RULE,
    json_args_recommended::RULE,
    legacy_key_value_format::RULE,
    maintainer_deprecated::RULE,
    multiple_instructions_disallowed::RULE,
    no_empty_continuation::RULE,
    redundant_target_platform::RULE,
    reserved_stage_name::RULE,
    secrets_used_in_arg_or_env::RULE,
    stage_name_casing::RULE,
    undefined_arg_in_from::RULE,
    undefined_var::RULE,
    workdir_relative_path::RULE,
];

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its stable name, for example `StageNameCasing`.
    pub name: &'static str,
    /// What it asks for, in one sentence.
    pub description: &'static str,
    /// Whether it is on by itself.
    pub status: Status,
    check: Judge,
}

/// How a rule finds what breaks it.
#[derive(Clone, Copy)]
enum Judge {
    /// In the file as a whole.
    File(fn(&Subject<'_>) -> Vec<Found>),
    /// In one statement, by what is set before it. The function takes back what it sets itself.
    Statement(fn(&Subject<'_>, &mut Scope<'_>, &Statement) -> Vec<Found>),
}

/// Whether a rule is on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Standard,
    /// Only when `# check=experimental=…` or [`Options::experimental`] says so.
    Experimental,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// What rules may know besides the Dockerfile, and which of them count.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The ignore file of the context.
    pub ignore: Option<Ignore>,
    /// What is known of base images, by the number of the stage that begins with one. About a stage that is not here,
    /// the rules say only what is certain without it.
    pub bases: BTreeMap<usize, Base>,
    /// Rules that do not count, besides those that the file skips.
    pub skip: Selection,
    /// Experimental rules that count, besides those that the file asks for.
    pub experimental: Selection,
}

/// What is known of a base image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The variables that it sets, if they are known.
    pub environment: Option<BTreeMap<String, String>>,
    /// Whether it has a `SHELL` of its own.
    pub shell: BaseShell,
    /// The platform that it is for, such as `linux/amd64`.
    pub platform: String,
    /// The platform that its stage is built for.
    pub wanted: String,
}

/// Whether a base image has a `SHELL` of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaseShell {
    /// It has none, as nearly all images.
    #[default]
    Default,
    /// It has one.
    Own,
}

/// What [`check`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The findings, by place.
    pub findings: Vec<Finding>,
    /// What findings mean: `# check=error=true` makes them errors.
    pub strictness: Strictness,
}

/// One place where a rule is broken.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// What is wrong here.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Finding {
    /// Returns the report with the source line, for a Dockerfile that is called `name`.
    pub fn render(&self, severity: Severity, name: &str, source: &str) -> String {
        let message = format!("{} ({})", self.message, self.rule.name);
        render(severity, &message, name, source, self.span, self.hint.as_deref())
    }
}

/// Applies all rules that the file does not skip.
///
/// ```
/// use notes_dockerfile::{Dockerfile, Severity, lint};
///
/// let file = Dockerfile::parse("FROM debian AS Base\nMAINTAINER me\n")?;
/// let report = lint::check(&file, &lint::Options::default());
/// let names: Vec<_> = report.findings.iter().map(|finding| finding.rule.name).collect();
/// assert_eq!(names, ["StageNameCasing", "MaintainerDeprecated"]);
/// assert_eq!(report.findings[0].render(Severity::Warning, "Dockerfile", &file.source), "\
/// warning: stage name `Base` is not in lower case (StageNameCasing)
///  --> Dockerfile:1:16
///   |
/// 1 | FROM debian AS Base
///   |                ^^^^
/// hint: write `base`
/// ");
/// # Ok::<(), notes_dockerfile::ParseError>(())
/// ```
pub fn check(file: &Dockerfile, options: &Options) -> Report {
    let wanted = file.directives.check.as_ref();
    let switches = wanted.map(|check| Switches::of(check)).unwrap_or_default();
    let asked = Switches::of_caller(options);
    let globals = Globals::of(file);
    let parents = scope::parents(file, &globals);
    let comments = Comments::of(file);
    let workdirs = workdir_relative_path::firsts(file, &parents);
    let subject = Subject { file, options, globals, parents, workdirs };
    let mut findings = Vec::new();
    let mut keep = |number: usize, found: Vec<Found>| {
        let rule = &RULES[number];
        for Found { span, message, hint } in found {
            let switches = switches.and(comments.at(span));
            if switches.let_through(number, rule.status, asked) {
                findings.push(Finding { rule, message, span, hint });
            }
        }
    };
    for (number, rule) in RULES.iter().enumerate() {
        if let Judge::File(check) = rule.check {
            keep(number, check(&subject));
        }
    }
    Scope::walk(&subject, |scope, statement| {
        for (number, rule) in RULES.iter().enumerate() {
            if let Judge::Statement(check) = rule.check {
                keep(number, check(&subject, scope, statement));
            }
        }
    });
    findings.sort_by_key(|finding| (finding.span, finding.rule.name));
    let strictness = wanted.map(|check| check.strictness).unwrap_or_default();
    Report { findings, strictness }
}

/// What a rule looks at.
struct Subject<'a> {
    file: &'a Dockerfile,
    options: &'a Options,
    globals: Globals,
    /// For every stage the number of the stage that it builds upon.
    parents: Vec<Option<usize>>,
    /// Where the first `WORKDIR` of each chain of stages stands, in order.
    workdirs: Vec<usize>,
}

impl<'a> Subject<'a> {
    /// Returns every statement below a `FROM`.
    fn statements(&self) -> impl Iterator<Item = &'a Statement> {
        self.file.stages.iter().flat_map(|stage| &stage.statements)
    }
}

/// What a rule returns.
struct Found {
    span: Span,
    message: String,
    hint: Option<String>,
}

impl Found {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), hint: None }
    }

    fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
