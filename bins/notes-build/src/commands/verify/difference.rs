//! The first thing that two images differ in.

use std::fmt;

use notes_console::{Failure, Kind};
use notes_image::compare::{self, Aspect};
use notes_oci::{Image, Layer};
use serde_json::Value;
use tokio_util::io::SyncIoBridge;

use crate::blocking;

/// What a rebuilt image has otherwise.
#[derive(Debug)]
pub(super) enum Difference {
    /// A layer.
    Layer(LayerDifference),
    /// It has another number of layers, all of which are equal as far as there are two of each.
    Layers { expected: usize, found: usize },
    /// A field of the config.
    Config { field: String, expected: String, found: String },
    /// The manifest alone.
    Manifest,
}

/// A layer that is another one.
#[derive(Debug)]
pub(super) struct LayerDifference {
    /// From 1.
    number: usize,
    of: usize,
    /// The step that made it.
    step: String,
    files: Vec<compare::Difference>,
}

impl Difference {
    /// Finds the first difference: in the layers from the bottom up, then in the config.
    pub(super) async fn between(expected: &Image, found: &Image) -> Result<Self, Failure> {
        let (layers, rebuilt) = (expected.layers(), found.layers());
        for (index, (layer, again)) in layers.iter().zip(rebuilt).enumerate() {
            if layer.digest() != again.digest() {
                return Ok(Self::Layer(LayerDifference {
                    number: index + 1,
                    of: layers.len(),
                    step: step(found, index),
                    files: files(layer, again).await?,
                }));
            }
        }
        if layers.len() != rebuilt.len() {
            return Ok(Self::Layers { expected: layers.len(), found: rebuilt.len() });
        }
        let json = |image: &Image| serde_json::from_slice::<Value>(image.config_bytes());
        let internal = |error| Failure::new(Kind::Internal, error);
        let (expected, found) = (json(expected).map_err(internal)?, json(found).map_err(internal)?);
        Ok(field("", &expected, &found).unwrap_or(Self::Manifest))
    }

    /// Returns what may be behind it.
    pub(super) fn hint(&self) -> Option<String> {
        let Self::Layer(LayerDifference { step, files, .. }) = self else { return None };
        let is_written = |aspect: &Aspect| {
            [Aspect::Content, Aspect::Modified, Aspect::Added, Aspect::Missing].contains(aspect)
        };
        let is_run = step.starts_with("RUN ");
        let first = files.first().filter(|file| is_run && file.aspects.iter().any(is_written));
        first.map(|_| {
            "the command depends on more than the commit: the time, chance, the network or a cache; \
             tools that know `SOURCE_DATE_EPOCH` write that time"
                .into()
        })
    }
}

/// Returns the step that made the layer of this index.
fn step(image: &Image, index: usize) -> String {
    let history = image.config().history.iter().filter(|entry| !entry.empty_layer);
    history.skip(index).find_map(|entry| entry.created_by.clone()).unwrap_or_default()
}

async fn files(expected: &Layer, found: &Layer) -> Result<Vec<compare::Difference>, Failure> {
    let network = |error| Failure::new(Kind::Network, error);
    let expected = SyncIoBridge::new(expected.open().await.map_err(network)?);
    let found = SyncIoBridge::new(found.open().await.map_err(network)?);
    blocking(move || compare::differences(expected, found)).await.map_err(network)
}

/// Returns the first field that differs, in the order of the first config.
fn field(name: &str, expected: &Value, found: &Value) -> Option<Difference> {
    if expected == found {
        return None;
    }
    let joined = |key: &str| if name.is_empty() { key.into() } else { format!("{name}.{key}") };
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
            let value = |map: &serde_json::Map<String, Value>, key: &str| {
                map.get(key).cloned().unwrap_or_default()
            };
            keys.into_iter()
                .find_map(|key| field(&joined(key), &value(one, key), &value(other, key)))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (one, other))| field(&joined(&index.to_string()), one, other))
        }
        _ => Some(Difference::Config {
            field: name.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(layer) => layer.fmt(f),
            Self::Layers { expected, found } => {
                write!(f, "it has {expected} layers, and {found} are built")
            }
            Self::Config { field, expected, found } => {
                write!(f, "`{field}` of its config is `{expected}`, and `{found}` is built")
            }
            Self::Manifest => {
                f.write_str("its manifest is another one, of the same layers and config")
            }
        }
    }
}

impl fmt::Display for LayerDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, of, step, files } = self;
        write!(f, "layer {number} of {of}, of `{step}`, differs in ")?;
        let Some(compare::Difference { path, aspects }) = files.first() else {
            return f.write_str("no file: it is packed otherwise");
        };
        let aspects: Vec<_> = aspects.iter().map(ToString::to_string).collect();
        write!(f, "`/{}` ({})", path.display(), aspects.join(", "))?;
        match files.len() - 1 {
            0 => Ok(()),
            1 => f.write_str(" and one more file"),
            more => write!(f, " and {more} more files"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_field_that_differs_is_named() {
        let config =
            |label: &str| json!({"a": 1, "config": {"Labels": {"x": label}, "Env": ["P=1"]}});
        assert!(field("", &config("1"), &config("1")).is_none());
        assert_eq!(
            field("", &config("1"), &config("2")).unwrap().to_string(),
            "`config.Labels.x` of its config is `\"1\"`, and `\"2\"` is built"
        );
        assert_eq!(
            field("", &json!({}), &json!({"history": []})).unwrap().to_string(),
            "`history` of its config is `null`, and `[]` is built"
        );
    }
}
