//! When output is coloured. Meaning never depends on it.

use anstream::ColorChoice;
use clap::ValueEnum;

use crate::environment::{self, Environment};

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Colours where they are wanted and shown.
    #[default]
    Auto,
    /// Colours always.
    Always,
    /// Colours never.
    Never,
}

/// Whether a stream ends at a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// A person watches.
    Terminal,
    /// A pipe, a file or the log of a CI job.
    Piped,
}

/// Decides whether to colour: the flag, then `NO_COLOR`, then what forces colours, then the terminal.
///
/// GitLab and GitHub render colours though a job's output is no terminal, so they count as one here.
pub(crate) fn choose(flag: Color, environment: &Environment, stream: Stream) -> ColorChoice {
    let forces = |variable| environment.value(variable).is_some_and(|value| value != "0");
    let colored = match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if environment.value(environment::NO_COLOR).is_some() => false,
        Color::Auto if forces(environment::FORCE_COLOR) || forces(environment::CLICOLOR_FORCE) => {
            true
        }
        Color::Auto if environment.value(environment::TERM) == Some("dumb") => false,
        Color::Auto => {
            stream == Stream::Terminal
                || forces(environment::GITLAB_CI)
                || forces(environment::GITHUB_ACTIONS)
        }
    };
    if colored { ColorChoice::AlwaysAnsi } else { ColorChoice::Never }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_beats_the_environment_and_the_environment_beats_the_terminal() {
        let with = |variables: &[(&str, &str)], flag, stream| {
            choose(flag, &variables.iter().copied().collect(), stream) != ColorChoice::Never
        };
        assert!(with(&[], Color::Auto, Stream::Terminal));
        assert!(!with(&[], Color::Auto, Stream::Piped));
        assert!(!with(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], Color::Auto, Stream::Terminal));
        assert!(with(&[("NO_COLOR", "1")], Color::Always, Stream::Piped));
        assert!(with(&[("FORCE_COLOR", "1")], Color::Auto, Stream::Piped));
        assert!(!with(&[("CLICOLOR_FORCE", "0")], Color::Auto, Stream::Piped));
        assert!(!with(&[("TERM", "dumb")], Color::Auto, Stream::Terminal));
        assert!(with(&[("GITLAB_CI", "true")], Color::Auto, Stream::Piped));
        assert!(!with(&[], Color::Never, Stream::Terminal));
    }
}
