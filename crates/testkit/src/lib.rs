//! Real parts for tests: repositories, registries with faults on cue, clusters.

pub mod base;
pub mod cache;
pub mod cluster;
pub mod process;
#[cfg(feature = "registry")]
pub mod registry;
mod repository;
mod skipping;

pub use repository::{ObjectFormat, TestRepo};
pub use skipping::skip;
