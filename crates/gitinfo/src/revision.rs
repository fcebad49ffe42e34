//! A commit and what it is called.

use std::fmt;

use gix::{
    bstr::{BStr, ByteSlice},
    odb::store::prefix::disambiguate::Candidate,
};
use jiff::Timestamp;

use crate::{Remote, Repository};

/// How many digits of a commit are shown and make the image tag: what git prints for a repository of ordinary size.
pub const SHORT_LENGTH: usize = 7;

/// The id of a git object in hexadecimal digits: 40 of SHA-1 or 64 of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub(crate) gix::ObjectId);

/// The error returned when a text is not the whole id of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the whole id of an object")]
pub struct IdError {
    /// The text.
    pub text: String,
}

impl std::str::FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let id = gix::ObjectId::from_hex(text.as_bytes());
        id.map(Self).map_err(|_| IdError { text: text.into() })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Who wrote a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The mail address.
    pub email: String,
}

/// A commit and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit.
    pub commit: Id,
    /// Its tree.
    pub tree: Id,
    /// The first digits of the commit: [`SHORT_LENGTH`], or as many more as make it the only one.
    pub short: String,
    /// The branch that is checked out, if it stands at this commit; CI systems check out none.
    pub branch: Option<String>,
    /// The tags at this commit, sorted.
    pub tags: Vec<String>,
    /// When it was committed (not when it was first written: rebasing keeps that).
    pub time: Timestamp,
    /// Who wrote it.
    pub author: Person,
    /// The first line of its message.
    pub subject: String,
    /// Where the repository was cloned from.
    pub remote: Option<Remote>,
}

/// The error returned when a revision cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevisionError {
    /// The repository is new.
    #[error("the branch `{branch}` has no commit yet")]
    Unborn {
        /// The branch `HEAD` points to.
        branch: String,
    },
    /// Nothing is called so, or it is not in this clone.
    #[error("`{name}` names no commit of this repository")]
    NotFound {
        /// What was asked for.
        name: String,
        /// Whether history was cut off when this was cloned.
        shallow: bool,
    },
    /// Several objects begin with these digits.
    #[error("`{name}` is the beginning of several objects")]
    Ambiguous {
        /// What was asked for.
        name: String,
    },
    /// It names a file or a directory.
    #[error("`{name}` is not a commit")]
    NotACommit {
        /// What was asked for.
        name: String,
    },
    /// An object or a reference cannot be read.
    #[error("failed to read {what} of `{name}`")]
    Read {
        /// What was asked for.
        name: String,
        /// What was being read.
        what: &'static str,
        /// Why.
        source: Box<gix::Error>,
    },
}

impl RevisionError {
    /// Returns what may be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unborn { .. } => Some("commit something first".into()),
            Self::NotFound { shallow: true, .. } => Some(
                "this is a shallow clone; fetch more history (`GIT_DEPTH`, `fetch-depth`)".into(),
            ),
            Self::NotFound { .. } => {
                Some("a branch, a tag or a commit is meant; `git fetch` brings what is new".into())
            }
            Self::Ambiguous { .. } => Some("give more digits".into()),
            _ => None,
        }
    }
}

