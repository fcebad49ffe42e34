//! Layers: packed, unpacked, merged, kept.

mod store;
mod unpack;

use std::path::Path;

use notes_image::{
    Store,
    compress::Compression,
    pack::{Packed, Packer},
    tar::{Attributes, Body},
};

/// A store in a directory of its own.
struct Place {
    directory: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("store")).unwrap();
        Self { directory, store }
    }

    fn root(&self) -> &Path {
        self.store.root()
    }

    /// Packs entries of mode 0755; the text is the content of files.
    fn pack(&self, entries: &[(&str, Body, &str)]) -> Packed {
        let mut packer = Packer::new(&self.store, Compression::default()).unwrap();
        for (path, body, content) in entries {
            let attributes = Attributes { mode: 0o755, modified: 1000, ..Attributes::default() };
            packer.append(path.as_ref(), &attributes, body, &mut content.as_bytes()).unwrap();
        }
        packer.finish().unwrap().unwrap()
    }

    fn unpack(&self, packed: &Packed) -> Result<std::path::PathBuf, String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let unpacked = runtime.block_on(self.store.unpacked(&self.store.layer(packed)));
        unpacked.map_err(|error| {
            let mut text = error.to_string();
            let mut next = std::error::Error::source(&error);
            while let Some(cause) = next {
                text = format!("{text}: {cause}");
                next = cause.source();
            }
            text
        })
    }
}

fn file(content: &str) -> Body {
    Body::File(content.len() as u64)
}
