//! Git repositories as sources: what an address says beside where the repository is.

use std::path::{Path, PathBuf};

use super::remote::unescaped;
use crate::{
    build::{GitDirectory, Submodules, Tip},
    tree::clean,
};

/// A git repository as a source of `ADD`, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// The address without what follows `?` and `#`.
    pub(crate) address: String,
    /// The branch, the tag or the commit; the default branch where there is none.
    pub(crate) name: Option<String>,
    /// The directory whose contents are meant.
    pub(crate) directory: PathBuf,
    /// What the id of the commit begins with.
    pub(crate) checksum: Option<String>,
    /// Whether `.git` is kept, where the address says so.
    pub(crate) git_directory: Option<GitDirectory>,
    pub(crate) submodules: Submodules,
    pub(crate) times: Times,
    pub(crate) pinning: Pinning,
}

/// What files are dated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Times {
    /// As the builder dates new files.
    #[default]
    Builder,
    /// When they were committed.
    Commit,
}

/// What a checksum does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pinning {
    /// It is compared with what the name stands for.
    #[default]
    Compare,
    /// It is the commit to fetch, whatever the name stands for.
    Fetch,
}

/// The error returned when the address of a repository cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is reached over SSH.
    #[error("it is reached over SSH, which this builder does not speak")]
    Ssh,
    /// A key has no value.
    #[error("`{key}` has no value")]
    NoValue {
        /// The key.
        key: String,
    },
    /// A key stands twice.
    #[error("`{key}` is given twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// There is no such key.
    #[error("`{key}` is not known")]
    Unknown {
        /// The key.
        key: String,
    },
    /// A value is not one that its key takes.
    #[error("`{value}` is not a value of `{key}`")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// Two parts contradict each other.
    #[error("`{first}` and `{second}` contradict each other")]
    Conflict {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

impl AddressError {
    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Ssh => Some(
                "write its https:// address (a token for it is the secret `GIT_AUTH_TOKEN`), or clone it in an earlier job and name it with `--build-context`"
                    .into(),
            ),
            Self::Unknown { .. } => Some(format!("known are {}", KEYS.join(", "))),
            _ => None,
        }
    }
}

/// What may follow `?` (moby/buildkit, `frontend/dockerfile/dfgitutil/git_ref.go`).
const KEYS: [&str; 10] = [
    "ref",
    "tag",
    "branch",
    "commit",
    "checksum",
    "subdir",
    "keep-git-dir",
    "submodules",
    "mtime",
    "fetch-by-commit",
];

impl Repository {
    /// Parses an address with `#NAME:DIRECTORY` or `?KEY=VALUE&…`, or both, behind it.
    pub(crate) fn parse(source: &str) -> Result<Self, AddressError> {
        let (rest, fragment) = source.split_once('#').unwrap_or((source, ""));
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let address = match address.split_once("://") {
            Some((scheme, rest)) if !scheme.eq_ignore_ascii_case("ssh") => {
                format!("{}://{rest}", scheme.to_ascii_lowercase())
            }
            _ => return Err(AddressError::Ssh),
        };
        let fragment = unescaped(fragment).unwrap_or_else(|| fragment.into());
        let (name, directory) = fragment.split_once(':').unwrap_or((&fragment, ""));
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut repository = Self {
            address,
            name: given(name),
            directory: clean(Path::new(directory)),
            checksum: None,
            git_directory: None,
            submodules: Submodules::default(),
            times: Times::default(),
            pinning: Pinning::default(),
        };
        let query = Query::parse(query)?;
        repository.take(&query)?;
        Ok(repository)
    }

    fn take(&mut self, query: &Query) -> Result<(), AddressError> {
        let below = |directory: &str, name: &str| {
            format!("{directory}{}", name.strip_prefix(directory).unwrap_or(name))
        };
        let tag = query.value("tag")?.map(|tag| below("refs/tags/", tag));
        let branch = query.value("branch")?.map(|branch| below("refs/heads/", branch));
        for name in [query.value("ref")?.map(Into::into), tag, branch].into_iter().flatten() {
            agree(&mut self.name, name)?;
        }
        if let Some(directory) = query.value("subdir")? {
            let directory = clean(Path::new(directory));
            let known = &self.directory;
            if !known.as_os_str().is_empty() && *known != directory {
                return Err(conflict(&known.display(), &directory.display()));
            }
            self.directory = directory;
        }
        for key in ["commit", "checksum"] {
            if let Some(checksum) = query.value(key)? {
                agree(&mut self.checksum, checksum.into())?;
            }
        }
        let keep = query.switch("keep-git-dir")?;
        self.git_directory =
            keep.map(|keep| if keep { GitDirectory::Keep } else { GitDirectory::Drop });
        if query.switch("submodules")? == Some(false) {
            self.submodules = Submodules::Leave;
        }
        if query.switch("fetch-by-commit")? == Some(true) {
            self.pinning = Pinning::Fetch;
        }
        self.times = match query.value("mtime")? {
            None | Some("checkout") => Times::Builder,
            Some("commit") => Times::Commit,
            Some(value) => {
                return Err(AddressError::Value { key: "mtime".into(), value: value.into() });
            }
        };
        Ok(())
    }

    /// Returns the commit, where the address alone says it.
    pub(crate) fn pinned(&self) -> Option<Tip> {
        if self.pinning == Pinning::Fetch {
            let commit = self.checksum.as_deref().filter(|text| is_commit(text))?;
            return Some(Tip { reference: self.reference(), ..Tip::of_commit(commit) });
        }
        self.name.as_deref().filter(|name| is_commit(name)).map(Tip::of_commit)
    }

