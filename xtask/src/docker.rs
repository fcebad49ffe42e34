//! `cargo xtask docker`: the docker engine that tests use, by hand and for the time of the tests.

use std::{error::Error, process::ExitCode};

use notes_testkit::{
    cache,
    docker::{DockerError, Engine, HOST_VARIABLE, LocalEngine},
};

use crate::{cli::Action, output, test::Variable};

pub(crate) fn run(action: Action) -> Result<ExitCode, Box<dyn Error>> {
    let engine = LocalEngine::detect(&cache::directory())
        .map_err(|reason| format!("no docker engine can be started here: {reason}"))?;
    match action {
        Action::Up => {
            let engine = engine.start(&mut |line| output::say(line))?;
            output::result(&format!("{HOST_VARIABLE}={}", engine.host()));
        }
        Action::Down => engine.stop()?,
        Action::Status if engine.is_up() => output::say(&format!("up, at {}", engine.host())),
        Action::Status => {
            output::say("down");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An engine for the time of the tests.
pub(crate) enum Session {
    /// There is one already, or none can be had: the tests find out.
    AsItIs,
    /// Somebody's `cargo xtask docker up`.
    Found(LocalEngine),
    /// Started for them, and stopped when this is dropped.
    Started(LocalEngine),
}

impl Session {
    /// Starts an engine where none answers and one can be started.
    pub(crate) fn begin() -> Result<Self, DockerError> {
        if Engine::running().is_ok() {
            return Ok(Self::AsItIs);
        }
        let Ok(engine) = LocalEngine::detect(&cache::directory()) else { return Ok(Self::AsItIs) };
        if engine.is_up() {
            return Ok(Self::Found(engine));
        }
        let session = Self::Started(engine.clone());
        engine.start(&mut |line| output::say(line))?;
        Ok(session)
    }

    /// The variable that leads the tests to it.
    pub(crate) fn environment(&self) -> Vec<Variable> {
        match self {
            Self::AsItIs => Vec::new(),
            Self::Found(engine) | Self::Started(engine) => {
                vec![(HOST_VARIABLE, engine.host().into())]
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Self::Started(engine) = self
            && let Err(error) = engine.stop()
        {
            crate::report(&error);
        }
    }
}
