//! `RUN --mount`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_dockerfile::{
    Access, CacheMount, Mount as Flag, MountKind, SecretMount, Sharing, Spanned, TmpfsMount, Word,
    parse_mode, parse_size,
};
use notes_sandbox::{self as sandbox, Mount, Secret, View};

use super::super::{Problem, copy, state::State, workdir};
use crate::{
    store::{Lock, Store},
    tree::{Tree, clean, follow},
};

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
}

/// A cache, and what a new one is like.
#[derive(Clone, Debug)]
pub(in super::super) struct CacheRequest {
    target: String,
    id: String,
    sharing: Sharing,
    mode: u32,
    uid: u32,
    gid: u32,
}

/// A secret as a file, a variable, or both.
#[derive(Clone, Debug)]
pub(in super::super) struct SecretRequest {
    pub(in super::super) id: String,
    target: Option<String>,
    env: Option<String>,
    required: bool,
    mode: u32,
    uid: u32,
    gid: u32,
}

/// Puts the variables into the mounts of a `RUN`.
pub(in super::super) fn requests(state: &State, flags: &[Flag]) -> Result<Vec<Request>, Problem> {
    flags.iter().map(|flag| request(state, flag)).collect()
}

fn request(state: &State, flag: &Flag) -> Result<Request, Problem> {
    let target = |word: &Word| -> Result<String, Problem> {
        let path = workdir::path(state.directory(), &word.expand(&state.scope)?);
        if path == "/" {
            return Err(Problem::Value { value: path, expected: "a path below the root" });
        }
        Ok(path)
    };
    Ok(match &flag.kind {
        MountKind::Bind(bind) => Request::Bind {
            target: target(&bind.target)?,
            from: bind.from.clone(),
            source: optional(state, bind.source.as_ref())?.unwrap_or_default(),
            access: bind.access,
        },
        MountKind::Cache(cache) => {
            Request::Cache(cache_request(state, cache, target(&cache.target)?)?)
        }
        MountKind::Tmpfs(TmpfsMount { target: word, size }) => {
            let size = match optional(state, size.as_ref())? {
                None => None,
                Some(text) => Some(
                    parse_size(&text)
                        .ok_or(Problem::Value { value: text, expected: "a size such as `64m`" })?,
                ),
            };
            Request::Tmpfs { target: target(word)?, size }
        }
        MountKind::Secret(secret) => Request::Secret(secret_request(state, secret)?),
        MountKind::Ssh(_) => unreachable!("the plan refuses it"),
    })
}

fn optional(state: &State, word: Option<&Word>) -> Result<Option<String>, Problem> {
    Ok(word.map(|word| word.expand(&state.scope)).transpose()?)
}

fn mode(state: &State, word: Option<&Word>, default: u32) -> Result<u32, Problem> {
    match optional(state, word)? {
        None => Ok(default),
        Some(text) => {
            parse_mode(&text).ok_or(Problem::Value { value: text, expected: "an octal mode" })
        }
    }
}

fn id(state: &State, word: Option<&Word>) -> Result<u32, Problem> {
    match optional(state, word)? {
        None => Ok(0),
        Some(text) => text
            .parse()
            .map_err(|_| Problem::Value { value: text, expected: "the number of a user or group" }),
    }
}

fn cache_request(
    state: &State,
    cache: &CacheMount,
    target: String,
) -> Result<CacheRequest, Problem> {
    Ok(CacheRequest {
        id: optional(state, cache.id.as_ref())?.unwrap_or_else(|| target.clone()),
        target,
        sharing: cache.sharing,
        mode: mode(state, cache.mode.as_ref(), 0o755)?,
        uid: id(state, cache.uid.as_ref())?,
        gid: id(state, cache.gid.as_ref())?,
    })
}

fn secret_request(state: &State, secret: &SecretMount) -> Result<SecretRequest, Problem> {
    let target = optional(state, secret.target.as_ref())?;
    let name = match (optional(state, secret.id.as_ref())?, &target) {
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
        (None, None) => Some(format!("/run/secrets/{name}")),
    };
    Ok(SecretRequest {
        id: name,
        target,
        env,
        required: secret.required.is_some(),
        mode: mode(state, secret.mode.as_ref(), 0o400)?,
        uid: id(state, secret.uid.as_ref())?,
        gid: id(state, secret.gid.as_ref())?,
    })
}

impl Request {
    /// Returns the path of a bind mount in its files; the root where none is given.
    pub(in super::super) fn source(&self) -> &str {
        match self {
            Self::Bind { source, .. } => source,
            _ => "",
        }
    }

