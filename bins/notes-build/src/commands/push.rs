//! `notes-build push`: an image that was written to a layout goes to a registry.
//!
//! A job that runs other people's Dockerfiles need not hold the registry's password: it writes a layout, and a later job
//! pushes it.

use std::time::Instant;

use notes_console::{Failure, Kind, Session, print_result, signal};
use notes_oci::{ImageSink as _, ImageSource as _, Layout, LayoutError, Platform, Reference};
use notes_registry::Retag;

use crate::{cli::PushArguments, failure, registry, reporter::Elapsed};

/// Pushes, and prints the pinned name.
pub(crate) async fn run(session: &Session, arguments: &PushArguments) -> Result<(), Failure> {
    signal::or_stopped("push again to go on", push(session, arguments)).await
}

async fn push(session: &Session, arguments: &PushArguments) -> Result<(), Failure> {
    let reference: Reference = arguments.reference.parse().map_err(failure::reference)?;
    let retag = if arguments.allow_retag { Retag::Allow } else { Retag::Refuse };
    let remote = registry::remote(session, &[], &arguments.insecure, retag)?;
    let started = Instant::now();
    let path = session.current.join(&arguments.layout);
    let layout = Layout::open(path).await.map_err(failure::layout)?;
    let source = within(&layout, &reference).await.map_err(failure::layout)?;
    let image = layout.image(&source, &Platform::native()).await.map_err(failure::layout)?;
    let pinned = remote.write(&image, &reference).await.map_err(failure::push)?;
    session.ui.step("Pushed", format_args!("{reference} in {}", Elapsed(started.elapsed())));
    print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))
}

/// Returns what the image is called in the layout: one that is alone needs no name.
async fn within(layout: &Layout, reference: &Reference) -> Result<Reference, LayoutError> {
    let index = layout.index().await?;
    Ok(match index.manifests.as_slice() {
        [only] => reference.pin(only.digest).reference(),
        _ => reference.clone(),
    })
}
