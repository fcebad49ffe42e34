//! Real parts for tests: repositories, registries with faults on cue, clusters, docker.

pub mod base;
pub mod cache;
mod chance;
pub mod cluster;
#[cfg(feature = "containers")]
pub mod containers;
pub mod docker;
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
