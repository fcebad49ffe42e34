//! Names of users and groups, looked up in an image's own files.

use std::{
    io::{self, Read},
    iter,
    path::Path,
};

use crate::tree::{Kind, Tree, follow};

/// The largest `/etc/passwd` or `/etc/group` that is read, as in `BuildKit`.
const LARGEST: u64 = 10 << 20;

/// The error returned when a user or a group is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// There is no such user.
    #[error("the image has no user `{name}`")]
    User {
        /// The name.
        name: String,
    },
    /// There is no such group.
    #[error("the image has no group `{name}`")]
    Group {
        /// The name.
        name: String,
    },
    /// The image's list could not be read.
    #[error("failed to read `/{file}` of the image")]
    Read {
        /// The file.
        file: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl LookupError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::User { name } => Some(format!("make it in an earlier `RUN`: useradd {name}")),
            Self::Group { name } => Some(format!("make it in an earlier `RUN`: groupadd {name}")),
            Self::Read { .. } => None,
        }
    }
}

/// Who runs a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The groups of a process: its own, and those that a user is a member of where no group is named.
    pub(super) groups: Vec<u32>,
    pub(super) home: String,
}

/// Tells whether `owner` says who without a look into the image.
pub(super) fn is_numeric(owner: &str) -> bool {
    let known = |name: &str| name.is_empty() || name == "root" || name.parse::<u32>().is_ok();
    owner.split(':').all(known)
}

/// Looks up `--chown=user[:group]`.
pub(super) fn owner(files: &dyn Tree, text: &str) -> Result<(u32, u32), LookupError> {
    let (user, group) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let (uid, primary) = match user {
        "" | "root" => (0, 0),
        name => {
            if let Ok(uid) = name.parse() {
                // Only a number: the group has the same one.
                (uid, uid)
            } else {
                let line = find(files, PASSWD, |line| line.name == name)?
                    .ok_or_else(|| LookupError::User { name: name.into() })?;
                (line.number(2), line.number(3))
            }
        }
    };
    let gid = match group {
        None | Some("") => primary,
        Some(name) => group_of(files, name)?,
    };
    Ok((uid, gid))
}

/// Looks up `USER user[:group]`.
pub(super) fn user(files: &dyn Tree, text: &str) -> Result<User, LookupError> {
    let (name, group) =
        text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let name = if name.is_empty() { "0" } else { name };
    let number = name.parse::<u32>().ok();
    let line = find(files, PASSWD, |line| match number {
        Some(uid) => line.number(2) == uid,
        None => line.name == name,
    })?;
    let (uid, primary, home, login) = match (&line, number) {
        (Some(line), _) => (line.number(2), line.number(3), line.field(5), line.name.clone()),
        (None, Some(uid)) => (uid, 0, "/".into(), String::new()),
        (None, None) if name == "root" => (0, 0, "/root".into(), String::new()),
        (None, None) => return Err(LookupError::User { name: name.into() }),
    };
    let home = if home.is_empty() { "/".into() } else { home };
    let (gid, memberships) = match group {
        Some(group) => (group_of(files, group)?, Vec::new()),
        None => (primary, memberships(files, &login)?),
    };
    // BuildKit has a process's own group among the others too, and `id` shows them.
    let others = memberships.into_iter().filter(|other| *other != gid);
    let groups = iter::once(gid).chain(others).collect();
    Ok(User { uid, gid, groups, home })
}

const PASSWD: &str = "etc/passwd";
const GROUP: &str = "etc/group";

fn group_of(files: &dyn Tree, name: &str) -> Result<u32, LookupError> {
    match name.parse() {
        Ok(gid) => Ok(gid),
        Err(_) if name == "root" => Ok(0),
        Err(_) => find(files, GROUP, |line| line.name == name)?
            .map(|line| line.number(2))
            .ok_or_else(|| LookupError::Group { name: name.into() }),
    }
}

fn memberships(files: &dyn Tree, login: &str) -> Result<Vec<u32>, LookupError> {
    if login.is_empty() {
        return Ok(Vec::new());
    }
    let text = read(files, GROUP)?;
    let member = |line: &Line| line.field(3).split(',').any(|name| name == login);
    Ok(lines(&text).filter(member).map(|line| line.number(2)).collect())
}

/// A line of either file.
struct Line {
    name: String,
    fields: Vec<String>,
}

impl Line {
    fn field(&self, index: usize) -> String {
        self.fields.get(index).cloned().unwrap_or_default()
    }

    /// Returns a number; a malformed line names nobody, which `u32::MAX` is.
    fn number(&self, index: usize) -> u32 {
        self.field(index).parse().unwrap_or(u32::MAX)
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let fields: Vec<String> = line.trim().split(':').map(str::to_owned).collect();
        Line { name: fields[0].clone(), fields }
    })
}

fn find(
    files: &dyn Tree,
    file: &'static str,
    wanted: impl Fn(&Line) -> bool,
) -> Result<Option<Line>, LookupError> {
    let text = read(files, file)?;
    let found = lines(&text).find(wanted);
    Ok(found)
}

/// Reads a list; an image without one knows nobody.
fn read(files: &dyn Tree, file: &'static str) -> Result<String, LookupError> {
    let text = || -> io::Result<String> {
        let path = follow(files, Path::new(file))?;
        let mut text = Vec::new();
        match files.entry(&path)?.map(|entry| entry.kind) {
            Some(Kind::File(size)) if size <= LARGEST => {
                files.open(&path)?.take(LARGEST).read_to_end(&mut text)?;
            }
            Some(Kind::File(_)) => return Err(io::ErrorKind::FileTooLarge.into()),
            _ => {}
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    text().map_err(|source| LookupError::Read { file, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{context::Listing, tree::Nothing};

    fn image() -> Listing {
        Listing::default()
            .with_file(
                "etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/srv:/bin/sh\n",
            )
            .with_file("etc/group", "root:x:0:\napp:x:1001:\nwww:x:33:app,other\n")
    }

    #[test]
    fn owners_are_numbers_or_names_of_the_image() {
        for (text, expected) in [
            ("app", (1000, 1001)),
            ("app:www", (1000, 33)),
            ("7", (7, 7)),
            ("7:8", (7, 8)),
            (":www", (0, 33)),
            ("root", (0, 0)),
        ] {
            assert_eq!(owner(&image(), text).unwrap(), expected, "{text}");
        }
        assert_eq!(owner(&Nothing, "5:6").unwrap(), (5, 6));
        let error = owner(&image(), "nobody").unwrap_err();
        assert_eq!(error.to_string(), "the image has no user `nobody`");
    }

    #[test]
    fn a_user_has_groups_and_a_home() {
        let app = User { uid: 1000, gid: 1001, groups: vec![1001, 33], home: "/srv".into() };
        assert_eq!(user(&image(), "app").unwrap(), app);
        assert_eq!(user(&image(), "1000").unwrap(), app);
        let alone = User { groups: vec![33], gid: 33, ..app };
        assert_eq!(user(&image(), "app:www").unwrap(), alone);
        let unknown = User { uid: 5, gid: 0, groups: vec![0], home: "/".into() };
        assert_eq!(user(&Nothing, "5").unwrap(), unknown);
    }
}
