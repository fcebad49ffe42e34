//! `notes-build` as a person uses it: what it prints, how it ends, and what it leaves behind.

mod builds;
mod checks;
mod dockerfiles;
mod failures;
mod outputs;
mod platforms;
mod secrets;
mod stopped;
mod world;
