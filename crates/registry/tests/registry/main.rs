//! The crate through its public API, on real servers: the embedded registry with faults on cue, CNCF distribution, and
//! skopeo and oci-client as independent clients.

mod clients;
mod distribution;
mod faults;
mod file;
mod images;
mod index;
mod login;
mod pull;
mod push;
mod server;
