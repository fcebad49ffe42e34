//! The steps `RUN` and `WORKDIR`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use notes_dockerfile::{Run, Workdir};
use notes_oci::{Digest, ImageSource, Layer};
use notes_sandbox::{Isolation, Sandbox, View, ViewError};

use super::{
    Problem,
    builder::{Builder, Current, lock},
    context::Files,
    copy::{self, Fingerprint},
    files::{self, blocking},
    owner,
    run::{self, From, Invocation, Prepared, Request, Work},
    state::State,
    step::{Done, Keyed},
    workdir,
};
use crate::{
    cache::{ARGUMENT, FILE, KeyBuilder, MountUse},
    pack::Packer,
    plan::Arguments,
    store::DraftDirectory,
};

/// A mount, and where its files come from if it has some.
pub(super) type Mount = (Request, Option<Files>);

impl<S: ImageSource> Builder<'_, S> {
    pub(super) async fn run(
        &self,
        state: &State,
        run: &Run,
        current: &Current<'_>,
    ) -> Result<Done, Problem> {
        let invocation = Invocation::new(state, run, &self.plan.arguments);
        let mut mounts: Vec<Mount> = Vec::new();
        for request in run::requests(state, &run.mounts)? {
            let files = match request.from() {
                From::Nowhere => None,
                From::Context => Some(self.files(None, current).await?),
                From::Name(name) => Some(self.files(Some(name), current).await?),
            };
            mounts.push((request, files));
        }
        let created_by = created_by(state, &invocation);
        let keyed = self.run_key(state, &invocation, &mounts).await?;
        let known = self.known(&keyed).await;
        let used = if known.is_some() { MountUse::Idle } else { MountUse::Mounted };
        self.note_mounts(&mounts, used).await?;
        if let Some(result) = known {
            return Ok(Done::Files { created_by, result: result.into(), keyed });
        }
        let sandbox = self.resources.sandbox.clone().ok_or(Problem::NoSandbox)?;
        // Lives as long as the mounts that lie in it.
        let scratch = self.resources.store.draft_directory()?;
        let mounts = self.prepare(mounts, &sandbox, &scratch).await?;
        let work = Work {
            invocation,
            lowers: files::unpacked(self.resources, &state.layers).await?,
            keep: self.keep(&sandbox)?,
            mounts,
            time: state.time(&keyed.key),
            timeout: self.options.run_timeout,
            compression: self.options.compression,
            store: self.resources.store.clone(),
            sandbox,
            cancel: lock(&self.cancel).clone(),
            reporter: Arc::clone(&self.resources.reporter),
            name: current.name.clone(),
        };
        let packed = blocking(move || run::run(&work)).await?;
        let result = self.remember(&keyed.key, packed)?;
        Ok(Done::Files { created_by, result: result.into(), keyed })
    }

    /// Returns where a rung without mounts keeps its copies during this build.
    fn keep(&self, sandbox: &Sandbox) -> Result<Option<PathBuf>, Problem> {
        if sandbox.isolation() == Isolation::Namespaces {
            return Ok(None);
        }
        let mut kept = lock(&self.kept);
        let directory = match kept.take() {
            Some(directory) => directory,
            None => self.resources.store.draft_directory()?,
        };
        Ok(Some(kept.insert(directory).work()))
    }

    async fn run_key(
        &self,
        state: &State,
        invocation: &Invocation,
        mounts: &[Mount],
    ) -> Result<Keyed, Problem> {
        let mut key = KeyBuilder::new("RUN")
            .with("parent", state.chain().hex())
            .with("command", invocation.argv.join("\0"));
        if let Some((path, text)) = &invocation.script {
            key = key.with("script", format!("{path}\0{text}"));
        }
        for (name, value) in &invocation.env {
            // Where a proxy stands between does not change what is behind it.
            if !Arguments::is_proxy(name) || state.declares(name) {
                key = key.with(&format!("variable {name}"), value);
            }
            if state.declares(name) {
                key = key.with_part(format!("{ARGUMENT} {name}"), &Digest::of(value));
            }
        }
        key = key
            .with("directory", &invocation.directory)
            .with("user", &invocation.user)
            .with("network", format!("{:?}", invocation.network))
            .with("host name", invocation.host_name.as_deref().unwrap_or(""))
            .with("compression", format!("{:?}", self.options.compression));
        for (request, files) in mounts {
            key = key.with("mount", request.key());
            if let Some(files) = files {
                let Fingerprint { digest, parts } = self.identity(request, files).await?;
                key = key.with("mounted files", digest.to_string());
                for (name, digest) in &parts {
                    key = key.with_part(format!("{FILE} {name}"), digest);
                }
            }
        }
        Ok(key.into())
    }

    /// Returns the identity of what a mount shows or is filled with.
    pub(super) async fn identity(
        &self,
        request: &Request,
        files: &Files,
    ) -> Result<Fingerprint, Problem> {
        match files {
            Files::Layers { identity, name, .. } => {
                let digest = Digest::of(identity);
                Ok(Fingerprint { digest, parts: BTreeMap::from([(name.clone(), digest)]) })
            }
            Files::Tree(tree) => {
                let (tree, source) = (Arc::clone(tree), request.source().to_owned());
                blocking(move || copy::fingerprint(&copy::Request::everything(&source), &*tree))
                    .await
            }
        }
    }

    /// Puts the sources of mounts in their places.
    async fn prepare(
        &self,
        mounts: Vec<Mount>,
        sandbox: &Sandbox,
        scratch: &DraftDirectory,
    ) -> Result<Vec<Prepared>, Problem> {
        let mut mounts: Vec<_> = mounts.into_iter().enumerate().collect();
        // In one order for all: two steps that have a cache each and want the other's would wait for ever.
        mounts.sort_by_key(|(_, (request, _))| match request {
            Request::Cache(cache) => Some(cache.id.clone()),
            _ => None,
        });
        let mut prepared = BTreeMap::new();
        for (number, mount) in mounts {
            let place = scratch.scratch(&format!("mount-{number}"));
            prepared.insert(number, self.prepare_one(mount, sandbox, place).await?);
        }
        Ok(prepared.into_values().flatten().collect())
    }

    /// Puts the source of a mount at `place`, if it needs one; nothing for what was not given and is not required.
    async fn prepare_one(
        &self,
        (request, files): Mount,
        sandbox: &Sandbox,
        place: PathBuf,
    ) -> Result<Option<Prepared>, Problem> {
        Ok(match request {
            Request::Bind { target, source, access, .. } => {
                let files = files.expect("a bind mount has files");
                let tree = files.tree(self.resources).await?;
                let view = match &files {
                    Files::Layers { layers, .. } => self.view(layers, sandbox, &place).await?,
                    Files::Tree(_) => None,
                };
                Some(match view {
                    Some(view) => run::bind(&tree, &source, &target, access, view)?,
                    None => {
                        blocking(move || {
                            run::copied(&place.join("copy"), &tree, &source, &target, access)
                        })
                        .await?
                    }
                })
            }
            Request::Cache(ref cache) => {
                let filled = run::Filled {
                    identity: self.mount_identity(&request, cache, files.as_ref()).await?,
                    seed: match files {
                        None => None,
                        Some(files) => Some(files.tree(self.resources).await?),
                    },
                };
                let shared = self.shared_mount(&filled.identity).await;
                let (store, cache) = (self.resources.store.clone(), cache.clone());
                Some(blocking(move || run::cache(&store, &cache, &filled, shared)).await?)
            }
            Request::Tmpfs { target, size } => Some(run::tmpfs(&target, size)),
            Request::Secret(request) => {
                run::secret(&request, self.resources.secrets.get(&request.id))?
            }
            Request::Ssh(request) => {
                let socket = self.resources.agents.get(&request.id);
                run::ssh(&request, socket.map(PathBuf::as_path), &place)?
            }
        })
    }

    /// Shows merged layers at `place`, where the rung can.
    async fn view(
        &self,
        layers: &[Layer],
        sandbox: &Sandbox,
        place: &Path,
    ) -> Result<Option<View>, Problem> {
        let layers = files::unpacked(self.resources, layers).await?;
        std::fs::create_dir(place)?;
        match sandbox.view(&layers, place) {
            Ok(view) => Ok(Some(view)),
            Err(ViewError::NotOffered { .. }) => Ok(None),
            Err(source) => Err(Problem::View { source }),
        }
    }

    pub(super) async fn workdir(
        &self,
        state: &mut State,
        instruction: &Workdir,
    ) -> Result<Done, Problem> {
        let path = instruction.path.expand(&state.scope)?;
        let directory = workdir::path(state.directory(), &path);
        state.config.config.working_dir.clone_from(&directory);
        let created_by = format!("WORKDIR {directory}");
        if directory == "/" {
            return Ok(Done::Config { created_by: Some(created_by) });
        }
        let user = state.config.config.user.clone();
        let keyed: Keyed = KeyBuilder::new("WORKDIR")
            .with("parent", state.chain().hex())
            .with("directory", &directory)
            .with("user", &user)
            .with("compression", format!("{:?}", self.options.compression))
            .into();
        if let Some(result) = self.known(&keyed).await {
            return Ok(Done::Files { created_by, result: result.into(), keyed });
        }
        let files = files::tree(self.resources, &state.layers).await?;
        let time = state.time(&keyed.key);
        let (store, compression) = (self.resources.store.clone(), self.options.compression);
        let packed = blocking(move || -> Result<_, Problem> {
            let owner = owner::owner(&*files, &user)?;
            let packer = Packer::new(&store, compression)?;
            workdir::make(&directory, owner, files, packer, time)
        })
        .await?;
        let result = self.remember(&keyed.key, packed)?;
        Ok(Done::Files { created_by, result: result.into(), keyed })
    }
}

/// Returns the line of the history: the arguments in scope, as other builders write them, and the command.
fn created_by(state: &State, invocation: &Invocation) -> String {
    let mut words = vec!["RUN".to_owned()];
    let arguments = state.scope.arguments();
    if !arguments.is_empty() {
        words.push(format!("|{}", arguments.len()));
        words.extend(arguments.iter().map(|(name, value)| format!("{name}={value}")));
    }
    words.extend(invocation.argv.iter().cloned());
    words.join(" ")
}
