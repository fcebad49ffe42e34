//! `notes-build` as a person uses it: what it prints, how it ends, and what it leaves behind.

mod bases;
mod builds;
mod caches;
mod checks;
mod containers;
mod contexts;
mod credentials;
mod disks;
mod dockerfiles;
mod downloads;
mod explain;
mod failures;
mod git;
mod killed;
mod kills;
mod large;
mod memory;
mod outputs;
mod platforms;
mod same;
mod secrets;
mod serving;
mod ssh;
mod stopped;
mod verify;
mod world;
