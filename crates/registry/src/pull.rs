//! From a reference to an [`Image`] whose layers are still where they were.

use std::sync::Arc;

use bytes::Bytes;
use notes_oci::{
    Blob, Descriptor, Digest, Image, ImageError, Index, MediaType, Origin, Pinned, Platform,
    Reading, Reference,
};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};

use crate::{
    authorization::Scope, client::Client, download::RemoteBlob, request::RequestError,
    transport::Mirror,
};

/// No manifest or config is larger; registries accept 4 MiB.
pub(crate) const DOCUMENT_LIMIT: usize = 16 << 20;

/// What we can read, the usual first.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// The error returned when an image cannot be read from a registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullError {
    /// There is no such image.
    #[error("there is no image `{reference}`")]
    NotFound {
        /// The image.
        reference: Box<Reference>,
        /// The registry's answer.
        source: RequestError,
    },
    /// A request failed.
    #[error("failed to read `{reference}`")]
    Request {
        /// The image.
        reference: Box<Reference>,
        /// Why.
        source: RequestError,
    },
    /// The image is not there for the platform.
    #[error("`{reference}` has no image for `{platform}`")]
    NoPlatform {
        /// The image.
        reference: Box<Reference>,
        /// The platform asked for.
        platform: Box<Platform>,
        /// The platforms that are there.
        offered: Vec<Platform>,
    },
    /// The registry sent other bytes than those that were asked for.
    #[error(
        "the registry sent other bytes for `{reference}`: digest `{found}` instead of `{expected}`"
    )]
    OtherBytes {
        /// The image.
        reference: Box<Reference>,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// It is no image of a kind that is known.
    #[error("`{reference}` is of type `{media_type}`, which is no image")]
    NoImage {
        /// The reference.
        reference: Box<Reference>,
        /// What the registry calls it.
        media_type: MediaType,
    },
    /// The manifest or the config is malformed.
    #[error("`{reference}` is malformed")]
    Malformed {
        /// The image.
        reference: Box<Reference>,
        /// How.
        source: ImageError,
    },
}

impl PullError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { source, .. } | Self::Request { source, .. } => source.hint(),
            Self::NoPlatform { offered, .. } if !offered.is_empty() => {
                let offered: Vec<_> = offered.iter().map(|it| format!("`{it}`")).collect();
                Some(format!("it is there for {}", offered.join(", ")))
            }
            Self::NoImage { .. } => Some(
                "images of docker's schema 1 have to be pushed again by a newer tool; charts and other artifacts have \
                 no file system"
                    .into(),
            ),
            _ => None,
        }
    }

    /// Returns the failed request, where one failed.
    pub fn request(&self) -> Option<&RequestError> {
        match self {
            Self::NotFound { source, .. } | Self::Request { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Tells whether there is no such image.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoPlatform { .. })
    }

    /// Tells whether credentials are missing, wrong or not enough.
    pub fn is_denied(&self) -> bool {
        self.request().is_some_and(RequestError::is_denied)
    }

    /// Tells whether it may succeed later.
    pub fn is_transient(&self) -> bool {
        self.request().is_some_and(RequestError::is_transient)
    }
}

/// Returns where `reference` may be read: its registry's mirrors in order, then the registry.
pub(crate) fn places(reference: &Reference, mirrors: &[Mirror]) -> Vec<Origin> {
    let origin =
        Origin { registry: reference.registry.clone(), repository: reference.repository.clone() };
    mirrors
        .iter()
        .filter(|mirror| mirror.of == reference.registry)
        .filter_map(|mirror| mirror.place(&reference.repository))
        .chain([origin])
        .collect()
}

/// A manifest or an index as it was sent.
struct Document {
    media_type: MediaType,
    bytes: Bytes,
}

/// One pull.
pub(crate) struct Pull<'a> {
    pub(crate) client: &'a Arc<Client>,
    pub(crate) reference: &'a Reference,
    pub(crate) places: Vec<Origin>,
}

