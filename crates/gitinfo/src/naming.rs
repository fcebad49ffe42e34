//! What an image of a revision is called.

use std::collections::BTreeMap;

use crate::Revision;

/// Returns the labels that say where an image comes from (image-spec, annotations.md, "Pre-Defined Annotation Keys").
///
/// They follow from the commit alone, so that the same commit gives the same image: `created` is the commit's time, and a
/// branch or a git tag, which can move or be absent from a clone, is not named. `version` is the image's tag.
///
/// ```no_run
/// # let revision: notes_gitinfo::Revision = unimplemented!();
/// let labels = notes_gitinfo::naming::labels(&revision, "a3f92bd");
/// assert_eq!(labels["org.opencontainers.image.version"], "a3f92bd");
/// ```
pub fn labels(revision: &Revision, tag: &str) -> BTreeMap<String, String> {
    let label = |name: &str, value: String| (format!("org.opencontainers.image.{name}"), value);
    let source = revision.remote.as_ref().map(|remote| label("source", remote.to_string()));
    [
        label("revision", revision.commit.to_string()),
        label("created", revision.time.to_string()),
        label("version", tag.into()),
    ]
    .into_iter()
    .chain(source)
    .collect()
}
