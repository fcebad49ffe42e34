//! Builds through the public API, with real commands on a busybox base.

mod copy;
mod errors;
mod run;
mod same;
mod world;
