//! Files that appear when they are whole: a reader never finds half of one, and what was there before stays until then.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// How much is written at once.
const BUFFER: usize = 1 << 17;

/// Writes the file `path`. What is no regular file, such as `/dev/null` or a pipe, is written into and stays what it is.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if is_special(path)? {
        let mut output =
            BufWriter::with_capacity(BUFFER, OpenOptions::new().write(true).open(path)?);
        content(&mut output)?;
        return output.flush();
    }
    // A link stays one, and what it names is written.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let draft = draft(&path);
    let written = write_draft(&draft, content).and_then(|()| fs::rename(&draft, &path));
    written.inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Checks that [`write`] can write the file `path`, and changes nothing.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    if is_special(path)? {
        return Ok(());
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let draft = draft(&path);
    File::create(&draft).and_then(|_| fs::remove_file(&draft))
}

/// Tells whether something is there that is no file; a directory is an error.
fn is_special(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) => Ok(!found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

fn write_draft(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(BUFFER, File::create(path)?);
    content(&mut output)?;
    output.into_inner()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_when_the_new_one_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        check(&file).unwrap();
        assert!(names(directory.path()).is_empty());
        write(&file, |output| output.write_all(b"one")).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        let failed = write(&link, |output| {
            output.write_all(b"two")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        check(&link).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"one");
        write(&link, |output| output.write_all(b"three")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"three");
        assert_eq!(names(directory.path()), ["file", "link"]);
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let directory = tempfile::tempdir().unwrap();
        let missing = check(&directory.path().join("missing/file")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(check(directory.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn a_device_stays_one() {
        let null = Path::new("/dev/null");
        check(null).unwrap();
        write(null, |output| output.write_all(b"lost")).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }
}
