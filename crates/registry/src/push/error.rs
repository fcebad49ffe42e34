//! Why a push fails.

use std::io;

use notes_oci::{Digest, Reference};

use crate::{request::RequestError, retry::Retryable};

/// The error returned when an image cannot be written to a registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The tag names another image.
    #[error("`{reference}` exists with digest `{existing}`, and the image to push has `{pushed}`")]
    TagExists {
        /// The name.
        reference: Reference,
        /// What it names now.
        existing: Digest,
        /// What it was to name.
        pushed: Digest,
    },
    /// The reference has a digest, and it is not that of the image.
    #[error("`{reference}` names another digest than the image's, `{pushed}`")]
    OtherDigest {
        /// The name.
        reference: Reference,
        /// The image's digest.
        pushed: Digest,
    },
    /// A layer cannot be read.
    #[error("failed to read layer `{digest}` of `{reference}`")]
    Layer {
        /// The name.
        reference: Reference,
        /// The layer.
        digest: Digest,
        /// Why not.
        source: io::Error,
    },
    /// A request failed.
    #[error("failed to push `{reference}`")]
    Request {
        /// The name.
        reference: Reference,
        /// Why.
        source: RequestError,
    },
    /// The list of what refers to an image was written over again and again.
    #[error(
        "`{reference}` was stored but not listed under `{subject}`: others write the list at the same time"
    )]
    NotListed {
        /// The name.
        reference: Reference,
        /// The image.
        subject: Digest,
    },
    /// The registry stored something else.
    #[error("the registry stored `{reference}` as `{stored}` instead of `{pushed}`")]
    Altered {
        /// The name.
        reference: Reference,
        /// The digest sent.
        pushed: Digest,
        /// The digest the registry answered with.
        stored: Digest,
    },
}

impl PushError {
    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TagExists { .. } => Some(
                "the same commit gave another image before: something outside the commit has changed; `--overwrite` \
                 moves the tag"
                    .into(),
            ),
            Self::Request { source, .. } => source.hint(),
            _ => None,
        }
    }

    /// Returns the failed request, where one failed.
    pub fn request(&self) -> Option<&RequestError> {
        match self {
            Self::Request { source, .. } => Some(source),
            _ => None,
        }
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

/// As the failure of a whole push: what may pass was tried again where it happened, a blob that is missed was not.
impl Retryable for PushError {
    fn request(&self) -> Option<&RequestError> {
        self.request()
    }

    fn is_transient(&self) -> bool {
        let misses =
            |code| self.request().is_some_and(|request: &RequestError| request.has_code(code));
        misses("MANIFEST_BLOB_UNKNOWN") || misses("BLOB_UNKNOWN")
    }
}
