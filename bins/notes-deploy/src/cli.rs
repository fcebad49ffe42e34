//! The command line, as typed. What it means is decided in [`crate::settings`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use notes_console::{
    OutputArguments, command,
    settings::{CommandLine, Seconds, Switch},
    ui,
};

/// Deploy the image of a commit to Kubernetes, and say why when it does not run.
///
/// Applies a Deployment and a Service, or manifests of your own, with the image pinned to its digest; follows the rollout, one
/// line per change; names the cause of a failure with its evidence; and keeps a record to roll back to.
/// The pinned image is printed on stdout, and nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "notes-deploy",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// What to do; deploys if nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) deploy: DeployArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply, follow the rollout, and record it (the default).
    Deploy(Box<DeployArguments>),
    /// Print what would be applied, as YAML. Needs no cluster.
    Render(Box<DeployArguments>),
    /// Show what a deploy would change, without changing it: ends with 0 where nothing would, with 11 where something would.
    Diff(Box<DiffArguments>),
    /// Show what runs now, since when, from which commit and by whom.
    Status(ShowArguments),
    /// Show the releases that were deployed.
    History(ShowArguments),
    /// Apply an earlier release again, as it was recorded.
    Rollback(RollbackArguments),
    /// Forward a port of this machine to the Service.
    PortForward(PortForwardArguments),
    /// Look at what a deploy needs, and say what is missing: the cluster, the account, the namespace. Changes nothing.
    Doctor(Box<DeployArguments>),
    /// Print the service account and the roles that a deploy of these objects needs, as YAML. Needs no cluster.
    Rbac(Box<RbacArguments>),
    /// Show the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print each setting, its value, and the flag, variable or line it comes from.
    Show(Box<DeployArguments>),
}

/// Which application, where.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AppArguments {
    /// The namespace [default: the application's name].
    #[arg(short, long, value_name = "NAME", help_heading = "Application")]
    pub(crate) namespace: Option<String>,
    /// The application's name, and the Deployment's [default: the last part of the image's name].
    #[arg(long, value_name = "NAME", help_heading = "Application")]
    pub(crate) name: Option<String>,
    /// The settings file [default: the notes.toml nearest to here].
    #[arg(long, value_name = "FILE", help_heading = "Application")]
    pub(crate) config: Option<PathBuf>,

    /// The kubeconfig file [default: `KUBECONFIG`, which may also hold the text or its base64].
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one, or the only one].
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub(crate) context: Option<String>,
}

