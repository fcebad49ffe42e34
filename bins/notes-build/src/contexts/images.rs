//! Where the images of a build come from: registries, and the layouts that are contexts.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use notes_oci::{
    Descriptor, Digest, Image, ImageSource, Layout, LayoutError, Platform, REF_NAME, Reference,
};
use notes_registry::{PullError, Remote};

/// An image in a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Which image; without it the only one, or that of the tag `latest`.
    pub(super) identifier: Option<Identifier>,
}

/// Which image of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identifier {
    Tag(String),
    Digest(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        match &self.identifier {
            Some(Identifier::Tag(tag)) => write!(f, ":{tag}"),
            Some(Identifier::Digest(digest)) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl Place {
    /// Finds the image for `platform`.
    async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, ImagesError> {
        let layout = Layout::open(&self.path).await.map_err(ImagesError::Layout)?;
        let entries = layout.index().await.map_err(ImagesError::Layout)?.manifests;
        let fits = |entry: &&Descriptor| {
            entry.platform.as_ref().is_none_or(|offered| platform.accepts(offered))
        };
        let found = entries.iter().filter(|entry| self.means(entry, &entries)).find(fits);
        let found = found.ok_or_else(|| ImagesError::Absent {
            place: self.to_string(),
            platform: platform.clone(),
            tags: entries.iter().filter_map(tag).map(Into::into).collect(),
        })?;
        let pinned = reference.pin(found.digest).reference();
        layout.image(&pinned, platform).await.map_err(ImagesError::Layout)
    }

    /// Tells whether `entry`, one of `entries`, is meant.
    fn means(&self, entry: &Descriptor, entries: &[Descriptor]) -> bool {
        match &self.identifier {
            Some(Identifier::Tag(wanted)) => tag(entry) == Some(wanted),
            Some(Identifier::Digest(digest)) => entry.digest.to_string() == *digest,
            None => entries.len() == 1 || tag(entry) == Some("latest"),
        }
    }
}

/// Returns the tag of an entry: tools write the tag alone, or all of the name.
fn tag(entry: &Descriptor) -> Option<&str> {
    let name = entry.annotations.get(REF_NAME)?;
    Some(name.rsplit_once(':').map_or(name.as_str(), |(_, tag)| tag))
}

/// Registries, and layouts by the names of their images.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    remote: Remote,
    layouts: BTreeMap<String, Place>,
    /// What is taken for a name, whatever its tag says by now.
    digests: BTreeMap<String, Digest>,
}

impl Images {
    pub(super) fn new(remote: Remote, layouts: BTreeMap<String, Place>) -> Self {
        Self { remote, layouts, digests: BTreeMap::new() }
    }

    /// Returns the same images, of which these names have these digests.
    pub(crate) fn with_digests(self, digests: BTreeMap<String, Digest>) -> Self {
        Self { digests, ..self }
    }
}

/// The error returned when an image of a build cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImagesError {
    /// From a registry.
    #[error(transparent)]
    Remote(PullError),
    /// From a layout.
    #[error(transparent)]
    Layout(LayoutError),
    /// The layout has others.
    #[error("the layout `{place}` has no such image for {platform}")]
    Absent {
        /// The layout, and what of it was meant.
        place: String,
        /// The platform.
        platform: Platform,
        /// The tags that are there.
        tags: Vec<String>,
    },
}

impl ImagesError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Remote(error) => error.hint().or_else(|| {
                let missing = "check its name and tag; the registry has no such image";
                error.is_not_found().then(|| missing.into())
            }),
            Self::Absent { tags, .. } if !tags.is_empty() => {
                let tags: Vec<_> = tags.iter().map(|tag| format!("`:{tag}`")).collect();
                Some(format!("it has {}", tags.join(", ")))
            }
            Self::Layout(_) | Self::Absent { .. } => None,
        }
    }
}

impl ImageSource for Images {
    type Error = ImagesError;

    async fn image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<Image, ImagesError> {
        if let Some(place) = self.layouts.get(&reference.name()) {
            return place.image(reference, platform).await;
        }
        let image = match self.digests.get(&reference.to_string()) {
            Some(digest) => self.remote.image(&reference.pin(*digest).reference(), platform).await,
            None => self.remote.image(reference, platform).await,
        };
        image.map_err(ImagesError::Remote)
    }
}