impl Pull<'_> {
    /// Reads manifest and config from the first place that has them.
    pub(crate) async fn image(&self, platform: &Platform) -> Result<Image, PullError> {
        let (origin, mirrors) = self.origin_and_mirrors();
        for mirror in mirrors {
            match self.image_from(mirror, platform).await {
                Ok(image) => return Ok(image),
                Err(error) => self.pass_over(mirror, &error),
            }
        }
        self.image_from(origin, platform).await
    }

    /// Finds the digest in the first place that has it. HEAD counts against no rate limit.
    pub(crate) async fn resolve(&self) -> Result<Pinned, PullError> {
        let (origin, mirrors) = self.origin_and_mirrors();
        for mirror in mirrors {
            match self.resolve_in(mirror).await {
                Ok(pinned) => return Ok(pinned),
                Err(error) => self.pass_over(mirror, &error),
            }
        }
        self.resolve_in(origin).await
    }

    fn origin_and_mirrors(&self) -> (&Origin, &[Origin]) {
        self.places.split_last().expect("the registry itself is always a place")
    }

    /// A mirror need not have everything; that it fails otherwise is worth a line.
    fn pass_over(&self, mirror: &Origin, error: &PullError) {
        if !error.is_not_found() {
            let reason = std::error::Error::source(error)
                .map_or_else(|| error.to_string(), ToString::to_string);
            let registry = &mirror.registry;
            self.client.warn_once(&format!("the mirror `{registry}` is passed over: {reason}"));
        }
    }

    async fn resolve_in(&self, place: &Origin) -> Result<Pinned, PullError> {
        let response = self.head(place).await?;
        let digest = match digest_header(&response) {
            Some(digest) => digest,
            // Some registries leave the header out; the bytes tell.
            None => Digest::of(&self.document(place, None).await?.bytes),
        };
        Ok(self.reference.pin(digest))
    }

    async fn image_from(&self, place: &Origin, platform: &Platform) -> Result<Image, PullError> {
        let mut document = self.document(place, self.reference.digest).await?;
        if document.media_type.is_index() {
            let manifest = self.select(&document.bytes, platform)?;
            document = self.document(place, Some(manifest.digest)).await?;
        }
        if !document.media_type.is_manifest() {
            let (reference, media_type) = (Box::new(self.reference.clone()), document.media_type);
            return Err(PullError::NoImage { reference, media_type });
        }
        let malformed =
            |source| PullError::Malformed { reference: Box::new(self.reference.clone()), source };
        let reading = Reading::of(document.bytes).map_err(malformed)?;
        let config = self.config(place, reading.config()).await?;
        let places = self.places_from(place);
        let blob = |layer: &Descriptor| {
            Arc::new(RemoteBlob::new(self.client, &places, layer)) as Arc<dyn Blob>
        };
        reading.finish(config, blob).map_err(malformed)
    }

    /// Returns the place that answered, and those after it, for layers that it turns out not to have.
    fn places_from(&self, place: &Origin) -> Arc<[Origin]> {
        self.places.iter().skip_while(|it| *it != place).cloned().collect()
    }

    fn select(&self, index: &[u8], platform: &Platform) -> Result<Descriptor, PullError> {
        let index: Index =
            serde_json::from_slice(index).map_err(|source| PullError::Malformed {
                reference: Box::new(self.reference.clone()),
                source: ImageError::Manifest { source },
            })?;
        index.select(platform).cloned().ok_or_else(|| PullError::NoPlatform {
            reference: Box::new(self.reference.clone()),
            platform: Box::new(platform.clone()),
            offered: index.platforms().into_iter().cloned().collect(),
        })
    }

    /// Reads a manifest by `digest`, or by what the reference names.
    async fn document(
        &self,
        place: &Origin,
        digest: Option<Digest>,
    ) -> Result<Document, PullError> {
        let identifier =
            digest.map_or_else(|| self.reference.identifier(), |digest| digest.to_string());
        let address = self.client.address(place, &format!("manifests/{identifier}"));
        let (response, bytes) =
            self.fetch(place, |http| http.get(address.clone()).header(ACCEPT, ACCEPTED)).await?;
        let expected = digest.or_else(|| digest_header(&response));
        let stated = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| MediaType::from(value.split(';').next().unwrap_or(value).trim()));
        self.check(expected, &bytes)?;
        // Registries that store plain files state no useful type; the document knows its own.
        let media_type = match stated {
            Some(stated) if stated.is_index() || stated.is_manifest() => stated,
            stated => own_type(&bytes)
                .or(stated)
                .unwrap_or_else(|| MediaType::from("application/octet-stream")),
        };
        Ok(Document { media_type, bytes })
    }

    async fn config(&self, place: &Origin, config: &Descriptor) -> Result<Bytes, PullError> {
        let address = self.client.address(place, &format!("blobs/{}", config.digest));
        let (_, bytes) = self.fetch(place, |http| http.get(address.clone())).await?;
        self.check(Some(config.digest), &bytes)?;
        Ok(bytes)
    }

    /// Asks for the head of what the reference names.
    async fn head(&self, place: &Origin) -> Result<Response, PullError> {
        let address =
            self.client.address(place, &format!("manifests/{}", self.reference.identifier()));
        let scope = Scope::pull(&place.repository);
        let build = |http: &reqwest::Client| http.head(address.clone()).header(ACCEPT, ACCEPTED);
        let sent = self.client.send(&place.registry, &scope, &[], build).await;
        sent.map_err(|source| self.failed(source))
    }

    /// Reads a manifest, an index or a config.
    async fn fetch(
        &self,
        place: &Origin,
        build: impl Fn(&reqwest::Client) -> RequestBuilder + Sync,
    ) -> Result<(Response, Bytes), PullError> {
        let scope = Scope::pull(&place.repository);
        let fetched = self.client.fetch(&place.registry, &scope, DOCUMENT_LIMIT, build).await;
        fetched.map_err(|source| self.failed(source))
    }

    fn check(&self, expected: Option<Digest>, bytes: &[u8]) -> Result<(), PullError> {
        let found = Digest::of(bytes);
        match expected {
            Some(expected) if expected != found => {
                let reference = Box::new(self.reference.clone());
                Err(PullError::OtherBytes { reference, expected, found })
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, source: RequestError) -> PullError {
        let reference = Box::new(self.reference.clone());
        if source.is_not_found() {
            PullError::NotFound { reference, source }
        } else {
            PullError::Request { reference, source }
        }
    }
}

/// Reads the registry's own word on a manifest's digest.
pub(crate) fn digest_header(response: &Response) -> Option<Digest> {
    response.headers().get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

fn own_type(bytes: &[u8]) -> Option<MediaType> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    match (value["mediaType"].as_str(), &value["manifests"], &value["layers"]) {
        (Some(stated), ..) => Some(MediaType::from(stated)),
        (None, serde_json::Value::Array(_), _) => Some(MediaType::Index),
        (None, _, serde_json::Value::Array(_)) => Some(MediaType::Manifest),
        _ => None,
    }
}

/// Asks for the digest of a manifest; `None` where there is none.
pub(crate) async fn existing(
    client: &Client,
    place: &Origin,
    scope: &Scope,
    identifier: &str,
) -> Result<Option<Digest>, RequestError> {
    let address = client.address(place, &format!("manifests/{identifier}"));
    let registry = &place.registry;
    let head = |http: &reqwest::Client| http.head(address.clone()).header(ACCEPT, ACCEPTED);
    let response = client.send(registry, scope, &[StatusCode::NOT_FOUND], head).await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if let Some(digest) = digest_header(&response) {
        return Ok(Some(digest));
    }
    let get = |http: &reqwest::Client| http.get(address.clone()).header(ACCEPT, ACCEPTED);
    let (_, bytes) = client.fetch(registry, scope, DOCUMENT_LIMIT, get).await?;
    Ok(Some(Digest::of(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_come_first_and_only_for_their_registry() {
        let mirrors =
            ["docker.io=a:1/hub", "ghcr.io=b", "docker.io=c"].map(|text| text.parse().unwrap());
        let names = |reference: &str| -> Vec<String> {
            places(&reference.parse().unwrap(), &mirrors)
                .iter()
                .map(|place| format!("{}/{}", place.registry, place.repository))
                .collect()
        };
        assert_eq!(
            names("python:3"),
            ["a:1/hub/library/python", "c/library/python", "docker.io/library/python"]
        );
        assert_eq!(names("quay.io/x/y"), ["quay.io/x/y"]);
    }
}
