//! One upload: a file that grows, and the digest of what it holds.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::body::{Body, BodyDataStream, Bytes};
use futures::StreamExt;
use notes_oci::{Digest, Hashing, Repository};
use tokio::task::{JoinHandle, spawn_blocking};

use super::super::{Durability, refusal::Refusal, storage::Storage};
use crate::locked::locked;

/// Bytes that are written and hashed at once, while the next are received.
const BATCH: usize = 1 << 20;

/// One upload: a file that grows, and the digest of what it holds. Clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    path: PathBuf,
    written: Arc<Mutex<Written>>,
}

/// What the file holds; the three change together, whatever becomes of the request that brings the bytes.
#[derive(Debug)]
struct Written {
    file: File,
    hashing: Hashing<()>,
    size: u64,
}

impl Written {
    fn add(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        for chunk in chunks {
            if let Err(error) = self.file.write_all(chunk) {
                // A disk that became full took a part of it.
                self.file.set_len(self.size)?;
                self.file.seek(SeekFrom::Start(self.size))?;
                return Err(error);
            }
            self.hashing.update(chunk);
            self.size += chunk.len() as u64;
        }
        Ok(())
    }
}

impl Upload {
    /// Begins one in a file that is not there yet. Blocks.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::create_new(&path)?;
        let written = Written { file, hashing: Hashing::new(()), size: 0 };
        Ok(Self { path, written: Arc::new(Mutex::new(written)) })
    }

    /// Goes on with a file that an earlier process left. Blocks, as long as it takes to read it.
    pub(super) fn resume(path: PathBuf) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
        let (mut hashing, mut size) = (Hashing::new(()), 0);
        let mut buffer = vec![0; BATCH];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hashing.update(&buffer[..count]);
            size += count as u64;
        }
        Ok(Self { path, written: Arc::new(Mutex::new(Written { file, hashing, size })) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        locked(&self.written)
    }

    /// Returns how many bytes it has.
    pub(super) async fn size(&self) -> io::Result<u64> {
        // A request that broke off may have left a batch that is still being written.
        let upload = self.clone();
        spawn_blocking(move || upload.written().size).await.map_err(io::Error::other)
    }

    /// Appends a body. What arrived before the connection broke counts, and an upload can go on from there.
    pub(super) async fn append(&self, body: Body) -> Result<(), Refusal> {
        let mut chunks = body.into_data_stream();
        let mut writing: Option<JoinHandle<io::Result<()>>> = None;
        loop {
            let (batch, end) = receive(&mut chunks).await;
            if let Some(writing) = writing.take() {
                writing.await.map_err(io::Error::other)??;
            }
            let upload = self.clone();
            let task = spawn_blocking(move || upload.written().add(&batch));
            match end {
                End::NotYet => writing = Some(task),
                End::Whole => return Ok(task.await.map_err(io::Error::other)??),
                End::Broken => {
                    task.await.map_err(io::Error::other)??;
                    return Err(Refusal::upload_invalid("the body ended early"));
                }
            }
        }
    }

    /// Makes it the blob `expected` of `repository`, if that is what it holds. Blocks.
    pub(super) fn commit(
        &self,
        storage: &Storage,
        repository: &Repository,
        expected: Digest,
    ) -> Result<(), Refusal> {
        let written = self.written();
        let found = written.hashing.digest();
        if found != expected {
            let message = format!("the bytes have digest `{found}`, not `{expected}`");
            return Err(Refusal::digest_invalid(message));
        }
        if storage.durability() == Durability::Synced {
            written.file.sync_data()?;
        }
        let _writing = storage.writing()?;
        storage.adopt_blob(&self.path, &expected).map_err(|error| match error.kind() {
            // `prune` took it for one that nobody goes on with.
            io::ErrorKind::NotFound => Refusal::upload_unknown(&self.id()),
            _ => error.into(),
        })?;
        storage.link_blob(repository, &expected)?;
        Ok(())
    }

    fn id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns what removes its file, unless it has become a blob by then.
    pub(super) fn removed_at_end(&self) -> RemovedAtEnd {
        RemovedAtEnd(self.path.clone())
    }
}

/// How much of a body has been seen.
enum End {
    NotYet,
    Whole,
    Broken,
}

async fn receive(chunks: &mut BodyDataStream) -> (Vec<Bytes>, End) {
    let (mut batch, mut size) = (Vec::new(), 0);
    while size < BATCH {
        match chunks.next().await {
            Some(Ok(chunk)) => {
                size += chunk.len();
                batch.push(chunk);
            }
            Some(Err(_)) => return (batch, End::Broken),
            None => return (batch, End::Whole),
        }
    }
    (batch, End::NotYet)
}

/// Removes a file when it is dropped, also with a request that was broken off.
#[derive(Debug)]
pub(super) struct RemovedAtEnd(PathBuf);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        // Gone already where it became a blob.
        let _ = std::fs::remove_file(&self.0);
    }
}
