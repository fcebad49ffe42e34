//! A git directory without objects.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Id;

/// Makes `directory` a git directory that stands at `head`: bare, or of a checkout whose files came from `origin`.
pub(crate) fn write(
    directory: &Path,
    head: Id,
    origin: Option<&str>,
) -> Result<(), (PathBuf, io::Error)> {
    for name in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        let path = directory.join(name);
        fs::create_dir_all(&path).map_err(|error| (path, error))?;
    }
    for (name, text) in [("HEAD", format!("{head}\n")), ("config", config(head, origin))] {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// Returns the configuration, as `git init` and `git remote add` write it.
fn config(head: Id, origin: Option<&str>) -> String {
    let (version, extensions) = match head.0.kind() {
        gix::hash::Kind::Sha256 => (1, "[extensions]\n\tobjectformat = sha256\n"),
        _ => (0, ""),
    };
    let bare = origin.is_none();
    let remote = origin.map_or_else(String::new, |origin| {
        let url = origin.replace('\\', "\\\\").replace('"', "\\\"");
        format!(
            "[remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
        )
    });
    format!(
        "[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = {bare}\n{extensions}{remote}"
    )
}
