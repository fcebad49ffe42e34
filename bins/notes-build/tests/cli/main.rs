//! `notes-build` as a person uses it: what it prints, how it ends, and what it leaves behind.

mod builds;
mod checks;
mod failures;
mod stopped;
mod world;
