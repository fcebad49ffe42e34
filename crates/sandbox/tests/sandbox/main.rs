//! The crate through its public API, with real commands in real root file systems: as root, as an
//! ordinary user with subordinate ids, and as one with a single id.

mod changes;
mod chroot;
mod ending;
mod mounts;
mod run;
mod single;
mod world;
