//! `notes-deploy` as a person uses it: what it prints, how it ends, and what it leaves behind.

mod asker;
mod diff;
mod exit_codes;
mod faults;
mod ground;
mod injected;
mod input;
mod lock;
mod migrate;
mod passing;
mod proxy;
mod record;
mod report;
mod requests;
mod rights;
mod rollback;
mod serving;
mod terminal;
mod web;
mod webhook;
mod world;
