//! `cargo xtask bench server`: the embedded registry and CNCF distribution, each with the same clients, side by side in one run.
//!
//! Every measurement has a server of its own in an empty directory. Both servers sync what they acknowledge, as they come.

mod contestant;
mod table;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use notes_testkit::cache;

use super::{
    Result,
    clients::{Client, Crane, Notes},
    images::Images,
    measure::settle,
};
use crate::{cli::ServerBenchOptions, compare::succeeded, output, program};
use contestant::Contestant;
use table::Table;

/// What is done with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Push,
    Pull,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Push => "push",
            Self::Pull => "pull",
        })
    }
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    images: Images,
    operation: Operation,
    client: &'static str,
    server: Contestant,
}

/// What a transfer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Transfer {
    time: Duration,
    /// The most memory that the server has ever had, in bytes.
    memory: u64,
}

/// Measures everything, and returns the table.
pub(super) fn measure(options: &ServerBenchOptions) -> Result<String> {
    let cache = cache::directory();
    let directory = cache.join("bench-server");
    super::empty(&directory)?;
    let program = super::release()?;
    let clients = [&Notes::build(&directory)? as &dyn Client, &Crane::build(&cache)?];
    let mut table = Table::default();
    for images in [Images::Large, Images::Small] {
        images.make(&directory)?;
        for round in 1..=options.rounds {
            for client in clients {
                for server in super::in_turn(&Contestant::ALL, round) {
                    let run = Run { server, client, images, directory: &directory };
                    let (push, pull) = run.measure(&program)?;
                    for (operation, transfer) in [(Operation::Push, push), (Operation::Pull, pull)]
                    {
                        let client = client.name();
                        let case = Case { images, operation, client, server };
                        let milliseconds = transfer.time.as_millis();
                        output::say(&format!(
                            "{round} {operation} of {images} by {client}, {server}: {milliseconds} ms"
                        ));
                        table.add(case, transfer);
                    }
                }
            }
        }
    }
    fs::remove_dir_all(&directory)?;
    Ok(table.to_string())
}

/// Who moves what to which server and back.
struct Run<'a> {
    server: Contestant,
    client: &'a dyn Client,
    images: Images,
    directory: &'a Path,
}

impl Run<'_> {
    /// Pushes an image to an empty server and pulls it again.
    fn measure(&self, program: &Path) -> Result<(Transfer, Transfer)> {
        let root: PathBuf = self.directory.join("registry");
        let server = self.server.start(program, &root)?;
        let name = format!("{}/bench:1", server.address());
        let layout = self.directory.join("images").join(self.images.name());
        let pulled = self.directory.join("pulled");
        super::empty(&pulled)?;
        let transfer = |operation| -> Result<Transfer> {
            settle()?;
            let command = match operation {
                Operation::Push => self.client.push(&layout, &name),
                Operation::Pull => self.client.pull(&name, &pulled),
            };
            Ok(Transfer { time: time(command)?, memory: server.memory()? })
        };
        let (push, pull) = (transfer(Operation::Push)?, transfer(Operation::Pull)?);
        drop(server);
        fs::remove_dir_all(&pulled)?;
        fs::remove_dir_all(&root)?;
        Ok((push, pull))
    }
}

/// Runs a command to its end and returns how long it took.
fn time(mut command: Command) -> Result<Duration> {
    command.stdin(Stdio::null());
    let started = Instant::now();
    let ended = command.output().and_then(succeeded);
    let time = started.elapsed();
    match ended {
        Ok(_) => Ok(time),
        Err(error) => Err(format!("`{}` failed: {error}", program::line(&command)).into()),
    }
}
