//! `cargo xtask bench server`: the embedded registry and CNCF distribution, each with the same clients, side by side in one run.
//!
//! Every measurement has a server of its own in an empty directory. Both servers sync what they acknowledge, as they come.

mod client;
mod contestant;
mod image;
mod table;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use notes_testkit::cache;

use super::{Result, measure::settle};
use crate::{cargo, cli::ServerBenchOptions, output};
use client::Client;
use contestant::Contestant;
use image::Shape;
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
    shape: Shape,
    operation: Operation,
    client: Client,
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
    let directory = cache::directory().join("bench-server");
    super::empty(&directory)?;
    let program = super::release()?;
    cargo::build(["notes-examples"], &["--release", "--examples"])?;
    let examples = program.with_file_name("examples");
    let mut table = Table::default();
    for shape in Shape::ALL {
        output::say(&format!("making an image of {shape}"));
        let layout = directory.join("layout");
        shape.write(&layout)?;
        for round in 1..=options.rounds {
            for client in Client::ALL {
                for server in Contestant::ALL {
                    let run = Run { server, client, program: &program, examples: &examples };
                    let (push, pull) = run.measure(&layout, &directory)?;
                    for (operation, transfer) in [(Operation::Push, push), (Operation::Pull, pull)]
                    {
                        let case = Case { shape, operation, client, server };
                        let milliseconds = transfer.time.as_millis();
                        output::say(&format!(
                            "{round} {shape}, {operation} by {client}, {server}: {milliseconds} ms"
                        ));
                        table.add(case, transfer);
                    }
                }
            }
        }
        fs::remove_dir_all(&layout)?;
    }
    fs::remove_dir_all(&directory)?;
    Ok(table.to_string())
}

/// A client, a server, and the programs they are.
struct Run<'a> {
    server: Contestant,
    client: Client,
    program: &'a Path,
    examples: &'a Path,
}

impl Run<'_> {
    /// Pushes an image to an empty server and pulls it again.
    fn measure(&self, layout: &Path, directory: &Path) -> Result<(Transfer, Transfer)> {
        let root: PathBuf = directory.join("registry");
        let server = self.server.start(self.program, &root)?;
        let name = format!("{}/bench:1", server.address());
        let pulled = directory.join("pulled");
        let transfer = |operation| -> Result<Transfer> {
            settle()?;
            let command = match operation {
                Operation::Push => self.client.push(self.examples, layout, &name),
                Operation::Pull => self.client.pull(self.examples, &name, &pulled),
            };
            let time = client::time(command)?;
            Ok(Transfer { time, memory: server.memory()? })
        };
        let (push, pull) = (transfer(Operation::Push)?, transfer(Operation::Pull)?);
        drop(server);
        fs::remove_dir_all(&pulled)?;
        fs::remove_dir_all(&root)?;
        Ok((push, pull))
    }
}
