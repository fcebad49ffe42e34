//! `EXPOSE`: the ports a container listens on.

use crate::Word;

/// `EXPOSE port[-port][/protocol] ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expose {
    /// At least one word. Each is expanded and then **split at white space**; every piece is a port specification.
    pub ports: Vec<Word>,
}
