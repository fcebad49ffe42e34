//! Real parts for tests: repositories, registries with faults on cue, clusters.

pub mod base;
pub mod cache;
mod chance;
pub mod cluster;
#[cfg(feature = "registry")]
pub mod image;
pub mod process;
#[cfg(feature = "registry")]
pub mod registry;
mod repository;
mod skipping;

pub use chance::{Chance, ROUNDS_VARIABLE, SEED_VARIABLE};
pub use repository::{ObjectFormat, TestRepo};
pub use skipping::skip;
