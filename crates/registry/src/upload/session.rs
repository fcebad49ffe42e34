//! An upload that a registry has open: where to send to, how far it has come, and how much may be sent at once.

use notes_oci::Registry;
use reqwest::{
    Response, Url,
    header::{HeaderMap, LOCATION, RANGE},
};

use crate::{client::described, request::RequestError, transport};

/// How much is sent at once to a registry that does not take a whole blob and does not say what it takes.
const CHUNK: u64 = 16 << 20;
/// GitHub's registry answers larger chunks with 416 (ocx-sh/ocx#237).
const GITHUB_CHUNK: u64 = 4 << 20;
/// A proxy that takes no more than this is not meant for images.
const SMALLEST_CHUNK: u64 = 512 << 10;

/// How much of a blob one request may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// All of it.
    Whole,
    /// So many bytes, and no fewer but at the end.
    Chunk(u64),
}

impl Limit {
    /// Returns what a registry asks for in its answer to the start of an upload, where it refused no more than this before.
    fn asked(self, registry: &Registry, headers: &HeaderMap) -> Self {
        let least = headers
            .get("oci-chunk-min-length")
            .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
            .filter(|least| *least > 0);
        match (self, least) {
            (Self::Whole, None) => Self::Whole,
            (Self::Whole, Some(least)) => Self::Chunk(least.max(usual(registry))),
            (Self::Chunk(length), least) => Self::Chunk(length.max(least.unwrap_or(0))),
        }
    }

    /// Returns the limit after a request that was too large (413).
    pub(super) fn smaller(self, registry: &Registry) -> Option<Self> {
        match self {
            Self::Whole => Some(Self::Chunk(usual(registry))),
            Self::Chunk(length) => {
                Some(Self::Chunk(length / 4)).filter(|_| length / 4 >= SMALLEST_CHUNK)
            }
        }
    }

    /// Returns how many bytes may follow what the registry has of a blob already.
    pub(super) fn chunk(self, registry: &Registry) -> u64 {
        match self {
            Self::Chunk(length) => length,
            Self::Whole if is_github(registry) => GITHUB_CHUNK,
            Self::Whole => u64::MAX,
        }
    }
}

fn usual(registry: &Registry) -> u64 {
    if is_github(registry) { GITHUB_CHUNK } else { CHUNK }
}

fn is_github(registry: &Registry) -> bool {
    registry.as_str() == "ghcr.io"
}

/// How a session came to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It was opened for this attempt.
    Anew,
    /// It was taken up again. That the registry has the right bytes is then its word alone.
    Resumed,
}

/// An upload that a registry has open.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) location: Url,
    /// Bytes that the registry has.
    pub(super) offset: u64,
    pub(super) limit: Limit,
    pub(super) begun: Begun,
}

impl Session {
    /// Returns the session that `response` opens; no request may bring more than `limit`.
    pub(super) fn opened(
        registry: &Registry,
        base: &Url,
        limit: Limit,
        response: &Response,
    ) -> Result<Self, RequestError> {
        let location = location(base, response)?.ok_or_else(|| {
            let problem = "it names no location to send the blob to";
            RequestError::answer(described(response), problem)
        })?;
        let limit = limit.asked(registry, response.headers());
        Ok(Self { location, offset: 0, limit, begun: Begun::Anew })
    }

    /// Takes the session up again where `response` says that it stands; `None` where there is nothing to go on from.
    pub(super) fn resumed(
        &self,
        base: &Url,
        size: u64,
        response: &Response,
    ) -> Result<Option<Self>, RequestError> {
        // `0-0` is what registries say of no byte as well as of one.
        let offset = received(response).filter(|offset| (2..=size).contains(offset));
        let location = location(base, response)?.unwrap_or_else(|| self.location.clone());
        Ok(offset.map(|offset| Self { location, offset, limit: self.limit, begun: Begun::Resumed }))
    }

    /// Notes the answer to a chunk that ended at byte `end`.
    pub(super) fn advance(
        &mut self,
        base: &Url,
        end: u64,
        response: &Response,
    ) -> Result<(), RequestError> {
        let offset = received(response).unwrap_or(end);
        if !(self.offset + 1..=end).contains(&offset) {
            let problem = format!("it has {offset} bytes of a blob of which {end} were sent");
            return Err(RequestError::answer(described(response), problem));
        }
        if let Some(location) = location(base, response)? {
            self.location = location;
        }
        self.offset = offset;
        Ok(())
    }

    /// Returns where to say that the upload is complete.
    pub(super) fn end(&self, digest: &notes_oci::Digest) -> Url {
        let mut location = self.location.clone();
        location.query_pairs_mut().append_pair("digest", &digest.to_string());
        location
    }
}

/// Returns how many bytes the registry has: `Range: 0-<last>`, with or without a unit.
fn received(response: &Response) -> Option<u64> {
    let range = response.headers().get(RANGE)?.to_str().ok()?;
    let range = range.trim_start_matches("bytes=").trim_start_matches("bytes ");
    range.split_once('-')?.1.trim().parse::<u64>().ok()?.checked_add(1)
}

/// Reads where to send to: an address of its own, possibly relative, possibly with a query, never rebuilt.
fn location(base: &Url, response: &Response) -> Result<Option<Url>, RequestError> {
    let unusable = |problem: &str| RequestError::answer(described(response), problem);
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().ok().and_then(|location| response.url().join(location).ok());
    let location = location.ok_or_else(|| unusable("its location is not an address"))?;
    if transport::is_safe(base, &location) {
        Ok(Some(location))
    } else {
        Err(unusable("it sends the blob to a place that is not as safe as the registry"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(least: &str) -> HeaderMap {
        HeaderMap::from_iter([("oci-chunk-min-length".parse().unwrap(), least.parse().unwrap())])
    }

    #[test]
    fn chunks_are_for_registries_that_ask() {
        let [any, github] = ["registry.example.com", "ghcr.io"].map(|it| it.parse().unwrap());
        let whole = Limit::Whole;
        for registry in [&any, &github] {
            assert_eq!(whole.asked(registry, &HeaderMap::new()), whole);
            assert_eq!(whole.asked(registry, &headers("0")), whole);
        }
        assert_eq!(whole.asked(&any, &headers("5")), Limit::Chunk(CHUNK));
        assert_eq!(whole.asked(&github, &headers("5")), Limit::Chunk(GITHUB_CHUNK));
        assert_eq!(whole.asked(&any, &headers("99000000")), Limit::Chunk(99_000_000));
        assert_eq!((whole.chunk(&any), whole.chunk(&github)), (u64::MAX, GITHUB_CHUNK));
    }

    #[test]
    fn what_is_too_large_is_cut_until_it_makes_no_sense() {
        let registry = "registry.example.com".parse().unwrap();
        let mut limits = vec![Limit::Whole];
        while let Some(limit) = limits.last().unwrap().smaller(&registry) {
            limits.push(limit);
        }
        let chunks = [16, 4, 1].map(|mebibytes| Limit::Chunk(mebibytes << 20));
        assert_eq!(limits[1..], chunks);
    }
}
