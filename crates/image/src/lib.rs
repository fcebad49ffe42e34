#![doc = include_str!("docs/crate.md")]

pub mod build;
pub mod cache;
pub mod compare;
pub mod compress;
pub mod context;
pub mod export;
pub mod overlay;
pub mod pack;
pub mod plan;
pub mod report;
pub mod snapshot;
pub mod store;
pub mod tar;
pub mod tree;
pub mod unpack;

pub use build::{Built, build};
pub use plan::Plan;
pub use store::Store;

/// What parses the files of a build; its types are in this crate's API.
pub use notes_dockerfile as dockerfile;
/// What runs commands; its types are in this crate's API.
pub use notes_sandbox as sandbox;
