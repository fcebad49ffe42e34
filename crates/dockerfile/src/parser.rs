//! Text to tree.
//!
//! The rules are those of moby's parser (`frontend/dockerfile/parser` and `instructions` in `BuildKit`), with one addition:
//! nothing that is not understood is passed over.

mod copy;
mod directive;
mod healthcheck;
mod keyvalue;
mod mount;
mod run;
mod stage;

pub(crate) use directive::check_options;

use std::ops::Range;

use crate::arguments::{Arguments, BLANKS, Form};
use crate::error::{Fault, Reason, shortened};
use crate::lexer::{Lexer, Logical};
use crate::suggestion::nearest;
use crate::{
    Command, Dockerfile, Expose, GlobalArg, Instruction, Maintainer, Onbuild, ParseError, Shell,
    Span, Spanned, Stage, Statement, Stopsignal, User, Volume, Workdir,
};

/// All keywords.
pub(crate) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What a line can be.
enum Item {
    From(Stage),
    Statement(Statement),
}

impl Dockerfile {
    /// Parses the text of a Dockerfile.
    ///
    /// # Errors
    ///
    /// Fails at the first place that is not understood, and says where it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use notes_dockerfile::{Dockerfile, Instruction};
    ///
    /// let file = Dockerfile::parse("FROM python:3.13-slim AS app\nRUN pip install \\\n    django\n")?;
    /// let stage = &file.stages[0];
    /// assert_eq!(stage.image.raw(), "python:3.13-slim");
    /// assert!(matches!(stage.statements[0].instruction, Instruction::Run(_)));
    /// assert_eq!(stage.statements[0].original, "RUN pip install     django");
    /// # Ok::<(), notes_dockerfile::ParseError>(())
    /// ```
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        Parser::new(source).file().map_err(|fault| fault.in_source(source))
    }
}

impl Statement {
    /// Parses one instruction other than `FROM`: the text of an `ONBUILD` trigger, as an image's config holds it.
    ///
    /// Spans are offsets in `text`.
    pub fn parse_trigger(text: &str) -> Result<Self, ParseError> {
        let parse = || {
            let mut parser = Parser::new(text);
            let start = Fault::new(Reason::Empty, Span::default());
            let logical = parser.lexer.logical().ok_or(start)?;
            match parser.item(&logical, 0..logical.text.len())? {
                Item::Statement(Statement { instruction, span, .. })
                    if !may_be_trigger(instruction.name()) =>
                {
                    Err(Fault::new(Reason::Trigger { instruction: instruction.name() }, span))
                }
                Item::Statement(statement) => Ok(statement),
                Item::From(stage) => {
                    Err(Fault::new(Reason::Trigger { instruction: "FROM" }, stage.span))
                }
            }
        };
        parse().map_err(|fault| fault.in_source(text))
    }
}

fn may_be_trigger(keyword: &str) -> bool {
    !matches!(keyword, "FROM" | "MAINTAINER" | "ONBUILD")
}

