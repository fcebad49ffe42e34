//! Why manifests cannot be read.

use super::Origin;

/// The error returned when text is not a set of manifests. Each says the file and the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML.
    #[error("{origin}: {message}")]
    Syntax {
        /// The place.
        origin: Origin,
        /// The column, counted from one.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A document is not a mapping.
    #[error("{origin}: the document is {found}, not an object")]
    NotAnObject {
        /// The place.
        origin: Origin,
        /// What it is instead.
        found: &'static str,
    },
    /// A field that every object has is missing.
    #[error("{origin}: {what} has no `{field}`")]
    Missing {
        /// The place.
        origin: Origin,
        /// The object, as far as it is known.
        what: String,
        /// The missing field.
        field: &'static str,
    },
    /// The API group is built in and has no such kind.
    #[error("{origin}: there is no kind `{kind}` in `{api_version}`")]
    UnknownKind {
        /// The line of `kind:`.
        origin: Origin,
        /// The kind as written.
        kind: String,
        /// The `apiVersion` as written.
        api_version: String,
        /// The most similar kind, as `apps/v1 Deployment`.
        nearest: Option<String>,
    },
    /// A workload selects nothing: its `selector` is null or missing.
    #[error("{origin}: `{field}` of {what} is empty")]
    EmptySelector {
        /// The place.
        origin: Origin,
        /// The object.
        what: String,
        /// The path of the selector.
        field: &'static str,
    },
    /// Two documents describe the same object.
    #[error("{origin}: {what} was already described at {first}")]
    Duplicate {
        /// The second place.
        origin: Origin,
        /// The object.
        what: String,
        /// The first place.
        first: Origin,
    },
}

impl Error {
    /// Returns the place in the file.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Syntax { origin, .. }
            | Self::NotAnObject { origin, .. }
            | Self::Missing { origin, .. }
            | Self::UnknownKind { origin, .. }
            | Self::EmptySelector { origin, .. }
            | Self::Duplicate { origin, .. } => origin,
        }
    }

    /// Returns advice, where there is some.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownKind { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::Syntax { message, .. } if message.contains("tab") => {
                Some("YAML is indented with spaces".into())
            }
            Self::Missing { field: "metadata.name", .. } => {
                Some("`generateName` cannot be applied twice; give the object a name".into())
            }
            Self::EmptySelector { .. } => {
                Some("check the indentation of the lines below `selector:`".into())
            }
            _ => None,
        }
    }
}
