//! The registries of a build: where bases come from and where the image goes.

use std::sync::Arc;

use notes_console::{Failure, Kind, Session};
use notes_oci::Registry;
use notes_registry::{Environment, Mirror, Options, Remote, Retag};

use crate::transfers::Transfers;

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
        reporter: Arc::new(Transfers::new(session.ui.clone())),
        user_agent: concat!("notes-build/", env!("CARGO_PKG_VERSION")).into(),
        ..Options::from_environment(&environment)
    };
    Remote::new(options).map_err(|error| Failure::new(Kind::Configuration, error))
}
