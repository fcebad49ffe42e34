//! Real parts for tests: repositories, registries with faults on cue, clusters, docker.

pub mod base;
pub mod cache;
mod chance;
pub mod cluster;
#[cfg(feature = "containers")]
pub mod containers;
mod distribution;
pub mod docker;
mod git_server;
#[cfg(feature = "registry")]
pub mod image;
mod length;
pub mod process;
#[cfg(feature = "registry")]
pub mod registry;
mod repository;
mod skipping;
pub mod tools;
mod web;

pub use chance::{Chance, ROUNDS_VARIABLE, SEED_VARIABLE};
pub use distribution::Distribution;
pub use git_server::GitServer;
pub use length::{LONG_VARIABLE, Length};
pub use repository::{ObjectFormat, TestRepo};
pub use skipping::skip;
pub use web::{WebAnswer, WebRequest, WebServer};
