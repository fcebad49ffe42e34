//! What was behind URLs when they were downloaded last.

use std::{fs, io, path::PathBuf};

use notes_oci::Digest;
use serde::{Deserialize, Serialize};

use super::{Store, draft};
use crate::build::Validators;

/// A file that was downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// Its content, which is a blob of the store.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
    /// What the server said about it.
    pub validators: Validators,
}

impl Store {
    /// Returns what was behind `url` last, if that is known and the file is still there.
    pub fn find_download(&self, url: &str) -> Option<Download> {
        let bytes = fs::read(self.download_path(url)).ok()?;
        let download: Download = serde_json::from_slice(&bytes).ok()?;
        self.has_blob(&download.digest, download.size).then_some(download)
    }

    /// Remembers what is behind `url`. The address itself is not kept: it may hold a token.
    pub fn keep_download(&self, url: &str, download: &Download) -> io::Result<()> {
        let bytes = serde_json::to_vec(download).expect("a record has text keys and no floats");
        draft::write(&self.root, &self.download_path(url), &bytes)
    }

    fn download_path(&self, url: &str) -> PathBuf {
        self.root.join("downloads").join(Digest::of(url).hex())
    }
}
