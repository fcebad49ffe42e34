//! What the steps of a build made, as an image: anything that stores images keeps it.

use std::collections::{BTreeMap, BTreeSet};

use notes_oci::{Config, Digest, Image, Layer, Platform};
use serde::{Deserialize, Serialize};

use super::{CacheKey, CacheMount, Kept, Made};
use crate::{
    pack::Packed,
    report::{StepReport, StepTrace},
};

/// The field of the config that holds the index.
const FIELD: &str = "notes.cache";

/// Changes whenever an index is written that older readers would misread.
const VERSION: u32 = 1;

/// What the steps of a build made, by their keys.
///
/// As an image it has the layers that are kept, each once, and in its config which step made which. It is for no platform and has nothing
/// to run; its layers are those of steps, without a base, in the order of their keys. Equal results are an image of equal digest.
///
/// # Examples
///
/// ```
/// use notes_image::cache::{KeyBuilder, Kept, StepIndex};
///
/// let key = KeyBuilder::new("RUN").with("command", "true").finish().0;
/// let mut index = StepIndex::default();
/// index.insert(&key, Kept::Nothing);
/// let image = index.to_image();
/// assert_eq!(StepIndex::of_image(&image).unwrap().find(&key), Some(Kept::Nothing));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepIndex {
    steps: BTreeMap<String, Kept>,
    /// The contents of cache mounts, by what [`CacheMount::hex`] says.
    mounts: BTreeMap<String, Layer>,
    /// The steps as they came, by platform.
    traces: BTreeMap<String, Vec<StepTrace>>,
}

/// The error returned when an image holds no index that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepIndexError {
    /// It is an image and no cache.
    #[error("it holds no steps of a build")]
    Absent,
    /// Another version wrote it.
    #[error("it is of version {found}, and {VERSION} is understood")]
    Version {
        /// Its version.
        found: u32,
    },
    /// It is not what is written.
    #[error("its index of steps is malformed")]
    Malformed {
        /// How.
        source: serde_json::Error,
    },
}

/// The index as the config has it.
#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    steps: BTreeMap<String, Made>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mounts: BTreeMap<String, Packed>,
    #[serde(default)]
    traces: BTreeMap<String, Vec<StepTrace>>,
}

/// What is read first: the rest may have another form.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl StepIndex {
    /// Adds what a step made.
    pub fn insert(&mut self, key: &CacheKey, kept: Kept) {
        self.steps.insert(key.hex(), kept);
    }

    /// Returns what a step made, if that is known.
    pub fn find(&self, key: &CacheKey) -> Option<Kept> {
        self.steps.get(&key.hex()).cloned()
    }

    /// Adds the contents of a cache mount.
    pub fn insert_mount(&mut self, mount: &CacheMount, contents: Layer) {
        self.mounts.insert(mount.hex(), contents);
    }

    /// Returns the contents of a cache mount, if they are known.
    pub fn find_mount(&self, mount: &CacheMount) -> Option<Layer> {
        self.mounts.get(&mount.hex()).cloned()
    }

    /// Notes how the steps of a build for `platform` came about, for a machine that has to say what changed since.
    pub fn note(&mut self, platform: &Platform, steps: &[StepReport]) {
        let traces = steps.iter().map(StepTrace::from).collect();
        self.traces.insert(platform.to_string(), traces);
    }

    /// Returns how the steps of the build for `platform` came about; nothing where it was not built.
    pub fn traces(&self, platform: &Platform) -> &[StepTrace] {
        self.traces.get(&platform.to_string()).map_or(&[], Vec::as_slice)
    }

    /// Returns how many steps are known.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Tells whether no step is known.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the layers that are kept, each once.
    pub fn layers(&self) -> Vec<Layer> {
        let mut seen = BTreeSet::new();
        let layers = self.steps.values().filter_map(|kept| match kept {
            Kept::Layer(layer) => Some(layer),
            Kept::Promise(_) | Kept::Nothing => None,
        });
        let layers = layers.chain(self.mounts.values());
        layers.filter(|layer| seen.insert(layer.digest())).cloned().collect()
    }

    /// Returns the index with the layers of `images` alone; the others become promises.
    pub fn within(mut self, images: &[Image]) -> Self {
        let kept: BTreeSet<Digest> =
            images.iter().flat_map(Image::layers).map(Layer::digest).collect();
        for step in self.steps.values_mut() {
            if let Kept::Layer(layer) = step
                && !kept.contains(&layer.digest())
            {
                *step = Kept::Promise(Packed::of(layer));
            }
        }
        self
    }

    /// Returns both; of a step that both know, what keeps its layer.
    pub fn merged(mut self, other: Self) -> Self {
        for (key, kept) in other.steps {
            if !matches!(self.steps.get(&key), Some(Kept::Layer(_))) {
                self.steps.insert(key, kept);
            }
        }
        self.mounts.extend(other.mounts);
        self.traces.extend(other.traces);
        self
    }

    /// Returns the index with what `change` makes of each layer: the same bytes, from another place.
    pub fn map_layers(mut self, change: impl Fn(Layer) -> Layer) -> Self {
        for step in self.steps.values_mut() {
            if let Kept::Layer(layer) = step {
                *layer = change(layer.clone());
            }
        }
        self
    }

    /// Returns the index as an image.
    pub fn to_image(&self) -> Image {
        let nowhere = Platform {
            os: "unknown".into(),
            architecture: "unknown".into(),
            variant: None,
            os_version: None,
        };
        let steps = self.steps.iter().map(|(key, kept)| {
            let made = match kept {
                Kept::Layer(layer) => Made::Layer(Packed::of(layer)),
                Kept::Promise(packed) => Made::Layer(packed.clone()),
                Kept::Nothing => Made::Nothing,
            };
            (key.clone(), made)
        });
        let mounts = self.mounts.iter().map(|(id, contents)| (id.clone(), Packed::of(contents)));
        let document = Document {
            version: VERSION,
            steps: steps.collect(),
            mounts: mounts.collect(),
            traces: self.traces.clone(),
        };
        let document = serde_json::to_value(document).expect("it has text keys and no floats");
        let mut config = Config::scratch(nowhere.clone());
        config.other.insert(FIELD.into(), document);
        Image::scratch(nowhere).with_parts(config, &self.layers())
    }

    /// Reads the index of an image.
    ///
    /// # Errors
    ///
    /// [`StepIndexError`] where the image is no cache, or not one that is understood.
    pub fn of_image(image: &Image) -> Result<Self, StepIndexError> {
        let document = image.config().other.get(FIELD).ok_or(StepIndexError::Absent)?;
        let malformed = |source| StepIndexError::Malformed { source };
        let Version { version } = serde_json::from_value(document.clone()).map_err(malformed)?;
        if version != VERSION {
            return Err(StepIndexError::Version { found: version });
        }
        let document: Document = serde_json::from_value(document.clone()).map_err(malformed)?;
        let layers = image.layers().iter().map(|layer| (Packed::of(layer), layer));
        let layers: Vec<_> = layers.collect();
        let find = |packed: &Packed| {
            let mut found = layers.iter().filter(|(known, _)| known == packed);
            found.next().map(|(_, layer)| (*layer).clone())
        };
        let steps = document.steps.into_iter().map(|(key, made)| {
            let kept = match made {
                Made::Nothing => Kept::Nothing,
                Made::Layer(packed) => {
                    find(&packed).map_or_else(|| Kept::Promise(packed), Kept::Layer)
                }
            };
            (key, kept)
        });
        let mounts = document.mounts.into_iter();
        let mounts = mounts.filter_map(|(id, packed)| Some((id, find(&packed)?)));
        Ok(Self { steps: steps.collect(), mounts: mounts.collect(), traces: document.traces })
    }
}

