//! `notes-build push`: an image that was written to a layout goes to a registry.
//!
//! A job that runs other people's Dockerfiles need not hold the registry's password: it writes a layout, and a later job
//! pushes it.

use std::time::Instant;

use notes_console::{Failure, Kind, Session, print_result, signal};
use notes_oci::{ImageSource as _, Layout, LayoutError, Platform, Reference};
use notes_registry::Retag;

use crate::{cli::PushArguments, failure, product::Product, registry, reporter::Elapsed};

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
    let product = within(&layout, &reference).await.map_err(failure::layout)?;
    let pinned = product.write(&remote, &reference).await.map_err(failure::push)?;
    session.ui.step("Pushed", format_args!("{reference} in {}", Elapsed(started.elapsed())));
    print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))
}

/// Returns what is to be pushed: one that is alone in the layout needs no name.
async fn within(layout: &Layout, reference: &Reference) -> Result<Product, LayoutError> {
    let index = layout.index().await?;
    let (source, platform) = match index.manifests.as_slice() {
        [only] => (reference.pin(only.digest).reference(), only.platform.clone()),
        _ => (reference.clone(), None),
    };
    if let Some(index) = layout.image_index(&source).await? {
        return Ok(Product::Index(index));
    }
    let platform = platform.unwrap_or_else(Platform::native);
    layout.image(&source, &platform).await.map(|image| Product::Image(image.into()))
}
