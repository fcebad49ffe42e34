//! The sources of mounts, put in their places.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_dockerfile::{Access, Sharing};
use notes_sandbox::{self as sandbox, Mount, Secret, View};

use super::{
    super::{Problem, copy, mounting::Shared, state::EPOCH},
    agent::Agent,
    mounts::{CacheRequest, Need, SecretRequest, SshRequest},
};
use crate::{
    cache::CacheMount,
    store::{Lock, Store},
    tree::{Entry, Tree, clean, follow},
};

/// A mount whose source is in place for as long as this lives.
pub(in super::super) struct Prepared {
    mount: Option<Mount>,
    variable: Option<(String, String)>,
    _lock: Option<Lock>,
    _view: Option<View>,
    _agent: Option<Agent>,
}

impl Prepared {
    fn of(mount: Mount) -> Self {
        Self { mount: Some(mount), variable: None, _lock: None, _view: None, _agent: None }
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
    let (path, _) = find(tree, source)?;
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
    let (path, entry) = find(tree, source)?;
    fs::create_dir_all(place)?;
    copy::export(tree, (&path, &entry), place, EPOCH)?;
    let source = match path.file_name() {
        Some(name) if !entry.is_directory() => place.join(name),
        _ => place.to_owned(),
    };
    let mount = Mount::Bind { source, target: target.into(), access: sandbox_access(access) };
    Ok(Prepared::of(mount))
}

/// Returns where `source` leads inside the tree, and what is there.
fn find(tree: &Arc<dyn Tree>, source: &str) -> Result<(PathBuf, Entry), Problem> {
    let path = follow(&**tree, &clean(source.as_ref()))?;
    match tree.entry(&path)? {
        Some(entry) => Ok((path, entry)),
        None => Err(Problem::MountSource { path: source.into() }),
    }
}

fn sandbox_access(access: Access) -> sandbox::Access {
    match access {
        Access::ReadOnly => sandbox::Access::ReadOnly,
        Access::ReadWrite => sandbox::Access::Discarded,
    }
}

/// A cache, and what fills a new one.
pub(in super::super) struct Filled {
    pub(in super::super) identity: CacheMount,
    /// Files of a stage or an image (`from=`).
    pub(in super::super) seed: Option<Arc<dyn Tree>>,
}

/// Opens a cache, waiting for it where it is locked.
pub(in super::super) fn cache(
    store: &Store,
    request: &CacheRequest,
    filled: &Filled,
    mut shared: Option<Shared>,
) -> Result<Prepared, Problem> {
    let CacheRequest { target, sharing, .. } = request;
    let id = &filled.identity.identity;
    let mut name = id.clone();
    let mut number = 0;
    let (path, lock) = loop {
        let path = store.cache_mount(&name, |directory| {
            fill(directory, request, filled.seed.as_ref())?;
            shared.take().map_or(Ok(()), |shared| shared.restore(directory))
        })?;
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
    let mount = match request.access {
        Access::ReadWrite => Mount::Cache { source: path, target: target.into() },
        Access::ReadOnly => {
            Mount::Bind { source: path, target: target.into(), access: sandbox::Access::ReadOnly }
        }
    };
    Ok(Prepared { _lock: lock, ..Prepared::of(mount) })
}

/// Returns what tells one cache from another: its id, what fills it, and the owner and mode that are asked for. A cache of
/// root and one of `uid=1000` are two, although they have one id (moby/buildkit, `convert_runmount.go`, `setCacheUIDGID`).
pub(in super::super) fn cache_mount(request: &CacheRequest, seed: Option<&str>) -> CacheMount {
    let CacheRequest { id, mode, uid, gid, .. } = request;
    let mut identity = id.clone();
    if let Some(seed) = seed {
        let _ = write!(identity, "\0{seed}\0{}", request.source);
    }
    if (mode, uid, gid) != (&None, &None, &None) {
        let (mode, uid, gid) = (mode.unwrap_or(0o755), uid.unwrap_or(0), gid.unwrap_or(0));
        let _ = write!(identity, "\0{mode:o} {uid}:{gid}");
    }
    CacheMount { identity, id: id.clone() }
}

/// Makes a new cache what the request says.
fn fill(
    directory: &Path,
    request: &CacheRequest,
    seed: Option<&Arc<dyn Tree>>,
) -> Result<(), Problem> {
    let mut like = Entry::directory();
    if let Some(tree) = seed {
        let (path, entry) = find(tree, &request.source)?;
        copy::export(tree, (&path, &entry), directory, EPOCH)?;
        if entry.is_directory() {
            like = entry;
        }
    }
    let (uid, gid) = (request.uid.unwrap_or(like.uid), request.gid.unwrap_or(like.gid));
    chown(directory, Some(uid), Some(gid))?;
    let mode = request.mode.unwrap_or(like.mode);
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))?;
    Ok(())
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
        return match request.need {
            Need::Required => Err(Problem::Secret { id: request.id.clone() }),
            Need::Optional => Ok(None),
        };
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
    Ok(Some(Prepared { mount, variable, _lock: None, _view: None, _agent: None }))
}

/// Returns the socket of an agent, at `place`; nothing where none was given and none is required.
pub(in super::super) fn ssh(
    request: &SshRequest,
    socket: Option<&Path>,
    place: &Path,
) -> Result<Option<Prepared>, Problem> {
    let Some(socket) = socket else {
        return match request.need {
            Need::Required => Err(Problem::Agent { id: request.id.clone() }),
            Need::Optional => Ok(None),
        };
    };
    let unusable = |source| Problem::AgentSocket { path: socket.into(), source };
    let agent = Agent::listen(place, socket).map_err(unusable)?;
    chown(agent.path(), Some(request.uid), Some(request.gid))?;
    fs::set_permissions(agent.path(), fs::Permissions::from_mode(request.mode))?;
    let target = &request.target;
    let variable = (request.number == 0).then(|| ("SSH_AUTH_SOCK".into(), target.clone()));
    let mount = Mount::Ssh { socket: agent.path().into(), target: target.into() };
    Ok(Some(Prepared { variable, _agent: Some(agent), ..Prepared::of(mount) }))
}
