//! Manifests from files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use notes_console::{Failure, Kind, Session};
use notes_k8s_deploy::{Manifest, manifest};

use crate::failure;

/// Reads the manifests of a file, or of a directory with its subdirectories, in the order of their names.
pub(crate) fn read(session: &Session, path: &Path) -> Result<Vec<Manifest>, Failure> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    if files.is_empty() {
        let message = format!("`{}` has no manifests", path.display());
        return Err(Failure::message(Kind::Configuration, message)
            .with_hint("manifests are files called *.yaml, *.yml or *.json"));
    }
    let mut manifests = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| failure::path(&file, error))?;
        let name = file.strip_prefix(&session.current).unwrap_or(&file).display().to_string();
        manifests.extend(
            manifest::parse(&name, &text).map_err(|error| failure::manifest(error, &text))?,
        );
    }
    Ok(manifests)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        // A file that is named is read whatever it is called, and named in the error where it is not there.
        files.push(path.into());
        return Ok(());
    }
    let entries = fs::read_dir(path).map_err(|error| failure::path(path, error))?;
    let mut entries = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failure::path(path, error))?;
    entries.sort();
    for entry in entries {
        let is_manifest = entry.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"].iter().any(|known| extension == *known)
        });
        if entry.is_dir() || is_manifest {
            collect(&entry, files)?;
        }
    }
    Ok(())
}
