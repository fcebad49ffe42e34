//! Content digests: of bytes as they travel ([`Digest`]) and of a layer's uncompressed tar ([`DiffId`]).

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Serialize, de};
use sha2::{Digest as _, Sha256};

/// The digest of some bytes: `sha256:` and 64 lower-case hexadecimal digits.
///
/// The image spec registers sha512 as well, but no builder writes it and registries need not accept it; a reference
/// that names one is refused when it is parsed rather than when a comparison fails
/// (image-spec, descriptor.md, "Registered algorithms").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes.as_ref()).into())
    }

    /// Returns the 64 hexadecimal digits without the algorithm.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Returns the raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The error returned when text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// There is no `algorithm:` in front.
    #[error("`{text}` has no algorithm; a digest reads `sha256:` and 64 hexadecimal digits")]
    NoAlgorithm {
        /// What was to be parsed.
        text: String,
    },
    /// The algorithm is not sha256.
    #[error("the digest algorithm `{algorithm}` is not supported; only sha256 is")]
    Algorithm {
        /// The algorithm named.
        algorithm: String,
    },
    /// What follows the algorithm is not 64 lower-case hexadecimal digits.
    #[error("`{text}` is not 64 lower-case hexadecimal digits")]
    Encoded {
        /// The part after the colon.
        text: String,
    },
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, encoded) =
            text.split_once(':').ok_or_else(|| DigestError::NoAlgorithm { text: text.into() })?;
        if algorithm != "sha256" {
            return Err(DigestError::Algorithm { algorithm: algorithm.into() });
        }
        let mut bytes = [0; 32];
        if encoded.bytes().any(|byte| byte.is_ascii_uppercase())
            || hex::decode_to_slice(encoded, &mut bytes).is_err()
        {
            return Err(DigestError::Encoded { text: encoded.into() });
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The digest of a layer's uncompressed tar, as the image config lists it (image-spec, config.md, "Layer `DiffID`").
///
/// A type of its own, so that it cannot stand where the digest of a compressed blob is meant:
///
/// ```compile_fail
/// use notes_oci::{DiffId, Digest};
/// let blob: Digest = DiffId::from(Digest::of(b"tar"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(Digest);

impl DiffId {
    /// Returns the digest itself, where a plain one is needed (a file name, a key).
    pub fn digest(&self) -> Digest {
        self.0
    }
}

impl From<Digest> for DiffId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Hashes and counts what passes through it, towards a writer or from a reader.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use notes_oci::{Digest, Hashing};
///
/// let mut sink = Hashing::new(Vec::new());
/// sink.write_all(b"hello")?;
/// let (bytes, digest, size) = sink.finish();
/// assert_eq!((bytes.as_slice(), digest, size), (&b"hello"[..], Digest::of(b"hello"), 5));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Hashing<T> {
    inner: T,
    hasher: Sha256,
    size: u64,
}

impl<T> Hashing<T> {
    /// Wraps a reader or a writer.
    pub fn new(inner: T) -> Self {
        Self { inner, hasher: Sha256::new(), size: 0 }
    }

    /// Adds bytes that pass by another way.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Returns the wrapped value, to poll or seek it; bytes that pass this way are not hashed.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Returns the digest of what has been seen so far.
    pub fn digest(&self) -> Digest {
        Digest(self.hasher.clone().finalize().into())
    }

    /// Returns the wrapped value, the digest and the number of bytes seen.
    pub fn finish(self) -> (T, Digest, u64) {
        (self.inner, Digest(self.hasher.finalize().into()), self.size)
    }
}

impl<W: io::Write> io::Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: io::Read> io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_as_it_prints() {
        let digest = Digest::of(b"");
        assert_eq!(
            digest.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short(), "e3b0c44298fc");
    }

    #[test]
    fn what_is_not_a_digest_is_refused_with_its_reason() {
        let long = "0".repeat(64);
        for (text, expected) in [
            ("e3b0", DigestError::NoAlgorithm { text: "e3b0".into() }),
            ("md5:00", DigestError::Algorithm { algorithm: "md5".into() }),
            ("sha256:00", DigestError::Encoded { text: "00".into() }),
            (
                &format!("sha256:{}", long.replacen('0', "A", 1)),
                DigestError::Encoded { text: long.replacen('0', "A", 1) },
            ),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(expected));
        }
    }
}
