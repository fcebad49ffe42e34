//! Tests across crates, on real servers.

mod architecture;
