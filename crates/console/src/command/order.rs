//! Flags in front of a command's name: they mean what they mean behind it.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Moves what stands between the program and the name of its subcommand behind that name, so that `--store X config show` is
/// `config show --store X`. Whether the subcommand has such flags is for the parser to say.
///
/// Where flags are given and no subcommand, or where one is not known, nothing moves.
pub(super) fn behind_the_name(program: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut ordered: Vec<OsString> = arguments.by_ref().take(1).collect();
    let (mut flags, mut command) = (Vec::new(), program);
    while let Some(word) = arguments.next() {
        let Some(text) = word.to_str().filter(|text| *text != "--") else {
            flags.push(word);
            break;
        };
        if text.starts_with('-') && text != "-" {
            let takes_next = takes_next(program, text);
            flags.push(word);
            flags.extend(arguments.by_ref().take(usize::from(takes_next)));
        } else if let Some(subcommand) = command.find_subcommand(text) {
            ordered.push(word);
            command = subcommand;
            if !subcommand.has_subcommands() {
                break;
            }
        } else {
            flags.push(word);
            break;
        }
    }
    ordered.append(&mut flags);
    ordered.extend(arguments);
    ordered
}

/// Tells whether the value of a flag is the word after it.
fn takes_next(program: &Command, flag: &str) -> bool {
    let takes_value = |arg: &Arg| arg.get_action().takes_values();
    if let Some(name) = flag.strip_prefix("--") {
        return program.get_arguments().any(|arg| arg.get_long() == Some(name) && takes_value(arg));
    }
    let mut letters = flag.chars().skip(1);
    let with_value = letters.find(|letter| {
        program.get_arguments().any(|arg| arg.get_short() == Some(*letter) && takes_value(arg))
    });
    // What follows the letter in the same word is its value: `-fDockerfile`.
    with_value.is_some() && letters.next().is_none()
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn ordered(line: &str) -> String {
        let quiet = Arg::new("quiet").short('q').action(ArgAction::SetTrue);
        let file = Arg::new("file").short('f').long("file");
        let program = Command::new("program")
            .args([quiet, file])
            .subcommand(Command::new("check"))
            .subcommand(Command::new("config").subcommand(Command::new("show")));
        let words = line.split(' ').map(OsString::from).collect();
        let words = behind_the_name(&program, words);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_move_behind_the_name() {
        for (typed, read) in [
            ("program", "program"),
            ("program --file x", "program --file x"),
            ("program check --file x", "program check --file x"),
            ("program --file x check", "program check --file x"),
            ("program --file=x -q check", "program check --file=x -q"),
            ("program -qf x config show -q", "program config show -qf x -q"),
            ("program -fx config -q show", "program config show -fx -q"),
            // The value of a flag is no command, and neither is a word behind `--`.
            ("program --file check", "program --file check"),
            ("program -f check config", "program config -f check"),
            ("program -q -- check", "program -q -- check"),
            ("program --unknown word check", "program --unknown word check"),
        ] {
            assert_eq!(ordered(typed), read, "{typed}");
        }
    }
}
