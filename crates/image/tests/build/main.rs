//! Builds through the public API, with real commands on a busybox base.

mod contexts;
mod copy;
mod errors;
mod fixtures;
mod remote;
mod repositories;
mod run;
mod rungs;
mod same;
mod stages;
mod world;
