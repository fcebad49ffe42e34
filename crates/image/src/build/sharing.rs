//! Results that a shared cache knows. What it promises and does not keep, or keeps and cannot be read, makes the build begin again
//! without it: what was done meanwhile is in the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    error, iter,
};

use notes_oci::{Digest, ImageSource, Layer};

use super::{
    Built, Error, Problem,
    builder::{Builder, lock},
    step::By,
};
use crate::{
    cache::{CacheKey, Found, Kept},
    store::UnpackError,
};

/// The layers of shared caches that a build has met.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Those that were taken, and whether they have bytes.
    taken: BTreeMap<Digest, Bytes>,
    /// Those that are taken no more.
    refused: BTreeSet<Digest>,
    /// The layers of the stages in which the attempt failed.
    pub(super) unfinished: Vec<Vec<Layer>>,
}

/// Whether the bytes of a layer can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bytes {
    Kept,
    Promised,
}

impl Sharing {
    fn take(&mut self, kept: &Kept) -> bool {
        let (digest, bytes) = match kept {
            Kept::Layer(layer) => (layer.digest(), Bytes::Kept),
            Kept::Promise(packed) => (packed.digest, Bytes::Promised),
            Kept::Nothing => return true,
        };
        let is_welcome = !self.refused.contains(&digest);
        if is_welcome {
            self.taken.insert(digest, bytes);
        }
        is_welcome
    }

    fn refuse(&mut self, digest: Digest) {
        self.taken.remove(&digest);
        self.refused.insert(digest);
    }
}

impl<S: ImageSource> Builder<'_, S> {
    /// Asks the shared cache.
    pub(super) async fn shared(&self, key: &CacheKey) -> Option<(Kept, By)> {
        let shared = self.resources.shared.as_ref()?;
        let Found { kept, cache } = shared.find(key).await?;
        let kept = match kept {
            // The store may have what the cache only promises.
            Kept::Promise(packed) if self.resources.store.has_blob(&packed.digest, packed.size) => {
                Kept::Layer(self.resources.store.layer(&packed))
            }
            kept => kept,
        };
        lock(&self.sharing).take(&kept).then_some((kept, By::Shared(cache)))
    }

    /// Tells whether a layer of a shared cache made an attempt fail, and takes it no more.
    pub(super) fn blames_sharing(&self, error: &Error) -> bool {
        let Problem::Unpack { source } = &error.problem else { return false };
        let (UnpackError::Read { digest, .. } | UnpackError::Unpack { digest, .. }) = source else {
            return false;
        };
        let taken = lock(&self.sharing).taken.get(digest).copied();
        match taken {
            None => return false,
            Some(Bytes::Kept) => {
                let causes = iter::successors(Some(source as &dyn error::Error), |it| it.source());
                let causes: Vec<_> = causes.map(ToString::to_string).collect();
                let text = format!("a layer of a build cache is of no use: {}", causes.join(": "));
                self.resources.reporter.warning(&text);
            }
            Some(Bytes::Promised) => self.refuse_promises_beside(*digest),
        }
        lock(&self.sharing).refuse(*digest);
        true
    }

    /// Takes no promise any more that lies in one stage with `digest`: who reads one layer of a stage reads all.
    fn refuse_promises_beside(&self, digest: Digest) {
        let (stages, mut sharing) = (lock(&self.stages), lock(&self.sharing));
        let finished = stages.values().map(|stage| &stage.layers);
        let beside = finished
            .chain(&sharing.unfinished)
            .filter(|layers| layers.iter().any(|layer| layer.digest() == digest))
            .flatten()
            .map(Layer::digest);
        let promised = beside.filter(|it| sharing.taken.get(it) == Some(&Bytes::Promised));
        for digest in promised.collect::<Vec<_>>() {
            sharing.refuse(digest);
        }
    }

    /// Tells whether a layer of the image is only promised, and takes it no more.
    pub(super) fn breaks_promise(&self, built: &Built) -> bool {
        let mut sharing = lock(&self.sharing);
        let digests = built.image.layers().iter().map(Layer::digest);
        let promised = digests.filter(|it| sharing.taken.get(it) == Some(&Bytes::Promised));
        let promised: Vec<_> = promised.collect();
        for digest in &promised {
            sharing.refuse(*digest);
        }
        !promised.is_empty()
    }
}