    /// Returns the whole name of what is fetched by its commit: a branch, where nothing else is said.
    fn reference(&self) -> Option<String> {
        let name = self.name.as_deref().filter(|name| !is_commit(name))?;
        let is_whole = name.starts_with("refs/");
        Some(if is_whole { name.into() } else { format!("refs/heads/{name}") })
    }
}

/// Tells whether `text` is the whole id of a commit.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_checksum(text)
}

/// Tells whether `text` may be the beginning of the id of a commit.
pub(crate) fn is_checksum(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn agree(known: &mut Option<String>, new: String) -> Result<(), AddressError> {
    match known {
        Some(known) if *known != new => Err(conflict(known, &new)),
        _ => {
            *known = Some(new);
            Ok(())
        }
    }
}

fn conflict(first: &dyn ToString, second: &dyn ToString) -> AddressError {
    AddressError::Conflict { first: first.to_string(), second: second.to_string() }
}

/// The keys and values behind `?`.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Result<Self, AddressError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| unescaped(&text.replace('+', " "));
            let (Some(key), Some(value)) = (decoded(key), decoded(value)) else {
                return Err(AddressError::Value { key: key.into(), value: value.into() });
            };
            if !KEYS.contains(&&*key) {
                return Err(AddressError::Unknown { key });
            }
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(AddressError::Twice { key });
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    fn find(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn value(&self, key: &str) -> Result<Option<&str>, AddressError> {
        match self.find(key) {
            Some("") => Err(AddressError::NoValue { key: key.into() }),
            value => Ok(value),
        }
    }

    /// Returns a yes or no, which a key without a value says, too (Go, `strconv.ParseBool`).
    fn switch(&self, key: &str) -> Result<Option<bool>, AddressError> {
        Ok(match self.find(key) {
            None => None,
            Some("" | "1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
            Some(value) => {
                return Err(AddressError::Value { key: key.into(), value: value.into() });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "be1f38efdb14ad5b0f7b4ad4c1ad2e6bc5c8a6ab";

    fn parse(rest: &str) -> Result<Repository, AddressError> {
        Repository::parse(&format!("https://example.com/x/y.git{rest}"))
    }

    #[test]
    fn a_name_and_a_directory_stand_behind_the_hash_or_in_the_query() {
        for (rest, name, directory) in [
            ("", None, ""),
            ("#main", Some("main"), ""),
            ("#release/1.2:a/../b", Some("release/1.2"), "b"),
            ("#:sub", None, "sub"),
            ("?ref=v1&subdir=/sub", Some("v1"), "sub"),
            ("?subdir=/sub#v1", Some("v1"), "sub"),
            ("?tag=v1", Some("refs/tags/v1"), ""),
            ("?branch=refs/heads/a%2Fb", Some("refs/heads/a/b"), ""),
            ("?ref=v1#v1", Some("v1"), ""),
            ("#../../etc", Some("../../etc"), ""),
            ("#main:../../etc", Some("main"), "etc"),
        ] {
            let repository = parse(rest).unwrap();
            assert_eq!(repository.address, "https://example.com/x/y.git", "{rest}");
            assert_eq!(repository.name.as_deref(), name, "{rest}");
            assert_eq!(repository.directory, Path::new(directory), "{rest}");
        }
    }

    #[test]
    fn switches_need_no_value() {
        let repository = parse("?keep-git-dir&submodules=0&mtime=commit&checksum=be1f38e").unwrap();
        assert_eq!(repository.git_directory, Some(GitDirectory::Keep));
        assert_eq!(repository.submodules, Submodules::Leave);
        assert_eq!(repository.times, Times::Commit);
        assert_eq!(repository.checksum.as_deref(), Some("be1f38e"));
        assert_eq!(parse("?keep-git-dir=false").unwrap().git_directory, Some(GitDirectory::Drop));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (rest, message) in [
            ("?ref=a#b", "`b` and `a` contradict each other"),
            ("?tag=a&branch=b", "`refs/tags/a` and `refs/heads/b` contradict each other"),
            ("?subdir=a#:b", "`b` and `a` contradict each other"),
            ("?commit=a&checksum=b", "`a` and `b` contradict each other"),
            ("?tag=", "`tag` has no value"),
            ("?tag=a&tag=b", "`tag` is given twice"),
            ("?depth=1", "`depth` is not known"),
            ("?submodules=maybe", "`maybe` is not a value of `submodules`"),
            ("?mtime=now", "`now` is not a value of `mtime`"),
        ] {
            assert_eq!(parse(rest).unwrap_err().to_string(), message, "{rest}");
        }
        assert_eq!(Repository::parse("git@example.com:x/y.git"), Err(AddressError::Ssh));
    }

    #[test]
    fn a_whole_commit_needs_no_server_to_be_known() {
        let tip = parse(&format!("#{COMMIT}")).unwrap().pinned();
        assert_eq!(tip, Some(Tip::of_commit(COMMIT)));
        assert_eq!(parse("#be1f38e").unwrap().pinned(), None);
        let fetched = parse(&format!("?fetch-by-commit&checksum={COMMIT}#main")).unwrap().pinned();
        assert_eq!(fetched.unwrap().reference.as_deref(), Some("refs/heads/main"));
    }
}
