//! What refers to an image: signatures, provenance, lists of what is in it (distribution spec, "Listing Referrers").
//!
//! A registry that has no referrers API keeps them in an index under a tag made of the digest; who pushes one writes it.

use std::collections::BTreeMap;

use bytes::Bytes;
use notes_oci::{Descriptor, Digest, Index, MediaType, Origin, Pinned, Reference};
use reqwest::{
    Url,
    header::{ACCEPT, LINK},
};

use crate::{
    Remote,
    authorization::Scope,
    client::Client,
    pull::{ACCEPTED, DOCUMENT_LIMIT},
    push::{Push, PushError},
    request::RequestError,
};

/// More pages than this no registry has of one image.
const PAGES: usize = 64;

/// Something that is said of an image and stored beside it.
///
/// # Examples
///
/// ```no_run
/// # async fn run(remote: notes_registry::Remote, image: notes_oci::Pinned) -> Result<(), Box<dyn std::error::Error>> {
/// use notes_registry::Artifact;
///
/// let contents = Artifact::new("application/spdx+json", br#"{"spdxVersion":"SPDX-2.3"}"#.as_slice());
/// remote.attach(&contents, &image).await?;
/// assert_eq!(remote.referrers(&image, Some("application/spdx+json")).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// What it is, such as `application/spdx+json`: by this it is found.
    pub artifact_type: String,
    /// The bytes, of the same type.
    pub content: Bytes,
    /// Annotations of its manifest, which its listing shows.
    pub annotations: BTreeMap<String, String>,
}

impl Artifact {
    /// Returns one without annotations.
    pub fn new(artifact_type: impl Into<String>, content: impl Into<Bytes>) -> Self {
        let annotations = BTreeMap::new();
        Self { artifact_type: artifact_type.into(), content: content.into(), annotations }
    }
}

impl Remote {
    /// Returns the manifests that refer to `subject`, of one type where that is named, in the order of the registry.
    ///
    /// # Errors
    ///
    /// [`RequestError`] where the registry does not answer, or not with a list.
    pub async fn referrers(
        &self,
        subject: &Pinned,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RequestError> {
        let place = place(subject);
        let scope = Scope::pull(&place.repository);
        let mut all = match self.listed(&place, &scope, &subject.digest, artifact_type).await {
            Err(error) if error.is_not_found() => {
                tagged(self.client(), &place, &scope, &subject.digest).await?
            }
            listed => listed?,
        };
        // A registry may ignore the filter; it says so by not saying that it applied it.
        all.retain(|it| {
            artifact_type
                .is_none_or(|wanted| it.other.get("artifactType").is_some_and(|it| it == wanted))
        });
        Ok(all)
    }

    /// Reads the pages of the referrers API.
    async fn listed(
        &self,
        place: &Origin,
        scope: &Scope,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, RequestError> {
        let client = self.client();
        let mut address = client.address(place, &format!("referrers/{subject}"));
        if let Some(wanted) = artifact_type {
            address.query_pairs_mut().append_pair("artifactType", wanted);
        }
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let build = |http: &reqwest::Client| {
                http.get(address.clone()).header(ACCEPT, MediaType::Index.as_str())
            };
            let (response, bytes) =
                client.fetch(&place.registry, scope, DOCUMENT_LIMIT, build).await?;
            all.extend(parse(&bytes, &address)?.manifests);
            let link = response.headers().get(LINK).and_then(|link| link.to_str().ok());
            match link.and_then(|link| next(link, response.url())) {
                // Only the registry itself has the next page.
                Some(next) if next.origin() == address.origin() => address = next,
                _ => break,
            }
        }
        Ok(all)
    }

    /// Stores `artifact` beside `subject`, which is in its registry, and returns the artifact's name.
    ///
    /// # Errors
    ///
    /// [`PushError`] where the subject cannot be found, or the artifact cannot be stored.
    pub async fn attach(&self, artifact: &Artifact, subject: &Pinned) -> Result<Pinned, PushError> {
        let reference = subject.reference();
        let push = Push::new(self.shared_client(), &[], &reference);
        push.artifact(artifact).await
    }
}

fn place(pinned: &Pinned) -> Origin {
    let Reference { registry, repository, .. } = pinned.reference();
    Origin { registry, repository }
}

/// Reads what a registry without the API has under the tag of `subject`.
pub(crate) async fn tagged(
    client: &Client,
    place: &Origin,
    scope: &Scope,
    subject: &Digest,
) -> Result<Vec<Descriptor>, RequestError> {
    let address = client.address(place, &format!("manifests/{}", tag(subject)));
    let build = |http: &reqwest::Client| http.get(address.clone()).header(ACCEPT, ACCEPTED);
    match client.fetch(&place.registry, scope, DOCUMENT_LIMIT, build).await {
        Ok((_, bytes)) => Ok(parse(&bytes, &address)?.manifests),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the tag of the index that lists what refers to `subject` (distribution spec, "Referrers Tag Schema").
pub(crate) fn tag(subject: &Digest) -> String {
    subject.to_string().replace(':', "-")
}

fn parse(bytes: &[u8], address: &Url) -> Result<Index, RequestError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let request = crate::request::describe("GET", address);
        RequestError::answer(request, format!("it is no list of manifests ({error})"))
    })
}

/// Returns the address of the next page (RFC 8288).
fn next(link: &str, base: &Url) -> Option<Url> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.replace('"', "").split(';').any(|it| it.trim() == "rel=next");
    if is_next { base.join(target).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_found_in_its_header() {
        let base: Url = "https://a.example/v2/app/referrers/x".parse().unwrap();
        let found = next("</v2/app/referrers/x?page=2>; rel=\"next\"", &base).unwrap();
        assert_eq!(found.as_str(), "https://a.example/v2/app/referrers/x?page=2");
        assert_eq!(next("</v2/x>; rel=\"prev\"", &base), None);
        assert_eq!(next("nonsense", &base), None);
    }

    #[test]
    fn the_tag_is_the_digest_without_its_colon() {
        let subject = Digest::of("");
        assert_eq!(tag(&subject), format!("sha256-{}", subject.hex()));
        assert!(tag(&subject).parse::<notes_oci::Tag>().is_ok());
    }
}
