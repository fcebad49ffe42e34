//! Real parts for tests: repositories, registries with faults on cue, clusters.

mod repository;
mod skipping;

pub use repository::{ObjectFormat, TestRepo};
pub use skipping::skip;
