//! A repository with all fixtures in it, where each builder can see it.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use super::fixture::Fixture;

/// The directory: a repository of fixtures, their secrets, and the archives that come out.
#[derive(Debug)]
pub(crate) struct Workspace {
    directory: PathBuf,
}

impl Workspace {
    /// Makes it anew at `directory`, with `bases` and `fixtures` committed. Bases find `busybox` beside their Dockerfile.
    ///
    /// Our builder reads the commit, the others read the files: so files have the modes that a checkout gives them.
    pub(crate) fn create(
        directory: &Path,
        bases: &[Fixture],
        fixtures: &[Fixture],
        busybox: &Path,
    ) -> io::Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        let workspace = Self { directory: directory.to_owned() };
        for name in ["secrets", "archives"] {
            fs::create_dir_all(directory.join(name))?;
        }
        for fixture in bases.iter().chain(fixtures) {
            workspace.add(fixture)?;
        }
        for base in bases {
            fs::copy(busybox, workspace.copy_of(base).join("busybox"))?;
        }
        workspace.commit()?;
        Ok(workspace)
    }

    /// The repository.
    pub(crate) fn repository(&self) -> PathBuf {
        self.directory.join("repository")
    }

    /// Where the image that `builder` makes of `fixture` goes.
    pub(crate) fn archive(&self, fixture: &Fixture, builder: &str) -> PathBuf {
        self.directory.join("archives").join(format!("{}.{builder}.tar", fixture.name))
    }

    /// The options of a build that all builders spell the same, with paths as `seen` by the builder.
    pub(crate) fn options(
        &self,
        fixture: &Fixture,
        seen: impl Fn(&Path) -> PathBuf,
    ) -> Vec<OsString> {
        let dockerfile = seen(&self.copy_of(fixture).join("Dockerfile"));
        let mut options: Vec<OsString> = vec!["--file".into(), dockerfile.into()];
        if let Some(target) = &fixture.settings.target {
            options.extend(["--target".into(), target.into()]);
        }
        for (name, value) in &fixture.settings.build_args {
            options.extend(["--build-arg".into(), format!("{name}={value}").into()]);
        }
        for id in fixture.settings.secrets.keys() {
            let source = seen(&self.secret(fixture, id));
            let secret = format!("id={id},src={}", source.display());
            options.extend(["--secret".into(), secret.into()]);
        }
        options
    }

    /// The directory of a fixture's context.
    pub(crate) fn context(&self, fixture: &Fixture) -> PathBuf {
        match fixture.context() {
            "." => self.copy_of(fixture),
            below => self.copy_of(fixture).join(below),
        }
    }

    fn add(&self, fixture: &Fixture) -> io::Result<()> {
        copy_tree(&fixture.directory, &self.copy_of(fixture))?;
        for (id, text) in &fixture.settings.secrets {
            let secret = self.secret(fixture, id);
            fs::create_dir_all(secret.parent().expect("it lies in the folder of its fixture"))?;
            fs::write(secret, text)?;
        }
        Ok(())
    }

    /// A base may have the name of another fixture: the folder around them is part of it here.
    fn copy_of(&self, fixture: &Fixture) -> PathBuf {
        let folder = fixture.directory.parent().and_then(Path::file_name).unwrap_or_default();
        self.repository().join(folder).join(&fixture.name)
    }

    fn secret(&self, fixture: &Fixture, id: &str) -> PathBuf {
        self.directory.join("secrets").join(&fixture.name).join(id)
    }

    fn commit(&self) -> io::Result<()> {
        self.git(&["init", "--quiet", "--initial-branch=main"])?;
        // What a fixture calls ignored is ignored by docker, not by git.
        self.git(&["add", "--all", "--force"])?;
        self.git(&["commit", "--quiet", "--message", "Fixtures"])
    }

    fn git(&self, arguments: &[&str]) -> io::Result<()> {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let status = git.current_dir(self.repository()).status()?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("git {} failed: {status}", arguments.join(" "))))
    }
}

/// Copies files and links, with the modes that git keeps.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &copy)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &copy)?;
        } else {
            fs::copy(&source, &copy)?;
            let is_executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            let mode = if is_executable { 0o755 } else { 0o644 };
            fs::set_permissions(&copy, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_links_and_the_modes_of_a_checkout() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        for (name, mode) in [("sub/program", 0o700), ("secret", 0o600)] {
            fs::write(from.join(name), name).unwrap();
            fs::set_permissions(from.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        symlink("nowhere", from.join("link")).unwrap();
        copy_tree(&from, &to).unwrap();
        let mode = |name| fs::metadata(to.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("sub/program"), mode("secret"), mode("sub")), (0o755, 0o644, 0o755));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("nowhere"));
    }
}
