//! A private copy of a root file system that a command may write to, for rungs without mounts.
//!
//! ```text
//! unpacked layers ──layer──▶ copy ──index──▶ furniture ──▶ the command
//!                             ▲                              │
//!             the next step   └── upper ◀──compare── copy ◀──┘ furniture taken out
//! ```
//!
//! - A copy is never a hard link into a layer: a command that writes in place would write into the
//!   store. File systems that can share blocks do so (`FICLONE`).
//! - What changed is found by comparing inode, size, mode, owner and times with an index that is
//!   taken before the command starts. No program can set a change time, so nothing is read to know
//!   that it is unchanged.
//! - What changed is **moved** into the upper directory. The layer that is made of it is put back when
//!   the next command on top of it comes ([`copies`]); a stage whose last command has run copies
//!   nothing twice.
//! - Hard links of the layers become files of their own, as a file that is written through one of
//!   its links does on an overlay: the same layer comes out on every rung.

pub(crate) mod compare;
pub(crate) mod copies;
pub(crate) mod copy;
pub(crate) mod exchange;
pub(crate) mod furniture;
pub(crate) mod index;
pub(crate) mod layer;
pub(crate) mod place;
pub(crate) mod supplies;
pub(crate) mod upper;
