//! `[build]`.

use std::collections::BTreeMap;

use super::{FileError, List, Located, Seconds, reader::Reader};

/// How the image is built.
#[derive(Clone, Debug, Default)]
pub struct BuildSection {
    /// `dockerfile`: the Dockerfile, relative to the context.
    pub dockerfile: Option<Located<String>>,
    /// `context`: the directory of the build context, relative to this file.
    pub context: Option<Located<String>>,
    /// `target`: the stage to build instead of the last one.
    pub target: Option<Located<String>>,
    /// `platform`: such as `linux/amd64`, several separated by commas.
    pub platform: Option<Located<String>>,
    /// `tag-length`: how many digits of the commit the tag has; 7 as git prints it.
    pub tag_length: Option<Located<u8>>,
    /// `tags`: further tags, beside the commit's.
    pub tags: Option<Located<List>>,
    /// `[build.args]`: build arguments.
    pub args: Option<Located<BTreeMap<String, String>>>,
    /// `[build.labels]`: labels of the image.
    pub labels: Option<Located<BTreeMap<String, String>>>,
    /// `[build.annotations]`: annotations of the image's manifest, or of the index where a name begins with `index:`.
    pub annotations: Option<Located<BTreeMap<String, String>>>,
    /// `store`: where layers and the step cache are kept.
    pub store: Option<Located<String>>,
    /// `cache-from`: references of caches that are read.
    pub cache_from: Option<Located<List>>,
    /// `cache-to`: references of caches that are written, each with its options.
    pub cache_to: Option<Located<List>>,
    /// `isolation`: how RUN is isolated.
    pub isolation: Option<Located<String>>,
    /// `run-timeout`: how long one RUN may take; 0 is for ever.
    pub run_timeout: Option<Located<Seconds>>,
}

impl BuildSection {
    pub(super) fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let build = Self {
            dockerfile: section.value("dockerfile")?,
            context: section.value("context")?,
            target: section.value("target")?,
            platform: section.value("platform")?,
            tag_length: section.value("tag-length")?,
            tags: section.value("tags")?,
            args: section.value("args")?,
            labels: section.value("labels")?,
            annotations: section.value("annotations")?,
            store: section.value("store")?,
            cache_from: section.value("cache-from")?,
            cache_to: section.value("cache-to")?,
            isolation: section.value("isolation")?,
            run_timeout: section.value("run-timeout")?,
        };
        section.finish()?;
        Ok(build)
    }
}