struct Parser<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self { lexer: Lexer::new(source) }
    }

    fn file(mut self) -> Result<Dockerfile, Fault> {
        let directives = directive::directives(&mut self.lexer)?;
        let mut arguments = Vec::new();
        let mut stages: Vec<Stage> = Vec::new();
        while let Some(logical) = self.lexer.logical() {
            match self.item(&logical, 0..logical.text.len())? {
                Item::From(mut stage) => {
                    stage.index = stages.len();
                    stages.push(stage);
                }
                Item::Statement(statement) => match stages.last_mut() {
                    Some(stage) => stage.statements.push(statement),
                    None => arguments.push(global(statement)?),
                },
            }
        }
        if stages.is_empty() {
            let reason = if arguments.is_empty() { Reason::Empty } else { Reason::NoStage };
            let end = self.lexer.source.trim_end().len();
            return Err(Fault::new(reason, Span::new(end, end)));
        }
        Ok(Dockerfile {
            source: self.lexer.source.to_owned(),
            directives,
            arguments,
            stages,
            comments: self.lexer.comments,
            remarks: self.lexer.remarks,
        })
    }

    /// Parses the instruction at `range` of a logical line, and the heredoc bodies below it.
    fn item(&mut self, logical: &Logical, range: Range<usize>) -> Result<Item, Fault> {
        let text = &logical.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        let end = range.start + text.trim_end().len();
        let text = &logical.text[start..end];
        let length = text.find(BLANKS).unwrap_or(text.len());
        let span = logical.span(start..start + length);
        let keyword = Spanned::new(text[..length].to_owned(), span);
        let Some(name) = KEYWORDS.into_iter().find(|name| name.eq_ignore_ascii_case(&keyword))
        else {
            let suggestion = nearest(&keyword, KEYWORDS).map(str::to_owned);
            let reason = Reason::UnknownInstruction { name: shortened(&keyword), suggestion };
            return Err(Fault::new(reason, span));
        };
        let rest = start + length..end;
        let arguments = Arguments::new(logical, self.lexer.escape, name, span, rest);
        let original = text.to_owned();
        let line_end = logical.span(start..end).end;
        if name == "FROM" {
            let span = Span::new(span.start, line_end);
            return stage::from(arguments, keyword, span, original).map(Item::From);
        }
        let bodies = self.lexer.offset;
        let instruction = self.instruction(arguments)?;
        let end = if self.lexer.offset > bodies { self.end_of_bodies() } else { line_end };
        let span = Span::new(span.start, end);
        Ok(Item::Statement(Statement { instruction, span, keyword, original }))
    }

    /// Returns the end of the line that was taken last, without its line end.
    fn end_of_bodies(&self) -> usize {
        self.lexer.source[..self.lexer.offset].trim_end_matches(['\r', '\n']).len()
    }

    fn instruction(&mut self, mut arguments: Arguments<'_>) -> Result<Instruction, Fault> {
        let arguments = &mut arguments;
        let known = match arguments.instruction {
            "ADD" => return Ok(Instruction::Add(Box::new(copy::add(arguments, &mut self.lexer)?))),
            "COPY" => {
                return Ok(Instruction::Copy(Box::new(copy::copy(arguments, &mut self.lexer)?)));
            }
            "RUN" => return Ok(Instruction::Run(Box::new(run::run(arguments, &mut self.lexer)?))),
            "HEALTHCHECK" => {
                let remarks = &mut self.lexer.remarks;
                let check = healthcheck::healthcheck(arguments, remarks)?;
                return Ok(Instruction::Healthcheck(Box::new(check)));
            }
            "ONBUILD" => return self.onbuild(arguments).map(Instruction::Onbuild),
            other => other,
        };
        arguments.no_more_flags(&[])?;
        Ok(match known {
            "ARG" => Instruction::Arg(keyvalue::arg(arguments)?),
            "CMD" => Instruction::Cmd(self.command(arguments)?),
            "ENTRYPOINT" => Instruction::Entrypoint(self.command(arguments)?),
            "ENV" => Instruction::Env(keyvalue::env(arguments)?),
            "EXPOSE" => Instruction::Expose(expose(arguments)?),
            "LABEL" => Instruction::Label(keyvalue::label(arguments)?),
            "MAINTAINER" => Instruction::Maintainer(maintainer(arguments)?),
            "SHELL" => Instruction::Shell(self.shell(arguments)?),
            "STOPSIGNAL" => {
                Instruction::Stopsignal(Stopsignal { signal: arguments.whole("a signal")? })
            }
            "USER" => Instruction::User(User { user: arguments.whole("a user")? }),
            "VOLUME" => Instruction::Volume(self.volume(arguments)?),
            _ => Instruction::Workdir(Workdir { path: arguments.whole("a path")? }),
        })
    }

    fn onbuild(&mut self, arguments: &mut Arguments<'_>) -> Result<Onbuild, Fault> {
        arguments.no_more_flags(&[])?;
        arguments.required("an instruction")?;
        // Looked at before it is parsed: a trigger in a trigger would otherwise nest without end.
        let text = arguments.text();
        let keyword = &text[..text.find(BLANKS).unwrap_or(text.len())];
        let name = KEYWORDS.into_iter().find(|name| name.eq_ignore_ascii_case(keyword));
        if let Some(instruction) = name.filter(|name| !may_be_trigger(name)) {
            let span = arguments.span(0..keyword.len());
            return Err(Fault::new(Reason::Trigger { instruction }, span));
        }
        let bodies = self.lexer.offset;
        let Item::Statement(trigger) = self.item(arguments.logical, arguments.rest.clone())? else {
            unreachable!("`FROM` was refused above");
        };
        let mut text = text.to_owned();
        if self.lexer.offset > bodies {
            text.push('\n');
            text.push_str(&self.lexer.source[bodies..self.end_of_bodies()]);
        }
        Ok(Onbuild { text, trigger: Box::new(trigger) })
    }

    fn command(&mut self, arguments: &Arguments<'_>) -> Result<Command, Fault> {
        arguments.required("a command")?;
        command(arguments, &mut self.lexer.remarks)
    }

    fn shell(&mut self, arguments: &Arguments<'_>) -> Result<Shell, Fault> {
        match arguments.form(&mut self.lexer.remarks)? {
            Form::Exec(words) if !words.is_empty() => Ok(Shell { arguments: raw(words) }),
            _ => Err(Fault::new(Reason::ShellForm, arguments.keyword)),
        }
    }

    fn volume(&mut self, arguments: &Arguments<'_>) -> Result<Volume, Fault> {
        let paths = match arguments.form(&mut self.lexer.remarks)? {
            Form::Exec(words) => words,
            Form::Shell => words(arguments),
        };
        if paths.is_empty() {
            return Err(arguments.missing("a path"));
        }
        let paths: Vec<_> = paths.into_iter().map(trimmed).collect();
        if let Some(path) = paths.iter().find(|path| path.raw().is_empty()) {
            return Err(Fault::new(Reason::EmptyPath { instruction: "VOLUME" }, path.span()));
        }
        Ok(Volume { paths })
    }
}

