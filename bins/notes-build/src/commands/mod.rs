//! One file per command.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod prune;
pub(crate) mod push;
pub(crate) mod serve;
pub(crate) mod verify;
