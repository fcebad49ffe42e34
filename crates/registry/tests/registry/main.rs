//! The crate through its public API, on real servers: the embedded registry with faults on cue, CNCF distribution, and
//! skopeo and oci-client as independent clients.

mod access;
mod answers;
mod certificates;
mod clients;
mod conformance;
mod distribution;
mod faults;
mod file;
mod images;
mod index;
mod login;
mod matrix;
mod pruning;
mod pull;
mod push;
mod referrers;
mod resume;
mod running;
mod schedules;
mod server;
mod specification;
mod store;
mod tls;
