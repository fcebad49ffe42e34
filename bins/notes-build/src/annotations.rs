//! `--annotation`, in docker's syntax: `KEY=VALUE`, or `TYPE:KEY=VALUE` for what is to carry it.

use std::collections::BTreeMap;

use notes_console::{Failure, Kind, closest};

use crate::settings::{Pairs, Platforms};

/// The types that docker knows; the last two are about entries in a list of images, and not supported.
const TYPES: [&str; 4] = ["manifest", "index", "manifest-descriptor", "index-descriptor"];

/// Annotations by what carries them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Annotations {
    /// Those of each image's manifest.
    pub(crate) manifest: BTreeMap<String, String>,
    /// Those of the index.
    pub(crate) index: BTreeMap<String, String>,
}

impl Annotations {
    /// Sorts annotations by their types; one without a type is about the manifest.
    pub(crate) fn of(pairs: &Pairs, platforms: &Platforms) -> Result<Self, Failure> {
        let mut annotations = Self::default();
        for (text, value) in &pairs.0 {
            let (kinds, key) = split(text);
            for kind in kinds {
                let target = match kind {
                    "manifest" => &mut annotations.manifest,
                    "index" if platforms.are_several() => &mut annotations.index,
                    "index" => return Err(no_index(key)),
                    other => return Err(unsupported(other)),
                };
                target.insert(key.into(), value.clone());
            }
        }
        Ok(annotations)
    }
}

/// Splits `index,manifest:key`. What stands before a colon is taken for types if it could be some, as docker does it.
fn split(text: &str) -> (Vec<&str>, &str) {
    let of_types = |c: char| c.is_ascii_lowercase() || "-,[]/0123456789".contains(c);
    match text.split_once(':') {
        Some((kinds, key)) if kinds.chars().all(of_types) => (kinds.split(',').collect(), key),
        _ => (vec!["manifest"], text),
    }
}

fn no_index(key: &str) -> Failure {
    let message = format!("the annotation `{key}` is for an index, and one platform makes none");
    Failure::message(Kind::Usage, message)
        .with_hint(format!("write `--annotation {key}=…`, or name several platforms"))
}

fn unsupported(kind: &str) -> Failure {
    let name = kind.split('[').next().unwrap_or(kind);
    if TYPES.contains(&name) {
        let message = format!("annotations of type `{kind}` are not supported");
        return Failure::message(Kind::Usage, message)
            .with_hint("`manifest` annotates each image, `index` what lists them");
    }
    let hint = match closest(name, TYPES) {
        Some(kind) => format!("did you mean `{kind}`?"),
        None => "the types are `manifest` and `index`".into(),
    };
    Failure::message(Kind::Usage, format!("`{kind}` is no type of annotation")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &[&str], platforms: &str) -> Result<Annotations, String> {
        let pairs = keys.iter().map(|key| ((*key).to_owned(), "1".to_owned())).collect();
        let platforms = Platforms::parse(platforms).unwrap();
        Annotations::of(&Pairs(pairs), &platforms).map_err(|failure| failure.to_string())
    }

    #[test]
    fn each_type_gets_its_own() {
        let of = |keys: &[&str]| keys.iter().map(|key| ((*key).into(), "1".into())).collect();
        let several = "linux/amd64,linux/arm64";
        let sorted = sorted(&["a", "index:b", "index,manifest:c", "URL:d"], several).unwrap();
        assert_eq!(sorted.manifest, of(&["URL:d", "a", "c"]));
        assert_eq!(sorted.index, of(&["b", "c"]));
    }

    #[test]
    fn what_nothing_would_carry_is_an_error() {
        for (key, message) in [
            ("index:a", "the annotation `a` is for an index, and one platform makes none"),
            (
                "manifest-descriptor:a",
                "annotations of type `manifest-descriptor` are not supported",
            ),
            (
                "manifest[linux/amd64]:a",
                "annotations of type `manifest[linux/amd64]` are not supported",
            ),
            ("manifset:a", "`manifset` is no type of annotation"),
        ] {
            assert_eq!(sorted(&[key], "linux/amd64").unwrap_err(), message);
        }
    }
}
