//! What is built and where it goes, as typed.

use std::path::PathBuf;

use clap::Args;
use notes_console::settings::Seconds;

use super::docker::DockerArguments;

/// What is built and where it goes.
#[derive(Clone, Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch as typed; `settings` makes choices of them"
)]
#[expect(clippy::struct_field_names, reason = "`--build-arg` is docker's name for it")]
pub(crate) struct BuildArguments {
    /// The commit to build: a branch, a tag or an id [default: the CI job's commit, else HEAD].
    #[arg(long, value_name = "COMMIT", conflicts_with = "worktree", help_heading = "Source")]
    pub(crate) commit: Option<String>,
    /// Build the files as they lie, not those of the commit.
    #[arg(long, help_heading = "Source")]
    pub(crate) worktree: bool,
    /// The directory of the build context [default: that of notes.toml].
    #[arg(long, value_name = "DIR", help_heading = "Source")]
    pub(crate) context: Option<PathBuf>,
    /// The Dockerfile, or `-` for stdin [default: `Dockerfile` in the context].
    #[arg(short, long, value_name = "FILE", help_heading = "Source")]
    pub(crate) file: Option<PathBuf>,
    /// The stage to build [default: the last one].
    #[arg(long, value_name = "STAGE", help_heading = "Source")]
    pub(crate) target: Option<String>,
    /// The value of an ARG; without `=VALUE` that of the environment. `NOTES_COMMIT` is the commit, unless given.
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", help_heading = "Source")]
    pub(crate) build_arguments: Vec<String>,
    /// A secret for `RUN --mount=type=secret`: `id=ID,src=FILE` or `id=ID,env=NAME`.
    #[arg(long = "secret", value_name = "SECRET", help_heading = "Source")]
    pub(crate) secrets: Vec<String>,
    /// An agent for `RUN --mount=type=ssh`: `default` for that of this session, or `ID=SOCKET`.
    #[arg(long = "ssh", value_name = "AGENT", help_heading = "Source")]
    pub(crate) agents: Vec<String>,
    /// A further context, instead of the stage or image of its name: `NAME=DIR`, `NAME=docker-image://REF` or
    /// `NAME=oci-layout://DIR`.
    #[arg(long = "build-context", value_name = "NAME=CONTEXT", help_heading = "Source")]
    pub(crate) contexts: Vec<String>,
    /// The platforms to build for, such as `linux/amd64,linux/arm64` [default: that of this machine].
    #[arg(
        long = "platform",
        value_name = "PLATFORM",
        value_delimiter = ',',
        help_heading = "Source"
    )]
    pub(crate) platforms: Vec<String>,
    /// The settings file [default: the notes.toml nearest to here].
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub(crate) config: Option<PathBuf>,

    /// The repository to push to, such as `docker.io/user/app`.
    #[arg(long, value_name = "NAME", help_heading = "Image")]
    pub(crate) image: Option<String>,
    /// A further tag, or a further reference to push to.
    #[arg(short, long = "tag", value_name = "TAG", help_heading = "Image")]
    pub(crate) tags: Vec<String>,
    /// How many digits of the commit the tag has [default: 7].
    #[arg(long, value_name = "DIGITS", help_heading = "Image")]
    pub(crate) tag_length: Option<u8>,
    /// A label of the image.
    #[arg(long = "label", value_name = "NAME=VALUE", help_heading = "Image")]
    pub(crate) labels: Vec<String>,
    /// An annotation of the image's manifest, or with `index:` before its name, of the index.
    #[arg(long = "annotation", value_name = "NAME=VALUE", help_heading = "Image")]
    pub(crate) annotations: Vec<String>,
    /// Move a tag that exists with another digest.
    #[arg(long, help_heading = "Image")]
    pub(crate) allow_retag: bool,
    /// Build, but push nothing.
    #[arg(long, help_heading = "Image")]
    pub(crate) no_push: bool,
    /// Write the image elsewhere, in docker's syntax: `type=registry`, `oci`, `docker`, `tar` or `local`.
    ///
    /// `type=registry` pushes, as without the flag; `type=oci,dest=DIR` writes an image layout, with `tar=true` an archive of
    /// one; `type=docker,dest=FILE` what `docker load` reads; `type=tar,dest=FILE` the files of the image as an archive, and
    /// `type=local,dest=DIR` as a directory. `dest=-` is stdout, where the image's name is left out then.
    #[arg(short, long = "output", value_name = "OUTPUT", help_heading = "Image")]
    pub(crate) outputs: Vec<String>,

    /// Look for images of a registry in a mirror first: `docker.io=127.0.0.1:5000`.
    #[arg(long = "mirror", value_name = "HOST=MIRROR", help_heading = "Registry")]
    pub(crate) mirrors: Vec<String>,
    /// Speak plain HTTP to this registry.
    #[arg(long = "insecure-registry", value_name = "HOST", help_heading = "Registry")]
    pub(crate) insecure: Vec<String>,

    /// Write the digest to a file.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(crate) digest_file: Option<PathBuf>,
    /// Write the image's id to a file, as docker does.
    #[arg(long = "iidfile", value_name = "FILE", help_heading = "Results")]
    pub(crate) iid_file: Option<PathBuf>,
    /// Write names, digests, sizes and labels to a file, as JSON with docker's keys.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(crate) metadata_file: Option<PathBuf>,
    /// Write `NOTES_BUILD_REF` and others to a file for later jobs (GitLab's dotenv report).
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(crate) dotenv: Option<PathBuf>,

    /// Where layers and cached steps are kept [default: the user's cache directory].
    #[arg(long, value_name = "DIR", help_heading = "Engine")]
    pub(crate) store: Option<PathBuf>,
    /// How RUN is isolated: namespaces, chroot or none [default: the best there is].
    #[arg(long, value_name = "MODE", help_heading = "Engine")]
    pub(crate) isolation: Option<String>,
    /// How long one RUN may take, such as `10m` [default: for ever].
    #[arg(long, value_name = "DURATION", help_heading = "Engine")]
    pub(crate) run_timeout: Option<Seconds>,
    /// Run every step, whatever the cache knows.
    #[arg(long, help_heading = "Engine")]
    pub(crate) no_cache: bool,
    /// Take what steps made from a cache in a registry, where the store does not know it.
    #[arg(long = "cache-from", value_name = "REF", help_heading = "Engine")]
    pub(crate) cache_from: Vec<String>,
    /// Write what steps made to a cache in a registry.
    ///
    /// `mode=min` keeps the layers of the image, `mode=max` those of all stages; `mounts=true` what is in the cache mounts of
    /// RUN as well. What cannot be written is a warning; `ignore-error=false` makes it a failure. docker's
    /// `type=registry,ref=REF` is the same.
    #[arg(long = "cache-to", value_name = "REF[,mode=max]", help_heading = "Engine")]
    pub(crate) cache_to: Vec<String>,

    #[command(flatten)]
    pub(crate) docker: DockerArguments,
}
