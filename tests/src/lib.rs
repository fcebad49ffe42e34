//! Tests across crates, on real servers.
