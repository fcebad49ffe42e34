//! Images over HTTP: a source and a sink on any registry, and an embedded registry server.

#[cfg(feature = "server")]
pub mod server;
