//! `cargo xtask bench registry`: the same images to a registry and back through notes-build, skopeo and crane.

mod latency;
mod step;

use std::{fmt::Write as _, fs, net::SocketAddr, path::PathBuf};

use notes_testkit::cache;

use super::{
    Result,
    clients::{Client, Crane, Notes, Skopeo},
    measure,
    registry::Registry,
    table::Table,
};
use crate::{cli::RegistryBenchOptions, output};
use latency::Latency;
use step::{Action, Step};

/// Measures everything once per latency, and returns the tables.
pub(super) fn measure(options: &RegistryBenchOptions) -> Result<String> {
    let cache = cache::directory();
    let directory = cache.join("bench-registry");
    super::empty(&directory)?;
    let clients =
        [&Notes::build(&directory)? as &dyn Client, &Skopeo::find()?, &Crane::build(&cache)?];
    let bench = Bench { registry: Registry::start(&directory.join("registry"))?, directory };
    for images in options.images() {
        images.make(&bench.directory)?;
    }
    let mut tables = String::new();
    for milliseconds in options.latencies() {
        let table = bench.table(options, &clients, milliseconds)?;
        let title = match milliseconds {
            0 => "On loopback".to_owned(),
            more => format!("With {more} ms more from a request to its answer"),
        };
        writeln!(tables, "{title}: {table}")?;
    }
    fs::remove_dir_all(&bench.directory)?;
    Ok(tables)
}

struct Bench {
    registry: Registry,
    directory: PathBuf,
}

impl Bench {
    fn table(
        &self,
        options: &RegistryBenchOptions,
        clients: &[&dyn Client],
        milliseconds: u64,
    ) -> Result<Table<Step>> {
        let latency = Latency::before(self.registry.address(), milliseconds)?;
        let mut table = Table::new(&clients.iter().map(|client| *client as _).collect::<Vec<_>>())?;
        for round in 1..=options.rounds {
            for step in options.images().into_iter().flat_map(Step::all) {
                for client in clients {
                    let measured = self.run(*client, step, latency.address())?;
                    let name = client.name();
                    output::say(&format!("{round} {step} {name}, {milliseconds} ms: {measured}"));
                    table.add(step, name, measured);
                }
            }
        }
        Ok(table)
    }

    /// Makes things as `step` finds them, and measures it.
    fn run(
        &self,
        client: &dyn Client,
        step: Step,
        address: SocketAddr,
    ) -> Result<measure::Measurement> {
        let images = self.directory.join("images");
        let pulled = self.directory.join("pulled");
        let reference = |image: &str| format!("{address}/bench/app:{image}");
        // Made ready past the latency, by the same client.
        let ready = |image: &str| format!("{}/bench/app:{image}", self.registry.address());
        let image = step.image();
        match step.action {
            Action::Push => self.registry.forget_all()?,
            Action::PushAgain | Action::PushChanged => {
                self.registry.forget_all()?;
                run(client.push(&images.join(step.images.name()), &ready(step.images.name())))?;
            }
            Action::Pull | Action::PullAgain | Action::PullChanged => {
                super::empty(&pulled)?;
                run(client.push(&images.join(&image), &ready(&image)))?;
            }
        }
        if matches!(step.action, Action::PullAgain | Action::PullChanged) {
            run(client.push(&images.join(step.images.name()), &ready(step.images.name())))?;
            run(client.pull(&ready(step.images.name()), &pulled))?;
        }
        let command = if step.action.is_push() {
            client.push(&images.join(&image), &reference(&image))
        } else {
            client.pull(&reference(&image), &pulled)
        };
        measure::measure(client, vec![command], &self.registry)
    }
}

fn run(mut command: std::process::Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {said}", crate::program::line(&command)).into())
}