impl Repository {
    /// Returns the revision `name` stands for: `HEAD`, a branch, a tag, a commit or the beginning of one.
    pub fn revision(&self, name: &str) -> Result<Revision, RevisionError> {
        let repository = self.local();
        let commit = self.commit(&repository, name)?;
        let read = |what| move |source: gix::Error| unreadable(name, what, source);
        let id = Id(commit.id);
        let author = commit.author().map_err(read("the author"))?;
        let seconds = commit.time().map_err(read("the time"))?.seconds;
        Ok(Revision {
            commit: id,
            tree: Id(commit.tree_id().map_err(read("the tree"))?.detach()),
            short: self.abbreviate(id, SHORT_LENGTH)?,
            branch: branch(&repository, id),
            tags: tags(&repository, id).map_err(read("the tags"))?,
            // jiff ends in the year 9999; a commit beyond it has a wrong clock in any case.
            time: Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH),
            author: Person { name: text(author.name), email: text(author.email) },
            subject: text(commit.message().map_err(read("the message"))?.summary().as_ref()),
            remote: remote(&repository),
        })
    }

    /// Returns the first `length` digits of `id`, or as many more as make it the only one in this repository.
    pub fn abbreviate(&self, id: Id, length: usize) -> Result<String, RevisionError> {
        let failed = |source| unreadable(&id.to_string(), "the names", source);
        // git takes no fewer than four digits for a name (gitrevisions, "core.abbrev").
        let length = length.clamp(4, id.0.kind().len_in_hex());
        let candidate = Candidate::new(id.0, length).map_err(failed)?;
        let prefix = self.local().objects.disambiguate_prefix(candidate).map_err(failed)?;
        Ok(prefix.map_or_else(|| id.to_string(), |prefix| prefix.to_string()))
    }

    fn commit<'r>(
        &self,
        repository: &'r gix::Repository,
        name: &str,
    ) -> Result<gix::Commit<'r>, RevisionError> {
        if name == "HEAD" {
            let head =
                repository.head().map_err(|source| unreadable(name, "the reference", source))?;
            if head.is_unborn() {
                let branch = head.referent_name().map_or_else(String::new, |n| text(n.shorten()));
                return Err(RevisionError::Unborn { branch });
            }
        }
        let id = repository.rev_parse_single(name).map_err(|error| self.unknown(name, &error))?;
        let object = id.object().map_err(|error| {
            if error.is_not_found() {
                RevisionError::NotFound { name: name.into(), shallow: self.is_shallow() }
            } else {
                unreadable(name, "the object", error)
            }
        })?;
        object
            .peel_to_kind(gix::object::Kind::Commit)
            .map(gix::Object::into_commit)
            .map_err(|_| RevisionError::NotACommit { name: name.into() })
    }

    /// Whatever else is wrong with a name that cannot be resolved, for a person it names nothing.
    fn unknown(&self, name: &str, error: &gix::Error) -> RevisionError {
        use gix::revision::spec::parse::Error;
        match error.downcast_any_ref::<Error>() {
            Some(Error::AmbiguousPrefix { .. }) => RevisionError::Ambiguous { name: name.into() },
            _ => RevisionError::NotFound { name: name.into(), shallow: self.is_shallow() },
        }
    }
}

fn unreadable(name: &str, what: &'static str, source: gix::Error) -> RevisionError {
    RevisionError::Read { name: name.into(), what, source: source.into() }
}

fn text(bytes: &BStr) -> String {
    bytes.trim().to_str_lossy().into_owned()
}

fn branch(repository: &gix::Repository, commit: Id) -> Option<String> {
    let head = repository.head().ok()?;
    let name = head.referent_name()?;
    let at_head = head.id().is_some_and(|id| id.detach() == commit.0);
    at_head.then(|| text(name.shorten()))
}

fn tags(repository: &gix::Repository, commit: Id) -> Result<Vec<String>, gix::Error> {
    let mut tags = Vec::new();
    for reference in repository.references()?.tags()? {
        let mut reference = reference?;
        // A tag whose object is missing (a shallow clone) is not one of this commit.
        if reference.peel_to_id().is_ok_and(|id| id.detach() == commit.0) {
            tags.push(text(reference.name().shorten()));
        }
    }
    tags.sort();
    Ok(tags)
}

/// Returns the address of `origin`, or of the only remote.
///
/// The configuration is read without regard to trust: an address names no program, and the same commit is to get the same
/// labels in a CI job whose checkout belongs to another user.
fn remote(repository: &gix::Repository) -> Option<Remote> {
    let snapshot = repository.config_snapshot();
    let config = snapshot.plumbing();
    let address = |name: &BStr| config.string_by("remote", Some(name), "url");
    let names: Vec<_> = config
        .sections_by_name("remote")?
        .filter_map(|section| section.header().subsection_name().map(ToOwned::to_owned))
        .collect();
    let found = match names.as_slice() {
        [only] => address(only.as_bstr()),
        _ => address("origin".into()),
    };
    Remote::parse(&found?.to_str_lossy())
}
