//! Tests across crates, on real servers.

mod architecture;
mod built;
mod clients;
