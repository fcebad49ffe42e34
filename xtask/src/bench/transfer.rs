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
    let registry = Registry::start(&directory.join("registry"))?;
    let bench = Bench { registry, carrier: Notes::build(&directory)?, directory };
    let clients = [&bench.carrier as &dyn Client, &Skopeo::find()?, &Crane::build(&cache)?];
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
    /// Brings images to the registry where that is not what is measured.
    carrier: Notes,
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
                for client in super::in_turn(clients, round) {
                    let measured = self.run(client, step, latency.address())?;
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
        // Made ready past the latency, and by whoever is fastest: the images are the same byte for byte.
        let ready = |image: &str| format!("{}/bench/app:{image}", self.registry.address());
        let bring = |image: &str| run(self.carrier.push(&images.join(image), &ready(image)));
        let (image, before) = (step.image(), step.images.name());
        match step.action {
            Action::Push => self.registry.forget_all()?,
            Action::PushAgain | Action::PushChanged => {
                self.registry.forget_all()?;
                bring(before)?;
            }
            Action::Pull | Action::PullAgain | Action::PullChanged => {
                super::empty(&pulled)?;
                bring(&image)?;
            }
        }
        if matches!(step.action, Action::PullAgain | Action::PullChanged) {
            bring(before)?;
            run(client.pull(&ready(before), &pulled))?;
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
