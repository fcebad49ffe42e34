//! Random texts against what must hold: shared by the short test and the long run.

pub(crate) mod input;
mod model;
pub(crate) mod targets;
mod vocabulary;
