//! What `RUN --mount` asks for, its variables put in.

use std::path::Path;

use notes_dockerfile::{
    Access, CacheMount, Mount as Flag, MountKind, SecretMount, Sharing, Spanned, SshMount,
    TmpfsMount, Word, parse_mode, parse_size,
};

use super::super::{Problem, state::State, workdir};
use crate::tree::clean;

/// What a mount asks for, its variables put in.
#[derive(Clone, Debug)]
pub(in super::super) enum Request {
    /// Files of the context, a stage or an image.
    Bind { target: String, from: Option<Spanned<String>>, source: String, access: Access },
    /// A directory that outlives the build.
    Cache(CacheRequest),
    /// Memory.
    Tmpfs { target: String, size: Option<u64> },
    /// A secret.
    Secret(SecretRequest),
    /// The socket of an SSH agent.
    Ssh(SshRequest),
}

/// Where the files of a mount come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum From<'a> {
    /// There are none.
    Nowhere,
    /// The build context.
    Context,
    /// What has this name: a stage, an image, a further context.
    Name(&'a str),
}

/// A cache, and what a new one is like.
#[derive(Clone, Debug)]
pub(in super::super) struct CacheRequest {
    pub(super) target: String,
    pub(in super::super) id: String,
    /// What fills a new one.
    from: Option<Spanned<String>>,
    pub(super) source: String,
    pub(super) sharing: Sharing,
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) access: Access,
}

