#![doc = include_str!("docs/crate.md")]

pub mod access;
pub mod apply;
mod cluster;
pub mod deploy;
pub mod diagnosis;
pub mod diff;
pub mod doctor;
mod drift;
pub mod evidence;
mod inventory;
pub mod kubeconfig;
pub mod lock;
pub mod manifest;
pub mod migration;
mod object;
pub mod pin;
pub mod port_forward;
pub mod record;
mod references;
pub mod release;
pub mod render;
mod reporter;
pub mod rollout;
pub mod status;
mod verdict;

pub use self::{
    cluster::{Cluster, RequestError},
    drift::{Drift, drift},
    manifest::{Manifest, Origin},
    object::{Object, ObjectId},
    release::{Provenance, Release},
    reporter::{Reporter, Silent},
    verdict::{Verdict, WAIT, judge},
};

/// The name under which the API server remembers the fields that were applied here, and the label of what was rendered.
pub const FIELD_MANAGER: &str = "notes-deploy";