/// What is deployed, and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) app: AppArguments,

    /// The image: `name@sha256:…`, `name:tag`, or `-` to read the first from stdin
    /// [default: the image of notes.toml with the commit's tag].
    #[arg(long, value_name = "IMAGE", help_heading = "Image")]
    pub(crate) image: Option<String>,
    /// The commit that is deployed: a branch, a tag or an id [default: the CI job's commit, else HEAD].
    #[arg(long, value_name = "COMMIT", help_heading = "Image")]
    pub(crate) commit: Option<String>,
    /// Look for images of a registry in a mirror first: `docker.io=127.0.0.1:5000`.
    #[arg(long = "mirror", value_name = "HOST=MIRROR", help_heading = "Image")]
    pub(crate) mirrors: Vec<String>,
    /// Speak plain HTTP to this registry.
    #[arg(long = "insecure-registry", value_name = "HOST", help_heading = "Image")]
    pub(crate) insecure: Vec<String>,

    /// Apply these manifests, a file or a directory, instead of rendered ones.
    #[arg(short = 'f', long, value_name = "PATH", help_heading = "Objects")]
    pub(crate) manifests: Option<PathBuf>,
    /// The container of the manifests that gets the image, where its image's name does not tell.
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    pub(crate) container: Option<String>,
    /// How many pods run [default: 2].
    #[arg(long, value_name = "NUMBER", help_heading = "Objects")]
    pub(crate) replicas: Option<u32>,
    /// The port the program listens on [default: 8000].
    #[arg(long, value_name = "PORT", help_heading = "Objects")]
    pub(crate) port: Option<u16>,
    /// The name of the Service [default: the application's].
    #[arg(long, value_name = "NAME", help_heading = "Objects")]
    pub(crate) service: Option<String>,

    /// How long the rollout may take, such as `5m` [default: what the probes allow].
    #[arg(long, value_name = "DURATION", help_heading = "Rollout")]
    pub(crate) timeout: Option<Seconds>,
    /// How long to wait while another deploy of the application goes on, such as `10m` [default: 1m].
    #[arg(long, value_name = "DURATION", help_heading = "Rollout")]
    pub(crate) wait_for_lock: Option<Seconds>,
    /// Take over fields that others have set to other values.
    #[arg(long, help_heading = "Rollout")]
    pub(crate) force_conflicts: bool,
    /// Run this in a Job before the rollout, once for each commit: a line for a shell, such as `python manage.py migrate`.
    #[arg(long, value_name = "COMMAND", help_heading = "Rollout")]
    pub(crate) migrate: Option<CommandLine>,
    /// Run no Job, whatever notes.toml says.
    #[arg(long, conflicts_with = "migrate", help_heading = "Rollout")]
    pub(crate) no_migrate: bool,
    /// Keep events, logs, objects and the timeline in this directory, with a `JUnit` file and a summary.
    #[arg(long, value_name = "DIR", help_heading = "Rollout")]
    pub(crate) report: Option<PathBuf>,
    /// Go back to the last release that stood when this one fails: `always`, `never`, or `auto`, which is in CI
    /// [default: auto].
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        help_heading = "Rollout"
    )]
    pub(crate) rollback: Option<Switch>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// How it is shown.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub(crate) output: ShowForm,
}

/// How releases are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowForm {
    /// A table.
    #[default]
    Table,
    /// JSON, for programs.
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) deploy: DeployArguments,
    /// How it is shown.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub(crate) output: DiffForm,
}

/// How differences are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffForm {
    /// The fields that change, one on a line.
    #[default]
    Fields,
    /// The objects as unified YAML.
    Yaml,
    /// Both, for programs.
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RbacArguments {
    #[command(flatten)]
    pub(crate) deploy: DeployArguments,
    /// The name of the service account and of its roles.
    #[arg(long, value_name = "NAME", default_value = "notes-deploy", help_heading = "Account")]
    pub(crate) account: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The commit to go back to, or its first digits [default: the release before this one].
    pub(crate) commit: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppArguments,
    /// How long the rollout may take, such as `5m` [default: what the probes allow].
    #[arg(long, value_name = "DURATION", help_heading = "Rollout")]
    pub(crate) timeout: Option<Seconds>,
    /// How long to wait while another deploy of the application goes on, such as `10m` [default: 1m].
    #[arg(long, value_name = "DURATION", help_heading = "Rollout")]
    pub(crate) wait_for_lock: Option<Seconds>,
    /// Take over fields that others have set to other values.
    #[arg(long, help_heading = "Rollout")]
    pub(crate) force_conflicts: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PortForwardArguments {
    /// The port of this machine; 0 takes a free one [default: the Service's].
    #[arg(long, value_name = "PORT")]
    pub(crate) local_port: Option<u16>,
    /// The port of the Service, by number or name [default: its first].
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
    /// The Service [default: that of notes.toml].
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) app: AppArguments,
}

impl command::CommandLine for Cli {
    fn output(&self) -> ui::Options {
        self.output.into()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn deploying_needs_no_word() {
        let cli = Cli::try_parse_from(["notes-deploy", "--image", "-", "-n", "apps"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.deploy.app.namespace.as_deref(), Some("apps"));
        let cli = Cli::try_parse_from(["notes-deploy", "rollback", "a3f92bd", "-q"]).unwrap();
        assert!(
            matches!(cli.command, Some(Command::Rollback(arguments)) if arguments.commit.as_deref() == Some("a3f92bd"))
        );
    }
}
