//! Compressing a layer: on every core, and to the same bytes whatever their number.
//!
//! The input is cut into blocks of [`BLOCK`] bytes that are deflated independently and joined into one gzip member, as
//! `pigz --independent` does: each block but the last ends with a sync flush. Borders depend on the position alone, so
//! neither the number of threads nor the sizes of the writes show in the output.

use std::{
    collections::VecDeque,
    io::{self, Write},
    mem,
    num::NonZero,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use flate2::{Compress, Compression as Level, Crc, FlushCompress, Status};

/// How many bytes are compressed at a time: enough that the lost dictionary costs well under 1 %.
pub const BLOCK: usize = 1 << 20;

/// How layers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip at a level from 1 to 9, which everything reads.
    Gzip(u32),
    /// zstd at a level from 1 to 19: faster and smaller, for runtimes of the last years.
    Zstd(i32),
}

impl Default for Compression {
    /// gzip level 6, as other builders have it.
    fn default() -> Self {
        Self::Gzip(6)
    }
}

/// A writer that compresses into `W`; [`Compressor::finish`] must be called.
#[derive(Debug)]
pub struct Compressor<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Gzip(Gzip<W>),
    Zstd(Box<zstd::Encoder<'static, W>>),
}

impl<W: Write> std::fmt::Debug for Kind<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl<W: Write> Compressor<W> {
    /// Starts compressing into `inner` on as many threads as the machine has cores.
    pub fn new(inner: W, compression: Compression) -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self(match compression {
            Compression::Gzip(level) => Kind::Gzip(Gzip::new(inner, level, threads)?),
            Compression::Zstd(level) => Kind::Zstd(Box::new(zstd::Encoder::new(inner, level)?)),
        }))
    }

    /// Writes what is left and returns the inner writer.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::Gzip(gzip) => gzip.finish(),
            Kind::Zstd(zstd) => zstd.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Gzip(gzip) => gzip.write(bytes),
            Kind::Zstd(zstd) => zstd.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A block on its way through a worker.
struct Job {
    block: Vec<u8>,
    reply: mpsc::SyncSender<Deflated>,
}

/// A compressed block and the checksum of what it was made from.
struct Deflated {
    bytes: Vec<u8>,
    crc: Crc,
}

struct Gzip<W> {
    inner: W,
    level: Level,
    threads: usize,
    block: Vec<u8>,
    crc: Crc,
    /// Compressed blocks in the order of the input, each maybe still being made.
    pending: VecDeque<mpsc::Receiver<Deflated>>,
    /// Started by the second block: most layers have only one.
    workers: Option<mpsc::Sender<Job>>,
}

impl<W: Write> Gzip<W> {
    fn new(mut inner: W, level: u32, threads: usize) -> io::Result<Self> {
        // No name, no time, and "unknown" as the system, so that nothing of this machine is in it (RFC 1952).
        inner.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
        Ok(Self {
            inner,
            level: Level::new(level),
            threads,
            block: Vec::with_capacity(BLOCK),
            crc: Crc::new(),
            pending: VecDeque::new(),
            workers: None,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.dispatch()?;
        }
        let taken = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Hands the full block to a worker; waits for the oldest one if enough are under way.
    fn dispatch(&mut self) -> io::Result<()> {
        let block = mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let workers = self.workers.get_or_insert_with(|| spawn(self.threads, self.level));
        let (reply, deflated) = mpsc::sync_channel(1);
        workers.send(Job { block, reply }).map_err(|_| worker_lost())?;
        self.pending.push_back(deflated);
        if self.pending.len() > 2 * self.threads {
            self.collect()?;
        }
        Ok(())
    }

    /// Writes the oldest block under way.
    fn collect(&mut self) -> io::Result<()> {
        if let Some(deflated) = self.pending.pop_front() {
            let deflated = deflated.recv().map_err(|_| worker_lost())?;
            self.crc.combine(&deflated.crc);
            self.inner.write_all(&deflated.bytes)?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        while !self.pending.is_empty() {
            self.collect()?;
        }
        let last = deflate(&self.block, self.level, FlushCompress::Finish);
        self.crc.combine(&last.crc);
        self.inner.write_all(&last.bytes)?;
        self.inner.write_all(&self.crc.sum().to_le_bytes())?;
        self.inner.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.inner)
    }
}

fn worker_lost() -> io::Error {
    io::Error::other("a compressing thread ended early")
}

fn spawn(threads: usize, level: Level) -> mpsc::Sender<Job> {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..threads {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            loop {
                let job = receiver.lock().expect("no worker panics holding the lock").recv();
                let Ok(Job { block, reply }) = job else { return };
                // The writer may be gone after an error; then nobody needs the block.
                let _ = reply.send(deflate(&block, level, FlushCompress::Sync));
            }
        });
    }
    sender
}

fn deflate(block: &[u8], level: Level, flush: FlushCompress) -> Deflated {
    let mut crc = Crc::new();
    crc.update(block);
    let mut deflater = Compress::new(level, false);
    let mut bytes = Vec::with_capacity(block.len() / 2 + 64);
    loop {
        let consumed = usize::try_from(deflater.total_in()).expect("a block fits memory");
        let status = deflater
            .compress_vec(&block[consumed..], &mut bytes, flush)
            .expect("deflate fails only on a misused stream");
        let done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => bytes.len() < bytes.capacity(),
        };
        if done {
            return Deflated { bytes, crc };
        }
        bytes.reserve(bytes.capacity());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn sample(size: usize) -> Vec<u8> {
        let mut state = 1_u32;
        (0..size)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if index % 3 == 0 { (state >> 24) as u8 } else { b'x' }
            })
            .collect()
    }

    fn gzip(input: &[u8], threads: usize, chunk: usize) -> Vec<u8> {
        let mut writer = Compressor(Kind::Gzip(Gzip::new(Vec::new(), 6, threads).unwrap()));
        for part in input.chunks(chunk) {
            writer.write_all(part).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn threads_and_write_sizes_do_not_show() {
        let input = sample(3 * BLOCK + 17);
        let expected = gzip(&input, 1, BLOCK);
        assert_eq!(gzip(&input, 4, 1000), expected);
        assert_eq!(gzip(&input, 3, input.len()), expected);
    }

    #[test]
    fn every_size_reads_back_as_a_single_member() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK] {
            let input = sample(size);
            let mut output = Vec::new();
            let compressed = gzip(&input, 2, 8192);
            flate2::bufread::GzDecoder::new(&compressed[..]).read_to_end(&mut output).unwrap();
            assert!(output == input, "{size} bytes do not come back");
        }
    }

    #[test]
    fn incompressible_input_outgrows_its_first_buffer() {
        let mut state = 9_u64;
        let input: Vec<u8> = (0..2 * BLOCK)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        let mut output = Vec::new();
        flate2::read::GzDecoder::new(&gzip(&input, 2, 4096)[..]).read_to_end(&mut output).unwrap();
        assert!(output == input);
    }
}
