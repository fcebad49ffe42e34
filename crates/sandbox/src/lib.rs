//! Runs one command in a root file system under an isolation mode, and says which mode and why.
//!
//! This is what a `RUN` of a Dockerfile needs and no more: no images, no registries, no daemon, no
//! OCI runtime, no cgroups. The caller brings unpacked layers and gets back what the command
//! changed, as the upper directory of an overlay file system, whichever rung of the ladder it ran on:
//!
//! | [`Isolation`] | where it works | how |
//! |---|---|---|
//! | `Namespaces` | root that may mount, or a user namespace | overlay mounts in name spaces of the command's own |
//! | `Chroot` | root in a container with docker's default profile | a private copy of the files, no mounts |
//! | `None` | everywhere | commands are refused |
//!
//! # How a program uses it
//!
//! 1. [`init`] is the first line of `main`. Commands run below a child that is the program itself,
//!    started again; `init` recognises that child and never returns in it.
//! 2. [`enter`] is called before any thread exists. It finds the best rung of the ladder by trying
//!    it. On the best of all it moves the whole process into a mount namespace of its own, and an
//!    ordinary user into a user namespace: from then on unpacking, mounting and reading files work as if as root, and
//!    no mount is ever seen by the rest of the machine or outlives the process.
//! 3. [`Sandbox::run`] runs commands, any number at once, from any thread. [`Sandbox::view`] shows
//!    the merged files of a root without running anything.
//! 4. [`changes`](changes::changes) lists what a command changed.
//!
//! ```no_run
//! use notes_sandbox::{Cancel, Captured, Command, Options, Root};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     notes_sandbox::init();
//!     let sandbox = notes_sandbox::enter(&Options::default())?;
//!     let root =
//!         Root::new(vec!["store/base".into()], "build/upper".into(), "build/work".into());
//!     let command = Command::new(root, ["/bin/sh", "-c", "echo hello > /greeting"]);
//!     let exit = sandbox.run(&command, &mut Captured::default(), &Cancel::default())?;
//!     assert!(exit.is_success());
//!     Ok(())
//! }
//! ```
//!
//! # Why it is built so
//!
//! - **One binary.** The child is `/proc/self/exe` again, with the request on a socket: nothing
//!   runs between `fork` and `exec` in a process that has threads, and nothing must be installed.
//!   A program whose `main` does not call [`init`] gets [`EnterError::NotInitialised`] and is never
//!   started again.
//! - **The same for root and for others.** Both run below the same code; inside a user namespace a
//!   few kernel interfaces differ, and that difference is one field.
//! - **A single id is enough.** Where a user name space has only one, calls that give files to others
//!   or make a process somebody else are answered by init: the owner is written down beside the file, and
//!   the process believes that it is who it asked to be.
//! - **No trace.** Mount points that the image lacks come from a layer that exists for the command
//!   only, so that the upper directory holds what the command did and nothing else. Without mounts
//!   what the sandbox puts among the files is taken out again before changes are looked for.
//! - **Nothing leaks.** The environment is what the caller wrote, standard input is `/dev/null`, no
//!   other descriptor is open, capabilities are docker's default fourteen at most, system calls that docker
//!   refuses are refused, and device nodes of the image or made by the command cannot be opened (without mounts the
//!   container's own filter and rules for devices hold).
//! - **Nothing survives.** When the command ends, is cancelled, runs out of time, or the calling
//!   process dies in any way, all of it is ended: by the kernel where there is a process id namespace,
//!   by a supervisor that adopts and ends every process where there is none.
//!
//! All unsafe code of the project is in the module `sys` of this crate.

pub mod changes;

mod cancel;
mod child;
mod chroot;
mod command;
mod detached;
mod enter;
mod follow;
mod idmap;
mod ids;
mod in_root;
mod init;
mod isolation;
mod mounts;
mod namespaces;
mod output;
mod overlay;
mod private;
mod probe;
mod program;
mod run;
mod rung;
mod sandbox;
mod sys;
mod trials;
mod view;
mod wire;

pub use cancel::Cancel;
pub use command::{Command, DEFAULT_HOSTNAME, DEFAULT_PATH, Network, Root, User};
pub use enter::{EnterError, Options, enter};
pub use ids::Ids;
pub use in_root::open_in_root;
pub use init::init;
pub use isolation::{Isolation, UnknownIsolation};
pub use mounts::{Access, Mount, Secret};
pub use output::{Captured, Exit, Output};
pub use probe::{Probe, Refusal, probe};
pub use run::RunError;
pub use sandbox::Sandbox;
pub use view::{View, ViewError};