#[cfg(test)]
mod tests {
    use notes_oci::{Descriptor, FileBlob, MediaType};
    use serde_json::json;

    use super::*;
    use crate::cache::KeyBuilder;

    fn key(name: &str) -> CacheKey {
        KeyBuilder::new("RUN").with("command", name).finish().0
    }

    fn layer(content: &[u8]) -> Layer {
        let descriptor = Descriptor::of(MediaType::LayerGzip, content);
        let (digest, size) = (descriptor.digest, descriptor.size);
        Layer::new(descriptor, digest.into(), FileBlob { path: "nowhere".into(), digest, size })
    }

    fn index() -> StepIndex {
        let mut index = StepIndex::default();
        index.insert(&key("a"), Kept::Layer(layer(b"a")));
        index.insert(&key("b"), Kept::Layer(layer(b"b")));
        index.insert(&key("same as a"), Kept::Layer(layer(b"a")));
        index.insert(&key("nothing"), Kept::Nothing);
        index
    }

    #[test]
    fn an_index_survives_as_an_image_and_each_layer_is_in_it_once() {
        let image = index().to_image();
        assert_eq!(image.layers().len(), 2);
        assert_eq!(StepIndex::of_image(&image).unwrap(), index());
    }

    #[test]
    fn what_the_image_does_not_have_is_promised() {
        let only_b = Image::scratch(Platform::native())
            .with_layer(layer(b"b"), notes_oci::History::default());
        let smaller = index().within(&[only_b]);
        assert_eq!(smaller.layers(), [layer(b"b")]);
        let read = StepIndex::of_image(&smaller.to_image()).unwrap();
        assert_eq!(read.find(&key("a")), Some(Kept::Promise(Packed::of(&layer(b"a")))));
        assert_eq!(read.merged(index()), index(), "bytes beat a promise");
    }

    #[test]
    fn what_is_no_index_is_named() {
        let image = |value: Option<serde_json::Value>| {
            index().to_image().with_config(|config| {
                config.other.remove(FIELD);
                config.other.extend(value.map(|value| (FIELD.into(), value)));
            })
        };
        let error = |value| StepIndex::of_image(&image(value)).unwrap_err().to_string();
        assert_eq!(error(None), "it holds no steps of a build");
        assert_eq!(
            error(Some(json!({"version": 2, "steps": 1}))),
            "it is of version 2, and 1 is understood"
        );
        let malformed = "its index of steps is malformed";
        assert_eq!(error(Some(json!({"version": 1, "steps": {"a": "everything"}}))), malformed);
        assert_eq!(error(Some(json!("text"))), malformed);
    }
}
