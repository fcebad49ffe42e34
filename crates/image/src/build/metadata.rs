//! Instructions that change the config alone.

use notes_dockerfile::{
    Command, Expose, Healthcheck, HealthcheckTest, Instruction, KeyValue, Port, Stopsignal,
    Variables as _,
};
use notes_oci::Healthcheck as Check;

use super::{
    Problem,
    state::{self, State},
};
use crate::plan::{Arguments, Kind};

/// Applies an instruction and returns its line of the history, if it has one.
pub(super) fn apply(
    state: &mut State,
    instruction: &Instruction,
    arguments: &Arguments,
) -> Result<Option<String>, Problem> {
    let text = match instruction {
        Instruction::Arg(arg) => {
            let mut texts = Vec::new();
            for declaration in &arg.declarations {
                let name = declaration.name.raw();
                // A default that is not needed may be wrong.
                let value = match (arguments.given(name), &declaration.default) {
                    (Some(given), _) => Some(given.to_owned()),
                    (None, Some(default)) => Some(default.expand(&state.scope)?),
                    (None, None) => arguments.value(name),
                };
                texts.push(match &value {
                    Some(value) => format!("{name}={value}"),
                    None => name.to_owned(),
                });
                state.scope.declare(name);
                if let Some(value) = value {
                    state.scope.set(Kind::Argument, name, &value);
                }
            }
            texts.join(" ")
        }
        Instruction::Env(env) => {
            let pairs = pairs(state, &env.pairs)?;
            for (name, value) in &pairs {
                state.scope.set(Kind::Environment, name, value);
            }
            state.config.config.env = state.scope.environment();
            joined(&pairs)
        }
        Instruction::Label(label) => {
            let pairs = pairs(state, &label.pairs)?;
            state.config.config.labels.extend(pairs.iter().cloned());
            joined(&pairs)
        }
        Instruction::Expose(expose) => ports(state, expose)?,
        Instruction::Volume(volume) => {
            let mut paths = Vec::new();
            for path in &volume.paths {
                let path = path.expand(&state.scope)?;
                if path.is_empty() {
                    return Err(Problem::Value { value: path, expected: "a path" });
                }
                state.config.config.volumes.insert(path.clone());
                paths.push(path);
            }
            format!("[{}]", paths.join(" "))
        }
        Instruction::User(user) => {
            let user = user.user.expand(&state.scope)?;
            state.config.config.user.clone_from(&user);
            user
        }
        Instruction::Cmd(command) => {
            let argv = argv(state, command);
            state.command = state::Command::Given;
            state.config.config.cmd = Some(argv.clone()).filter(|argv| !argv.is_empty());
            array(&argv)
        }
        Instruction::Entrypoint(command) => {
            let argv = argv(state, command);
            if state.command == state::Command::Inherited {
                state.config.config.cmd = None;
            }
            state.config.config.entrypoint = Some(argv.clone()).filter(|argv| !argv.is_empty());
            array(&argv)
        }
        Instruction::Shell(shell) => {
            state.config.config.shell = Some(shell.arguments.clone());
            format!("[{}]", shell.arguments.join(" "))
        }
        Instruction::Stopsignal(signal) => stop_signal(state, signal)?,
        Instruction::Healthcheck(check) => health_check(state, check),
        Instruction::Maintainer(maintainer) => {
            state.config.author = Some(maintainer.name.value.clone());
            maintainer.name.value.clone()
        }
        Instruction::Onbuild(onbuild) => {
            state.config.config.on_build.push(onbuild.text.clone());
            return Ok(None);
        }
        Instruction::Add(_)
        | Instruction::Copy(_)
        | Instruction::Run(_)
        | Instruction::Workdir(_) => unreachable!("the builder carries these out itself"),
    };
    Ok(Some(format!("{} {text}", instruction.name())))
}

/// Expands pairs with the variables from before the instruction.
fn pairs(state: &State, pairs: &[KeyValue]) -> Result<Vec<(String, String)>, Problem> {
    let expand = |pair: &KeyValue| -> Result<_, Problem> {
        let key = pair.key.expand(&state.scope)?;
        if key.is_empty() {
            return Err(Problem::Value { value: pair.key.raw().into(), expected: "a name" });
        }
        Ok((key, pair.value.expand(&state.scope)?))
    };
    pairs.iter().map(expand).collect()
}

fn joined(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// Writes a list as other builders do in their histories.
fn array(argv: &[String]) -> String {
    let quoted: Vec<_> = argv.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

/// Returns the arguments that a command stands for; shell form is handed to the shell as one text.
pub(super) fn argv(state: &State, command: &Command) -> Vec<String> {
    match command {
        Command::Exec(argv) => argv.clone(),
        Command::Shell(text) => {
            let mut argv = state.shell();
            argv.push(text.clone());
            argv
        }
    }
}

fn ports(state: &mut State, expose: &Expose) -> Result<String, Problem> {
    let mut names = Vec::new();
    for word in &expose.ports {
        for text in word.expand_fields(&state.scope)? {
            let ports = Port::parse(&text).map_err(|source| Problem::Port { source })?;
            names.extend(ports.iter().map(ToString::to_string));
        }
    }
    names.sort_unstable();
    state.config.config.exposed_ports.extend(names.iter().cloned());
    Ok(format!("[{}]", names.join(" ")))
}

/// The names that `kill -l` knows on Linux, without real-time ones.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

fn stop_signal(state: &mut State, signal: &Stopsignal) -> Result<String, Problem> {
    let signal = signal.signal.expand(&state.scope)?;
    let name = signal.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let number = name.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    let real_time = name.starts_with("RTMIN") || name.starts_with("RTMAX");
    if !number && !real_time && !SIGNALS.contains(&name) {
        return Err(Problem::Value { value: signal, expected: "the name or number of a signal" });
    }
    state.config.config.stop_signal = Some(signal.clone());
    Ok(signal)
}

fn health_check(state: &mut State, check: &Healthcheck) -> String {
    let nanoseconds = |duration: Option<std::time::Duration>| {
        duration.map_or(0, |duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    };
    let (test, shown) = match &check.test {
        HealthcheckTest::None => (vec!["NONE".to_owned()], "NONE".to_owned()),
        HealthcheckTest::Command(Command::Shell(text)) => {
            (vec!["CMD-SHELL".into(), text.clone()], format!("CMD {text}"))
        }
        HealthcheckTest::Command(Command::Exec(argv)) => {
            let test = [&["CMD".to_owned()][..], argv].concat();
            (test, format!("CMD {}", array(argv)))
        }
    };
    state.config.config.healthcheck = Some(Check {
        test,
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        start_period: nanoseconds(check.start_period),
        start_interval: nanoseconds(check.start_interval),
        retries: check.retries.unwrap_or(0).into(),
    });
    shown
}
