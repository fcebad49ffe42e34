//! What a caller may hear while blobs travel.

use std::{fmt::Debug, time::Duration};

use notes_oci::Digest;

/// Hears what a [`Remote`](crate::Remote) does. Every method defaults to nothing.
///
/// Methods are called from the tasks that move bytes, several at a time, and must not block.
pub trait Reporter: Debug + Send + Sync {
    /// The transfer of a blob begins. One that is tried again begins again.
    fn blob_started(&self, blob: Blob) {
        let _ = blob;
    }

    /// The bytes of a blob begin to travel, from byte `offset` on: it is neither there nor mounted.
    fn blob_travels(&self, blob: Blob, direction: Direction, offset: u64) {
        let _ = (blob, direction, offset);
    }

    /// More bytes of a blob have travelled: `bytes` since the last call.
    fn blob_advanced(&self, blob: Blob, bytes: u64) {
        let _ = (blob, bytes);
    }

    /// A blob is where it should be.
    fn blob_finished(&self, blob: Blob, outcome: Outcome) {
        let _ = (blob, outcome);
    }

    /// Something failed that may pass, and is tried again after `delay`.
    fn retrying(&self, reason: &dyn std::error::Error, delay: Duration) {
        let _ = (reason, delay);
    }

    /// Something is worth a line: a registry's own warning, a mirror that is down, a rate limit that draws near.
    fn warning(&self, text: &str) {
        let _ = text;
    }
}

/// A blob that travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Where a blob travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To a registry.
    Up,
    /// From one.
    Down,
}

/// How a blob came to be where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there.
    Existed,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was sent.
    Uploaded,
    /// It was read to its end here.
    Downloaded,
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Reporter for Silent {}