fn global(statement: Statement) -> Result<GlobalArg, Fault> {
    let Statement { instruction, span, keyword, .. } = statement;
    match instruction {
        Instruction::Arg(arg) => Ok(GlobalArg { arg, span, keyword }),
        other => Err(Fault::new(Reason::BeforeFrom { instruction: other.name() }, keyword.span)),
    }
}

fn command(arguments: &Arguments<'_>, remarks: &mut Vec<crate::Remark>) -> Result<Command, Fault> {
    Ok(match arguments.form(remarks)? {
        Form::Exec(words) => Command::Exec(raw(words)),
        Form::Shell => Command::Shell(arguments.text().to_owned()),
    })
}

fn expose(arguments: &Arguments<'_>) -> Result<Expose, Fault> {
    arguments.required("a port")?;
    Ok(Expose { ports: words(arguments) })
}

fn maintainer(arguments: &Arguments<'_>) -> Result<Maintainer, Fault> {
    let word = arguments.whole("a name")?;
    Ok(Maintainer { name: Spanned::new(word.raw().to_owned(), word.span()) })
}

fn words(arguments: &Arguments<'_>) -> Vec<crate::Word> {
    arguments.blank_separated().into_iter().map(|range| arguments.word(range)).collect()
}

/// Returns the word without white space around it, which `VOLUME` alone drops from JSON strings.
fn trimmed(word: crate::Word) -> crate::Word {
    match word.raw().trim() {
        text if text.len() == word.raw().len() => word,
        text => crate::Word::new(text, word.escape(), word.span()),
    }
}

fn raw(words: Vec<crate::Word>) -> Vec<String> {
    words.into_iter().map(crate::Word::into_raw).collect()
}

/// Returns the value of a flag that knows only a few.
fn choice<T>(
    flag: Option<Spanned<String>>,
    name: &'static str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<Spanned<T>>, Fault> {
    let Some(Spanned { value, span }) = flag else { return Ok(None) };
    if let Some(choice) = read(&value) {
        Ok(Some(Spanned::new(choice, span)))
    } else {
        let value = shortened(&value);
        Err(Fault::new(Reason::FlagInvalid { flag: name, value, expected }, span))
    }
}
