//! `[registry]`.

use super::{FileError, List, Located, reader::Reader};

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct RegistrySection {
    /// `mirrors`: `host=mirror[/path]` each, such as `docker.io=127.0.0.1:5000`.
    pub mirrors: Option<Located<List>>,
    /// `insecure`: hosts spoken to in plain HTTP; loopback always is when it does not speak TLS.
    pub insecure: Option<Located<List>>,
}

impl RegistrySection {
    pub(super) fn read(mut section: Reader<'_>) -> Result<Self, FileError> {
        let registry =
            Self { mirrors: section.value("mirrors")?, insecure: section.value("insecure")? };
        section.finish()?;
        Ok(registry)
    }
}
