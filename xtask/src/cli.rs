//! The command line, as typed.

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
    /// Build, push and deploy the example app on real parts, and write a note into it.
    Demo(DemoOptions),
    /// Build the two static, stripped binaries of a release, and say how large they are.
    Dist,
    /// A cluster to test on: `NOTES_TEST_KUBECONFIG`, kind, or Kubernetes as processes of this machine.
    Cluster {
        #[command(subcommand)]
        action: ClusterAction,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoOptions {
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

#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(crate) enum ClusterAction {
    /// Start it, and print the path of its kubeconfig.
    Up,
    /// Stop it and everything it started.
    Down,
    /// Say what runs.
    Status,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestOptions {
    /// Run only the steps whose name contains this (fmt, clippy, cargo, app, demo, pipeline).
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
}
