//! `RUN`.

use super::choice;
use crate::arguments::{Arguments, Form};
use crate::error::Fault;
use crate::heredoc::{self, Opening};
use crate::lexer::Lexer;
use crate::{Network, Run, RunCommand, Security};

const FLAGS: [&str; 4] = ["mount", "network", "security", "device"];

pub(super) fn run(arguments: &mut Arguments<'_>, lexer: &mut Lexer<'_>) -> Result<Run, Fault> {
    let mut mounts = Vec::new();
    for value in arguments.values("mount")? {
        mounts.push(super::mount::mount(&value, arguments.escape)?);
    }
    let network = arguments.value("network")?;
    let network = choice(network, "network", "`default`, `none` or `host`", |name| match name {
        "default" => Some(Network::Default),
        "none" => Some(Network::None),
        "host" => Some(Network::Host),
        _ => None,
    })?;
    let security = arguments.value("security")?;
    let security = choice(security, "security", "`sandbox` or `insecure`", |name| match name {
        "sandbox" => Some(Security::Sandbox),
        "insecure" => Some(Security::Insecure),
        _ => None,
    })?;
    let devices = arguments.values("device")?;
    arguments.no_more_flags(&FLAGS)?;
    arguments.required("a command")?;
    let command = command(arguments, lexer)?;
    Ok(Run { command, mounts, network, security, devices })
}

fn command(arguments: &Arguments<'_>, lexer: &mut Lexer<'_>) -> Result<RunCommand, Fault> {
    if let Form::Exec(words) = arguments.form(&mut lexer.remarks)? {
        if words.is_empty() {
            return Err(arguments.missing("a command"));
        }
        return Ok(RunCommand::Exec(super::raw(words)));
    }
    let text = arguments.text();
    let openings = heredoc::openings(text);
    if let [only] = &openings[..]
        && only.range == (0..text.len())
    {
        let span = arguments.span(only.range.clone());
        return heredoc::read_body(only, span, lexer).map(RunCommand::Script);
    }
    let mut script = text.to_owned();
    for opening in &openings {
        script.push('\n');
        script.push_str(&raw_body(arguments, opening, lexer)?);
        script.push_str(&opening.name);
    }
    Ok(RunCommand::Shell(script))
}

/// Returns the body as the shell has to see it: tabs in front of the lines of `<<-` are the shell's to drop.
fn raw_body(
    arguments: &Arguments<'_>,
    opening: &Opening,
    lexer: &mut Lexer<'_>,
) -> Result<String, Fault> {
    let span = arguments.span(opening.range.clone());
    let heredoc = heredoc::read_body(opening, span, lexer)?;
    Ok(heredoc.body_span.text(lexer.source).to_owned())
}
