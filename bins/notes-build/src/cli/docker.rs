//! What `docker build` has and this has not: taken, so that the refusal says what to do instead.

use clap::Args;
use notes_console::{Failure, Kind};

/// Flags of `docker build` that are refused.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DockerArguments {
    #[arg(long, hide = true)]
    load: bool,
    #[arg(long, hide = true)]
    pull: bool,
    #[arg(long, hide = true)]
    push: bool,
    #[arg(long, hide = true, value_name = "HOST")]
    add_host: Vec<String>,
    #[arg(long, hide = true, value_name = "MODE")]
    network: Option<String>,
    #[arg(long, hide = true, value_name = "ATTEST")]
    provenance: Option<String>,
    #[arg(long, hide = true, value_name = "ATTEST")]
    sbom: Option<String>,
}

impl DockerArguments {
    /// Refuses the first flag that was given.
    pub(crate) fn refuse(&self) -> Result<(), Failure> {
        let attested =
            "the image carries the commit in its labels; sign or attest it by its digest";
        let flags = [
            (
                self.load,
                "--load",
                "pipe it instead: `notes-build -o type=docker,dest=- | docker load`",
            ),
            (
                self.pull,
                "--pull",
                "a base's tag is looked up in its registry by every build; leave it out",
            ),
            (self.push, "--push", "an image is pushed unless told otherwise; leave it out"),
            (
                !self.add_host.is_empty(),
                "--add-host",
                "write the name where the command looks for it",
            ),
            (self.network.is_some(), "--network", "write `RUN --network=none` where it is wanted"),
            (self.provenance.is_some(), "--provenance", attested),
            (self.sbom.is_some(), "--sbom", attested),
        ];
        match flags.into_iter().find(|(given, ..)| *given) {
            None => Ok(()),
            Some((_, flag, instead)) => {
                let message = format!("docker's `{flag}` is not supported");
                Err(Failure::message(Kind::Usage, message).with_hint(instead))
            }
        }
    }
}
