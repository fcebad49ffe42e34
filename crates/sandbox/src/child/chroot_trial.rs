//! Trying everything that a command below a changed root directory needs, short of running one.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::child::trial::{self, SPARE};
use crate::child::{capabilities, confined, execute};
use crate::command::User;
use crate::ids::Ids;
use crate::private::{copy, supplies};
use crate::sys::SingleThreaded;
use crate::wire::{self, Doing, Failure, Report};

/// Tries, says how it went, and leaves nothing behind.
pub(crate) fn serve(alone: SingleThreaded, socket: &UnixStream) -> Result<(), Failure> {
    let directory = directory()?;
    let tried = attempt(alone, socket, &directory);
    copy::remove(&directory).doing(|| format!("remove `{}`", directory.display()))?;
    tried?;
    wire::send(socket, &Report::Ready).doing(|| "talk to the parent".to_owned())
}

/// Makes a directory for a moment.
fn directory() -> Result<PathBuf, Failure> {
    let name = format!(".notes-sandbox-{}", std::process::id());
    let mut failure = None;
    for spare in SPARE.iter().chain(&["/"]) {
        let path = Path::new(spare).join(&name);
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.expect("there are some")).doing(|| "make a directory".to_owned())
}

fn attempt(alone: SingleThreaded, socket: &UnixStream, directory: &Path) -> Result<(), Failure> {
    chown(directory, Some(1), Some(1)).doing(|| "give a file to another user".to_owned())?;
    chown(directory, Some(0), Some(0)).doing(|| "take a file from another user".to_owned())?;
    supplies::node(&directory.join("null"), 1, 3)
        .doing(|| "make the device node `/dev/null`".to_owned())?;
    trial::apart(alone, socket, "try a changed root directory", || rehearse(directory))
}

/// Does what the process does that becomes a command.
fn rehearse(directory: &Path) -> Result<(), Failure> {
    confined::enter(directory)?;
    let doing = || "give up capabilities".to_owned();
    capabilities::reduce_bounding_set().doing(doing)?;
    let other = User { uid: 1, gid: 1, groups: vec![1] };
    execute::become_user(&other, &Ids::All).doing(|| "become another user".to_owned())?;
    capabilities::reduce().doing(doing)
}