    /// Returns what of the request decides about the layer: secrets and caches only by where they are.
    pub(in super::super) fn key(&self) -> String {
        match self {
            Self::Bind { target, source, access, .. } => {
                format!("bind {source:?} {target:?} {access:?}")
            }
            Self::Cache(cache) => format!("cache {:?}", cache.target),
            Self::Tmpfs { target, size } => format!("tmpfs {target:?} {size:?}"),
            Self::Secret(secret) => {
                format!("secret {:?} {:?} {:?}", secret.id, secret.target, secret.env)
            }
        }
    }
}

/// A mount whose source is in place for as long as this lives.
pub(in super::super) struct Prepared {
    mount: Option<Mount>,
    variable: Option<(String, String)>,
    _lock: Option<Lock>,
    _view: Option<View>,
}

impl Prepared {
    fn of(mount: Mount) -> Self {
        Self { mount: Some(mount), variable: None, _lock: None, _view: None }
    }

    pub(super) fn mount(&self) -> Option<Mount> {
        self.mount.clone()
    }

    pub(super) fn variable(&self) -> Option<(String, String)> {
        self.variable.clone()
    }
}

/// Shows what `source` is in the merged files of layers.
pub(in super::super) fn bind(
    tree: &Arc<dyn Tree>,
    source: &str,
    target: &str,
    access: Access,
    view: View,
) -> Result<Prepared, Problem> {
    let path = find(tree, source)?;
    let mount = Mount::Bind {
        source: view.path().join(path),
        target: target.into(),
        access: sandbox_access(access),
    };
    Ok(Prepared { _view: Some(view), ..Prepared::of(mount) })
}

/// Shows what `source` is in a context, from a copy at `place`: a context need not lie on this machine.
pub(in super::super) fn copied(
    place: &Path,
    tree: &Arc<dyn Tree>,
    source: &str,
    target: &str,
    access: Access,
) -> Result<Prepared, Problem> {
    let path = find(tree, source)?;
    fs::create_dir(place)?;
    copy::export(tree, place)?;
    let mount = Mount::Bind {
        source: place.join(path),
        target: target.into(),
        access: sandbox_access(access),
    };
    Ok(Prepared::of(mount))
}

/// Returns where `source` leads inside the tree, if there is something.
fn find(tree: &Arc<dyn Tree>, source: &str) -> Result<PathBuf, Problem> {
    let path = follow(&**tree, &clean(source.as_ref()))?;
    match tree.entry(&path)? {
        Some(_) => Ok(path),
        None => Err(Problem::MountSource { path: source.into() }),
    }
}

fn sandbox_access(access: Access) -> sandbox::Access {
    match access {
        Access::ReadOnly => sandbox::Access::ReadOnly,
        Access::ReadWrite => sandbox::Access::Discarded,
    }
}

/// Opens a cache, waiting for it where it is locked.
pub(in super::super) fn cache(store: &Store, request: &CacheRequest) -> io::Result<Prepared> {
    let CacheRequest { target, id, sharing, mode, uid, gid } = request;
    let mut name = id.clone();
    let mut number = 0;
    let (path, lock) = loop {
        let path = store.cache_mount(&name)?;
        let lock_path = path.with_extension("lock");
        let lock = match sharing {
            Sharing::Shared => Some(Lock::shared(&lock_path)?),
            Sharing::Locked => Some(Lock::exclusive(&lock_path)?),
            Sharing::Private => Lock::try_exclusive(&lock_path)?,
        };
        if lock.is_some() {
            break (path, lock);
        }
        number += 1;
        name = format!("{id}\0{number}");
    };
    if fs::read_dir(&path)?.next().is_none() {
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
        std::os::unix::fs::chown(&path, Some(*uid), Some(*gid))?;
    }
    let mount = Mount::Cache { source: path, target: target.into() };
    Ok(Prepared { _lock: lock, ..Prepared::of(mount) })
}

/// Returns memory.
pub(in super::super) fn tmpfs(target: &str, size: Option<u64>) -> Prepared {
    Prepared::of(Mount::Tmpfs { target: target.into(), size })
}

/// Returns a secret's file and variable; nothing where it was not given and is not required.
pub(in super::super) fn secret(
    request: &SecretRequest,
    secret: Option<&Secret>,
) -> Result<Option<Prepared>, Problem> {
    let Some(content) = secret else {
        let id = request.id.clone();
        return if request.required { Err(Problem::Secret { id }) } else { Ok(None) };
    };
    let variable = request
        .env
        .as_ref()
        .map(|name| (name.clone(), String::from_utf8_lossy(content.expose()).into_owned()));
    let mount = request.target.as_ref().map(|target| Mount::Secret {
        target: target.into(),
        content: content.clone(),
        mode: request.mode,
        uid: request.uid,
        gid: request.gid,
    });
    Ok(Some(Prepared { mount, variable, _lock: None, _view: None }))
}
