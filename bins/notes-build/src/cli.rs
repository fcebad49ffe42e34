//! The command line, as typed. What it means is decided in [`crate::settings`].

mod build;
mod docker;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use notes_console::{OutputArguments, command::CommandLine, settings::Seconds, ui};

pub(crate) use build::BuildArguments;
pub(crate) use serve::{LoginKind, PasswordFile, ServeArguments};

/// Build the image of a commit and push it, without docker, git or a daemon.
///
/// The context is the commit's tree, read from git: files that are not committed are counted and named, never included.
/// The image is tagged with the commit's short id, and `name@sha256:…` is printed on stdout, and nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "notes-build",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// What to do; builds if nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) build: BuildArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// How progress is shown.
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub(crate) progress: ui::Progress,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the image of a commit and push it (the default).
    Build(Box<BuildArguments>),
    /// Look for mistakes in the Dockerfile, without building: the rules of `docker build --check`.
    Check(Box<CheckArguments>),
    /// Say for every step whether it would run or is cached, and why.
    Explain(Box<BuildArguments>),
    /// Build the commit that an image was built from once more, without any cache, and compare digests.
    Verify(Box<VerifyArguments>),
    /// Push an image that `--output type=oci` wrote; so a job that builds needs no password.
    Push(PushArguments),
    /// Make the store of layers and cached steps smaller.
    Prune(PruneArguments),
    /// Run a registry on this machine.
    Serve(ServeArguments),
    /// Say what this machine offers to a build, and what would allow more.
    Doctor(Box<BuildArguments>),
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
    Show(Box<BuildArguments>),
}

/// What is checked, which rules count, and how findings are written.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) build: BuildArguments,
    /// A rule that does not count, such as `StageNameCasing`, or `all`.
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub(crate) skip: Vec<String>,
    /// An experimental rule that counts, or `all`.
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub(crate) experimental: Vec<String>,
    /// Fail when something is found, as `# check=error=true` in the file does.
    #[arg(long, help_heading = "Rules")]
    pub(crate) strict: bool,
    /// Ask no registry for base images, so that what depends on them is not checked.
    #[arg(long, help_heading = "Rules")]
    pub(crate) offline: bool,
    /// How findings are written.
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Results")]
    pub(crate) format: FindingFormat,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingFormat {
    /// For a person, on stderr.
    Text,
    /// As JSON on stdout; `docs/check.md` describes it.
    Json,
    /// As GitLab's code quality report on stdout.
    Gitlab,
}

/// What is verified, and the settings that are in no commit: secrets, build arguments of flags.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The image, such as `docker.io/user/app:a3f92bd`.
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    #[command(flatten)]
    pub(crate) build: BuildArguments,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PushArguments {
    /// The image-layout directory.
    #[arg(value_name = "DIR")]
    pub(crate) layout: PathBuf,
    /// The name to push it under, such as `docker.io/user/app:a3f92bd`. Of several images in the layout, the one of this name.
    #[arg(value_name = "NAME")]
    pub(crate) reference: String,
    /// Move a tag that exists with another digest.
    #[arg(long)]
    pub(crate) allow_retag: bool,
    /// Speak plain HTTP to this registry.
    #[arg(long = "insecure-registry", value_name = "HOST")]
    pub(crate) insecure: Vec<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PruneArguments {
    /// What may stay, such as `500MB` or `10GB`; nothing in use is removed.
    #[arg(long, value_name = "SIZE", default_value = "10GB")]
    pub(crate) keep: String,
    /// The store [default: the user's cache directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Instead of the store, the directory of a registry (`serve --root`): what no manifest names is removed, while it serves.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["keep", "store"], help_heading = "Registry")]
    pub(crate) registry: Option<PathBuf>,
    /// For how long blobs that no manifest names, and uploads that nobody goes on with, stay; such as `24h`.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "24h",
        requires = "registry",
        help_heading = "Registry"
    )]
    pub(crate) older_than: Seconds,
}

impl CommandLine for Cli {
    fn output(&self) -> ui::Options {
        ui::Options { progress: self.progress, ..self.output.into() }
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
    fn building_needs_no_word_and_mixes_with_no_other_command() {
        let cli = Cli::try_parse_from(["notes-build", "-q", "--target", "check"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.build.target.as_deref(), Some("check"));
        assert!(Cli::try_parse_from(["notes-build", "--no-push", "check"]).is_err());
        assert!(Cli::try_parse_from(["notes-build", "check", "-v"]).is_ok());
    }
}