/// A secret as a file, a variable, or both.
#[derive(Clone, Debug)]
pub(in super::super) struct SecretRequest {
    pub(in super::super) id: String,
    pub(super) target: Option<String>,
    pub(super) env: Option<String>,
    pub(super) need: Need,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// The socket of an SSH agent, and whose it is to be.
#[derive(Clone, Debug)]
pub(in super::super) struct SshRequest {
    pub(in super::super) id: String,
    /// Its number among the agents of the command; programs are told of the first one.
    pub(super) number: usize,
    pub(super) target: String,
    pub(super) need: Need,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Whether a command can do without something that the caller did not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Optional,
    Required,
}

/// Puts the variables into the mounts of a `RUN`.
pub(in super::super) fn requests(state: &State, flags: &[Flag]) -> Result<Vec<Request>, Problem> {
    let mut agents = 0;
    let mut requests = Vec::with_capacity(flags.len());
    for flag in flags {
        requests.push(request(state, flag, agents)?);
        agents += usize::from(matches!(flag.kind, MountKind::Ssh(_)));
    }
    Ok(requests)
}

fn request(state: &State, flag: &Flag, agents: usize) -> Result<Request, Problem> {
    Ok(match &flag.kind {
        MountKind::Bind(bind) => Request::Bind {
            target: target(state, &bind.target)?,
            from: bind.from.clone(),
            source: optional(state, bind.source.as_ref())?.unwrap_or_default(),
            access: bind.access,
        },
        MountKind::Cache(cache) => Request::Cache(cache_request(state, cache)?),
        MountKind::Tmpfs(TmpfsMount { target: word, size }) => {
            let size = match optional(state, size.as_ref())? {
                None => None,
                Some(text) => Some(
                    parse_size(&text)
                        .ok_or(Problem::Value { value: text, expected: "a size such as `64m`" })?,
                ),
            };
            Request::Tmpfs { target: target(state, word)?, size }
        }
        MountKind::Secret(secret) => Request::Secret(secret_request(state, secret)?),
        MountKind::Ssh(ssh) => Request::Ssh(ssh_request(state, ssh, agents)?),
    })
}

/// Returns a path below the root; a relative one continues the working directory.
fn target(state: &State, word: &Word) -> Result<String, Problem> {
    let path = workdir::path(state.directory(), &word.expand(&state.scope)?);
    if path == "/" {
        return Err(Problem::Value { value: path, expected: "a path below the root" });
    }
    Ok(path)
}

fn optional(state: &State, word: Option<&Word>) -> Result<Option<String>, Problem> {
    Ok(word.map(|word| word.expand(&state.scope)).transpose()?)
}

fn mode(state: &State, word: Option<&Word>) -> Result<Option<u32>, Problem> {
    let Some(text) = optional(state, word)? else { return Ok(None) };
    let mode = parse_mode(&text);
    mode.map(Some).ok_or(Problem::Value { value: text, expected: "an octal mode" })
}

fn id(state: &State, word: Option<&Word>) -> Result<Option<u32>, Problem> {
    let Some(text) = optional(state, word)? else { return Ok(None) };
    let id = text.parse().ok();
    let expected = "the number of a user or group";
    id.map(Some).ok_or(Problem::Value { value: text, expected })
}

fn cache_request(state: &State, cache: &CacheMount) -> Result<CacheRequest, Problem> {
    let target = target(state, &cache.target)?;
    let source = optional(state, cache.source.as_ref())?.unwrap_or_default();
    if cache.from.is_none() && !source.is_empty() {
        return Err(Problem::Value { value: source, expected: "in a cache without `from`" });
    }
    let id_given = optional(state, cache.id.as_ref())?.filter(|id| !id.is_empty());
    Ok(CacheRequest {
        id: match id_given {
            Some(id) => id,
            None => own_id(&cache.target.expand(&state.scope)?),
        },
        target,
        from: cache.from.clone(),
        source,
        sharing: cache.sharing,
        mode: mode(state, cache.mode.as_ref())?,
        uid: id(state, cache.uid.as_ref())?,
        gid: id(state, cache.gid.as_ref())?,
        access: cache.access,
    })
}

/// Returns the id of a cache that is given none: its target as written, cleaned. A relative one is the same cache in
/// every working directory, as in `BuildKit`.
fn own_id(target: &str) -> String {
    let cleaned = clean(target.as_ref());
    let start = if target.starts_with('/') { "/" } else { "" };
    format!("{start}{}", cleaned.display())
}

fn ssh_request(state: &State, ssh: &SshMount, number: usize) -> Result<SshRequest, Problem> {
    let given = optional(state, ssh.id.as_ref())?.filter(|id| !id.is_empty());
    Ok(SshRequest {
        id: given.unwrap_or_else(|| "default".into()),
        number,
        target: match &ssh.target {
            Some(word) => target(state, word)?,
            None => format!("/run/buildkit/ssh_agent.{number}"),
        },
        need: need(ssh.required.is_some()),
        mode: mode(state, ssh.mode.as_ref())?.unwrap_or(0o600),
        uid: id(state, ssh.uid.as_ref())?.unwrap_or(0),
        gid: id(state, ssh.gid.as_ref())?.unwrap_or(0),
    })
}

fn need(required: bool) -> Need {
    if required { Need::Required } else { Need::Optional }
}

fn secret_request(state: &State, secret: &SecretMount) -> Result<SecretRequest, Problem> {
    let target = optional(state, secret.target.as_ref())?;
    let given = optional(state, secret.id.as_ref())?.filter(|id| !id.is_empty());
    let name = match (given, &target) {
        (Some(id), _) => id,
        (None, Some(target)) => {
            let name = Path::new(target).file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
        (None, None) => String::new(),
    };
    let env = optional(state, secret.env.as_ref())?;
    let target = match (target, &env) {
        (Some(target), _) => Some(workdir::path(state.directory(), &target)),
        (None, Some(_)) => None,
        (None, None) => {
            // An id may look like a path; the file is called by its end, as in BuildKit's `dispatchSecret`.
            let file = name.rsplit('/').next().unwrap_or_default();
            Some(format!("/run/secrets/{file}"))
        }
    };
    Ok(SecretRequest {
        id: name,
        target,
        env,
        need: need(secret.required.is_some()),
        mode: mode(state, secret.mode.as_ref())?.unwrap_or(0o400),
        uid: id(state, secret.uid.as_ref())?.unwrap_or(0),
        gid: id(state, secret.gid.as_ref())?.unwrap_or(0),
    })
}

impl Request {
    /// Returns where the files come from that the mount shows or is filled with.
    pub(in super::super) fn from(&self) -> From<'_> {
        let (from, absent) = match self {
            Self::Bind { from, .. } => (from, From::Context),
            Self::Cache(cache) => (&cache.from, From::Nowhere),
            _ => return From::Nowhere,
        };
        from.as_ref().map_or(absent, |from| From::Name(&from.value))
    }

    /// Returns the path in those files; the root where none is given.
    pub(in super::super) fn source(&self) -> &str {
        match self {
            Self::Bind { source, .. } => source,
            Self::Cache(cache) => &cache.source,
            _ => "",
        }
    }

    /// Returns what of the request decides about the layer: secrets, agents and caches only by where they are.
    pub(in super::super) fn key(&self) -> String {
        match self {
            Self::Bind { target, source, access, .. } => {
                format!("bind {source:?} {target:?} {access:?}")
            }
            Self::Cache(cache) => format!("cache {:?} {:?}", cache.target, cache.source),
            Self::Tmpfs { target, size } => format!("tmpfs {target:?} {size:?}"),
            Self::Secret(secret) => {
                format!("secret {:?} {:?} {:?}", secret.id, secret.target, secret.env)
            }
            Self::Ssh(ssh) => format!("ssh {:?} {:?}", ssh.id, ssh.target),
        }
    }
}
