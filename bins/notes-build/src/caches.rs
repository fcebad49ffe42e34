//! Build caches in registries: what steps made, for machines that have not built them.

mod named;
mod writing;

use std::pin::Pin;

use notes_console::{Chain, Ui};
use notes_image::cache::{
    CacheKey, CacheMount, Found, Kept, SharedCache, StepIndex, StepIndexError,
};
use notes_oci::{ImageSource as _, Layer, Platform, Reference};
use notes_registry::{PullError, Remote};
use tokio::{sync::OnceCell, task::JoinSet};

pub(crate) use named::{Source, Target};
pub(crate) use writing::Writer;

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

    fn find_mount<'a>(
        &'a self,
        mount: &'a CacheMount,
    ) -> Pin<Box<dyn Future<Output = Option<Layer>> + Send + 'a>> {
        Box::pin(async move {
            self.indexes().await.iter().find_map(|(_, index)| index.find_mount(mount))
        })
    }
}
