//! The command line, as typed.

use clap::ValueEnum as _;
use notes_testkit::Length;

use crate::{
    bench::{Images, Scenario},
    compare::Builder,
    demo::App,
};

/// The project's own commands.
#[derive(Debug, clap::Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Run everything: format, lints, unit, doc and integration tests, the example app's own tests, a GitLab pipeline.
    Test(TestOptions),
    /// Build, push and deploy an example app on real parts, and use it.
    Demo(DemoOptions),
    /// Build the two static, stripped binaries of a release, and say how large they are.
    Dist,
    /// Build the fixtures with notes-build, `BuildKit` and buildah, and compare the images.
    Compare(CompareOptions),
    /// Time notes-build and the programs that do the same, side by side.
    Bench {
        #[command(subcommand)]
        what: Benched,
    },
    /// A cluster to test on: `NOTES_TEST_KUBECONFIG`, kind, or Kubernetes as processes of this machine.
    Cluster {
        #[command(subcommand)]
        action: Action,
    },
    /// A docker engine to test on, where none runs: Debian's, with everything it has in one directory.
    Docker {
        #[command(subcommand)]
        action: Action,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoOptions {
    /// The application.
    #[arg(value_enum, default_value_t)]
    pub(crate) app: App,
    /// Leave everything running.
    #[arg(long, conflicts_with = "down")]
    pub(crate) keep: bool,
    /// Take down what an earlier demo left running.
    #[arg(long)]
    pub(crate) down: bool,
    /// Use the two programs that lie beside this one, as they are.
    #[arg(long, hide = true)]
    pub(crate) built: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareOptions {
    /// What is compared.
    pub(crate) what: Compared,
    /// Only fixtures whose name contains one of these.
    pub(crate) names: Vec<String>,
    /// Compare with this builder only.
    #[arg(long = "builder", value_name = "NAME")]
    builder: Vec<Builder>,
    /// Take this many fixtures, chosen by the seed.
    #[arg(long, value_name = "COUNT")]
    pub(crate) sample: Option<usize>,
    /// The seed of the sample [default: one of the clock's].
    #[arg(long, requires = "sample")]
    pub(crate) seed: Option<u64>,
    /// Only write the page about the differences, from their list.
    #[arg(long)]
    pub(crate) docs: bool,
    /// Use the program that lies beside this one, as it is.
    #[arg(long, hide = true)]
    pub(crate) built: bool,
}

impl CompareOptions {
    /// The builders to compare with: those that are named, or all.
    pub(crate) fn builders(&self) -> Vec<Builder> {
        if self.builder.is_empty() {
            return Builder::value_variants().to_vec();
        }
        self.builder.clone()
    }
}

/// What can be timed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Benched {
    /// Builds and pushes: docker with `BuildKit`, and buildah.
    Build(BuildBenchOptions),
    /// Pushes and pulls of large and of many layers: skopeo, and crane.
    Registry(RegistryBenchOptions),
    /// The embedded registry, beside CNCF distribution.
    Server(ServerBenchOptions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuildBenchOptions {
    /// Only these [default: all].
    scenario: Vec<Scenario>,
    /// How often.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub(crate) rounds: usize,
}

impl BuildBenchOptions {
    /// What is measured: what is named, or all.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        if self.scenario.is_empty() {
            return Scenario::value_variants().to_vec();
        }
        self.scenario.clone()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServerBenchOptions {
    /// How often.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub(crate) rounds: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RegistryBenchOptions {
    /// Only these images [default: all].
    images: Vec<Images>,
    /// How often.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Milliseconds that a request and its answer are longer under way [default: 0 and then 20].
    #[arg(long, value_name = "MS")]
    latency: Vec<u64>,
}

impl RegistryBenchOptions {
    /// What is measured: what is named, or all.
    pub(crate) fn images(&self) -> Vec<Images> {
        if self.images.is_empty() {
            return Images::value_variants().to_vec();
        }
        self.images.clone()
    }

    /// The latencies in milliseconds.
    pub(crate) fn latencies(&self) -> Vec<u64> {
        if self.latency.is_empty() { vec![0, 20] } else { self.latency.clone() }
    }
}

/// What can be compared.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Compared {
    /// What is built from a Dockerfile.
    Dockerfile,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(crate) enum Action {
    /// Start it, and print where it is: the path of the kubeconfig, or the variable for docker.
    Up,
    /// Stop it and everything it started.
    Down,
    /// Say what runs.
    Status,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestOptions {
    /// Run only the steps whose name contains this (fmt, clippy, cargo, app, compare, demo, pipeline).
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// Run long suites whole: kills, faults, large layers. Takes hours; without it each runs as a short sample.
    #[arg(long)]
    long: bool,
}

impl TestOptions {
    /// How much of the long suites runs: the flag, else what the environment says.
    pub(crate) fn length(&self) -> Length {
        if self.long { Length::Whole } else { Length::from_env() }
    }
}
