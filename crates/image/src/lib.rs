#![doc = include_str!("docs/crate.md")]

pub mod cache;
pub mod compress;
pub mod context;
pub mod overlay;
pub mod pack;
pub mod snapshot;
pub mod store;
pub mod tar;
pub mod tree;
pub mod unpack;
