//! Writing a cache: after the image, and never in its way.

use std::{collections::BTreeMap, time::Instant};

use notes_console::{Chain, Failure, Ui};
use notes_image::{
    Store,
    cache::{CacheMount, MountUse, SharedCache as _, StepIndex},
    compress::Compression,
};
use notes_oci::{ImageSink as _, Layer, Origin, Reference};
use notes_registry::{Remote, Retag};

use super::{
    Caches, Target,
    named::{Extent, Mounts, Unwritten},
};
use crate::{blocking, failure, product::Product, reporter::Elapsed};

/// What a build leaves for the caches that are written.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) ui: &'a Ui,
    pub(crate) remote: &'a Remote,
    pub(crate) product: &'a Product,
    pub(crate) index: &'a StepIndex,
    /// The cache mounts of its steps.
    pub(crate) mounts: &'a BTreeMap<CacheMount, MountUse>,
    /// Where the image was pushed to.
    pub(crate) pushed: &'a [Reference],
    pub(crate) store: &'a Store,
    /// The caches that were read.
    pub(crate) caches: Option<&'a Caches>,
}

impl Writer<'_> {
    /// Writes a cache.
    pub(crate) async fn write(&self, target: &Target) -> Result<(), Failure> {
        let started = Instant::now();
        let Target { reference, .. } = target;
        let mut index = self.index(target);
        if let Mounts::Kept { most } = target.mounts {
            self.add_mounts(&mut index, most).await;
        }
        let image = index.to_image();
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

    /// Adds the contents of the cache mounts.
    async fn add_mounts(&self, index: &mut StepIndex, most: u64) {
        for (mount, used) in self.mounts {
            let contents = match (used, self.caches) {
                // Nothing was written into it: it is what it was.
                (MountUse::Idle, Some(caches)) => caches.find_mount(mount).await,
                _ => None,
            };
            let contents = match contents {
                Some(contents) => Some(contents),
                None => self.pack(mount, most).await,
            };
            if let Some(contents) = contents {
                index.insert_mount(mount, contents);
            }
        }
    }

    /// Packs the contents of a mount; that they cannot be packed is a warning.
    async fn pack(&self, mount: &CacheMount, most: u64) -> Option<Layer> {
        if !self.store.has_cache_mount(&mount.identity) {
            return None;
        }
        let (store, identity) = (self.store.clone(), mount.identity.clone());
        let packed =
            blocking(move || store.pack_cache_mount(&identity, most, Compression::default()));
        match packed.await {
            Ok(packed) => packed.map(|packed| self.store.layer(&packed)),
            Err(error) => {
                let (id, chain) = (&mount.id, Chain(&error));
                self.ui.warning(format_args!("the cache mount `{id}` is left out: {chain}"));
                None
            }
        }
    }
}
