//! Build caches in registries: what steps made, for machines that have not built them.

mod named;

use std::{pin::Pin, time::Instant};

use notes_console::{Chain, Failure, Ui};
use notes_image::cache::{CacheKey, Found, Kept, SharedCache, StepIndex, StepIndexError};
use notes_oci::{ImageSink as _, ImageSource as _, Layer, Origin, Platform, Reference};
use notes_registry::{PullError, Remote, Retag};
use tokio::{sync::OnceCell, task::JoinSet};

use crate::{failure, product::Product, reporter::Elapsed};

pub(crate) use named::{Extent, Source, Target, Unwritten};

/// The caches that a build reads: each is asked for its index once, when the first step is not in the store.
#[derive(Debug)]
pub(crate) struct Caches {
    remote: Remote,
    sources: Vec<Source>,
    ui: Ui,
    indexes: OnceCell<Vec<(Reference, StepIndex)>>,
}

/// Why a cache is not used.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Pull(Box<PullError>),
    #[error("`{reference}` is no build cache")]
    Index { reference: Box<Reference>, source: StepIndexError },
}

impl Caches {
    /// Returns the caches that `sources` name. A cache is read where it is written: a mirror may have an older one.
    pub(crate) fn new(remote: &Remote, sources: Vec<Source>, ui: Ui) -> Self {
        Self { remote: remote.without_mirrors(), sources, ui, indexes: OnceCell::new() }
    }

    /// Returns those that were asked and could answer.
    pub(crate) fn asked(&self) -> &[(Reference, StepIndex)] {
        self.indexes.get().map_or(&[], Vec::as_slice)
    }

    async fn indexes(&self) -> &[(Reference, StepIndex)] {
        self.indexes.get_or_init(|| self.read()).await
    }

    /// Reads all at once; the first that was named is asked first.
    async fn read(&self) -> Vec<(Reference, StepIndex)> {
        let mut reading = JoinSet::new();
        for (number, Source(reference)) in self.sources.iter().enumerate() {
            let (remote, reference) = (self.remote.clone(), reference.clone());
            reading.spawn(async move { (number, read(&remote, reference).await) });
        }
        let mut read = reading.join_all().await;
        read.sort_by_key(|(number, _)| *number);
        let results = read.into_iter().map(|(_, result)| result);
        results.filter_map(|result| self.usable(result)).collect()
    }

    fn usable(
        &self,
        result: Result<(Reference, StepIndex), ReadError>,
    ) -> Option<(Reference, StepIndex)> {
        match result {
            Ok((reference, index)) => {
                let count = index.len();
                self.ui.detail(format_args!("the build cache {reference} knows {count} steps"));
                Some((reference, index))
            }
            Err(error) => {
                self.ui.warning(format_args!("a build cache is not used: {}", Chain(&error)));
                None
            }
        }
    }
}

async fn read(remote: &Remote, reference: Reference) -> Result<(Reference, StepIndex), ReadError> {
    let image = remote.image(&reference, &Platform::native()).await;
    let image = image.map_err(|error| ReadError::Pull(error.into()))?;
    match StepIndex::of_image(&image) {
        Ok(index) => Ok((reference, index)),
        Err(source) => Err(ReadError::Index { reference: reference.into(), source }),
    }
}

impl SharedCache for Caches {
    fn find<'a>(
        &'a self,
        key: &'a CacheKey,
    ) -> Pin<Box<dyn Future<Output = Option<Found>> + Send + 'a>> {
        Box::pin(async move {
            let found = self.indexes().await.iter().filter_map(|(reference, index)| {
                let kept = index.find(key)?;
                Some(Found { kept, cache: reference.to_string() })
            });
            // A layer of the second cache is worth more than a promise of the first.
            found.min_by_key(|found| matches!(found.kept, Kept::Promise(_)))
        })
    }
}

/// What a build leaves for the caches that are written.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) remote: &'a Remote,
    pub(crate) product: &'a Product,
    pub(crate) index: &'a StepIndex,
    /// Where the image was pushed to.
    pub(crate) pushed: &'a [Reference],
}

impl Writer<'_> {
    /// Writes a cache.
    pub(crate) async fn write(&self, target: &Target) -> Result<(), Failure> {
        let started = Instant::now();
        let Target { reference, .. } = target;
        let image = self.index(target).to_image();
        // A cache is not what somebody deploys by its tag.
        let remote = self.remote.with_retag(Retag::Allow);
        match (remote.write(&image, reference).await, target.unwritten) {
            (Ok(_), _) => {
                let elapsed = Elapsed(started.elapsed());
                self.ui.step("Cached", format_args!("steps in {reference} in {elapsed}"));
                Ok(())
            }
            (Err(error), Unwritten::Failure) => Err(failure::push(error)),
            (Err(error), Unwritten::Warning) => {
                let chain = Chain(&error);
                self.ui.warning(format_args!("the build cache is not written: {chain}"));
                Ok(())
            }
        }
    }

    /// Returns what goes into a cache: the steps, with the layers it keeps and where these are.
    fn index(&self, target: &Target) -> StepIndex {
        let index = match target.extent {
            Extent::Stages => self.index.clone(),
            Extent::Image => self.index.clone().within(self.product.images()),
        };
        let registry = &target.reference.registry;
        let pushed = self.pushed.iter().find(|pushed| pushed.registry == *registry);
        let Some(pushed) = pushed else { return index };
        index.map_layers(|layer| match layer.origin() {
            Some(origin) if origin.registry == *registry => layer,
            _ if !self.is_in_image(&layer) => layer,
            _ => layer.held_by(Origin {
                registry: registry.clone(),
                repository: pushed.repository.clone(),
            }),
        })
    }

    fn is_in_image(&self, layer: &Layer) -> bool {
        self.product.images().iter().any(|image| image.layers().contains(layer))
    }
}
