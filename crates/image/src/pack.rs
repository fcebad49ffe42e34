//! From entries to a stored layer in one pass: tar, diff id, compression, digest.

use std::{
    io::{self, BufWriter, Read},
    path::Path,
};

use notes_oci::{DiffId, Digest, Hashing, MediaType};
use serde::{Deserialize, Serialize};

use crate::{
    compress::{Compression, Compressor},
    export,
    store::{Draft, Store},
    tar::{Attributes, Body, Writer},
    tree::Tree,
};

/// A layer that lies in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Packed {
    /// What the compressed bytes are.
    pub media_type: MediaType,
    /// The digest of the compressed bytes.
    pub digest: Digest,
    /// The number of compressed bytes.
    pub size: u64,
    /// The digest of the tar.
    pub diff_id: DiffId,
}

/// Writes entries into a layer; what it holds in memory does not grow with the layer.
#[derive(Debug)]
pub struct Packer {
    tar: Writer<Hashing<Compressor<Hashing<BufWriter<Draft>>>>>,
    media_type: MediaType,
}

impl Packer {
    /// Starts a layer in `store`.
    pub fn new(store: &Store, compression: Compression) -> io::Result<Self> {
        let file = Hashing::new(BufWriter::with_capacity(1 << 17, store.draft()?));
        let media_type = match compression {
            Compression::Gzip(_) => MediaType::LayerGzip,
            Compression::Zstd(_) => MediaType::LayerZstd,
        };
        let tar = Writer::new(Hashing::new(Compressor::new(file, compression)?));
        Ok(Self { tar, media_type })
    }

    /// Adds an entry; see [`Writer::append`].
    pub fn append(
        &mut self,
        path: &Path,
        attributes: &Attributes,
        body: &Body,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        self.tar.append(path, attributes, body, content)
    }

    /// Adds all of `tree`, sorted.
    pub(crate) fn append_all(&mut self, tree: &dyn Tree) -> Result<(), export::Error> {
        export::archive(tree, Path::new(""), &mut self.tar)
    }

    /// Ends the layer and puts it into the store; `None` if it has no entries.
    pub fn finish(self) -> io::Result<Option<Packed>> {
        if self.tar.entries() == 0 {
            return Ok(None);
        }
        let (compressor, tar, _) = self.tar.finish()?.finish();
        let (file, digest, size) = compressor.finish()?.finish();
        let draft = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        draft.publish(&digest)?;
        Ok(Some(Packed { media_type: self.media_type, digest, size, diff_id: tar.into() }))
    }
}
