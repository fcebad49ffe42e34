//! `WORKDIR`: sets the directory, and makes it where it is missing.

use std::{path::Path, sync::Arc};

use super::{
    Problem,
    copy::{self, arrange::Arrangement},
};
use crate::{
    pack::{Packed, Packer},
    tree::{Tree, clean},
};

/// Returns the new working directory: relative to the previous one, cleaned by the text.
pub(super) fn path(previous: &str, path: &str) -> String {
    let joined = Path::new("/").join(previous).join(path);
    format!("/{}", clean(&joined).display())
}

/// Writes the layer with what is missing of `directory`, owned by the stage's user; `None` if it is all there.
pub(super) fn make(
    directory: &str,
    owner: (u32, u32),
    files: Arc<dyn Tree>,
    packer: Packer,
    time: i64,
) -> Result<Option<Packed>, Problem> {
    let mut arrangement = Arrangement::new(files);
    let destination = arrangement.destination(Path::new(directory))?;
    if arrangement.is_directory(&destination)? {
        return Ok(None);
    }
    arrangement.owner = Some(owner);
    arrangement.directories(&destination)?;
    Ok(copy::write(arrangement.finish(), packer, time)?)
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_relative_directory_continues_the_previous_one() {
        assert_eq!(path("/", "app"), "/app");
        assert_eq!(path("/app", "src/../web"), "/app/web");
        assert_eq!(path("/app", "/srv/"), "/srv");
        assert_eq!(path("/app", "../.."), "/");
    }
}
