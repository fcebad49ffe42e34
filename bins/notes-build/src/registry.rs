//! The registries of a build: where bases come from and where the image goes.

use std::{error::Error, sync::Arc, time::Duration};

use notes_console::{Chain, Failure, Kind, Session, Ui};
use notes_oci::Registry;
use notes_registry::{Blob, Environment, Mirror, Options, Outcome, Remote, Reporter, Retag};

use crate::reporter::{Bytes, Elapsed};

/// Returns the registries as the settings and the environment reach them.
pub(crate) fn remote(
    session: &Session,
    mirrors: &[String],
    insecure: &[String],
    retag: Retag,
) -> Result<Remote, Failure> {
    // A second call finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mirrors: Vec<Mirror> =
        mirrors.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(
            |error: notes_registry::MirrorError| Failure::new(Kind::Configuration, error),
        )?;
    let plain_http: Vec<Registry> = insecure
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: notes_oci::ReferenceError| Failure::new(Kind::Configuration, error))?;
    let environment: Environment = session.environment.iter().collect();
    let options = Options {
        mirrors,
        plain_http,
        retag,
        reporter: Arc::new(Lines(session.ui.clone())),
        user_agent: concat!("notes-build/", env!("CARGO_PKG_VERSION")).into(),
        ..Options::from_environment(&environment)
    };
    Remote::new(options).map_err(|error| Failure::new(Kind::Configuration, error))
}

/// Says what travels, a line per blob when asked to be verbose.
#[derive(Debug)]
struct Lines(Ui);

impl Reporter for Lines {
    fn blob_finished(&self, blob: Blob, outcome: Outcome) {
        let what = match outcome {
            Outcome::Existed => "is there",
            Outcome::Mounted => "was mounted",
            Outcome::Uploaded => "was sent",
            Outcome::Downloaded => "was fetched",
        };
        self.0.detail(format_args!("layer {} ({}) {what}", blob.digest.short(), Bytes(blob.size)));
    }

    fn retrying(&self, reason: &dyn Error, delay: Duration) {
        self.0.warning(format_args!("{}; trying again in {}", Chain(reason), Elapsed(delay)));
    }

    fn warning(&self, text: &str) {
        self.0.warning(text);
    }
}
