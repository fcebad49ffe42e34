//! `RUN`: a command whose changes become a layer.

mod advice;
mod agent;
mod mounts;
mod output;
mod prepared;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notes_dockerfile::{Network, Run, RunCommand};
use notes_sandbox::{self as sandbox, Cancel, Exit, RunError, Sandbox};

use super::{Problem, owner, state::State};
use crate::{
    compress::Compression,
    overlay::Layers,
    pack::{Packed, Packer},
    plan::Arguments,
    report::{Reporter, StepName},
    snapshot,
    store::Store,
};

use output::Lines;

pub(super) use mounts::{CacheRequest, From, Request, requests};
pub(super) use prepared::{Filled, Prepared, bind, cache, cache_mount, copied, secret, ssh, tmpfs};

/// What a `RUN` runs, apart from its files.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub(super) argv: Vec<String>,
    /// A script that is its own program: the file it is seen as, and its text.
    pub(super) script: Option<(String, String)>,
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: String,
    /// `USER` as written.
    pub(super) user: String,
    pub(super) network: sandbox::Network,
    /// The host name that the caller chose.
    pub(super) host_name: Option<String>,
}

impl Invocation {
    /// Returns what `run` means in this state.
    pub(super) fn new(state: &State, run: &Run, arguments: &Arguments) -> Self {
        let mut script = None;
        let mut argv = state.shell();
        match &run.command {
            RunCommand::Shell(text) => argv.push(text.clone()),
            RunCommand::Exec(words) => argv.clone_from(words),
            RunCommand::Script(heredoc) if heredoc.interpreter().is_some() => {
                // Where BuildKit mounts it; a program may look at its own name.
                let path = format!("/dev/pipes/{}", heredoc.name);
                argv = vec![path.clone()];
                script = Some((path, heredoc.body.clone()));
            }
            RunCommand::Script(heredoc) => argv.push(heredoc.body.clone()),
        }
        let mut env = state.scope.variables();
        for (name, value) in arguments.proxies() {
            if !env.iter().any(|(known, _)| *known == name) {
                env.push((name, value));
            }
        }
        let network = match run.network.as_ref().map(|network| network.value) {
            Some(Network::None) => sandbox::Network::None,
            _ => sandbox::Network::Host,
        };
        Self {
            argv,
            script,
            env,
            directory: state.directory().into(),
            user: state.config.config.user.clone(),
            network,
            host_name: arguments.host_name().map(str::to_owned),
        }
    }
}

/// Everything that a run needs, with its files in place.
pub(super) struct Work {
    pub(super) invocation: Invocation,
    /// The unpacked layers below, bottom first.
    pub(super) lowers: Vec<PathBuf>,
    /// Where a rung without mounts keeps its copies of them.
    pub(super) keep: Option<PathBuf>,
    pub(super) mounts: Vec<Prepared>,
    pub(super) time: i64,
    pub(super) timeout: Option<Duration>,
    pub(super) compression: Compression,
    pub(super) store: Store,
    pub(super) sandbox: Sandbox,
    pub(super) cancel: Cancel,
    pub(super) reporter: Arc<dyn Reporter>,
    pub(super) name: StepName,
}

/// Runs the command and packs what it changed. Blocks.
pub(super) fn run(work: &Work) -> Result<Option<Packed>, Problem> {
    let scratch = work.store.draft_directory()?;
    let files = Layers::new(work.lowers.iter().cloned());
    let user = owner::user(&files, &work.invocation.user)?;
    let mut mounts: Vec<_> = work.mounts.iter().filter_map(Prepared::mount).collect();
    if let Some((target, text)) = &work.invocation.script {
        mounts.push(script(&scratch.scratch("script"), target, text)?);
    }
    let mut env = work.invocation.env.clone();
    let mut default = |name: &str, value: &str| {
        if !env.iter().any(|(known, _)| known == name) {
            env.push((name.into(), value.into()));
        }
    };
    default("HOME", &user.home);
    // Tools that write times into files take this one (<https://reproducible-builds.org/specs/source-date-epoch/>).
    default("SOURCE_DATE_EPOCH", &work.time.to_string());
    for (name, value) in work.mounts.iter().filter_map(Prepared::variable) {
        env.retain(|(known, _)| *known != name);
        env.push((name, value));
    }
    let root = sandbox::Root {
        keep: work.keep.clone(),
        ..sandbox::Root::new(work.lowers.clone(), scratch.files(), scratch.work())
    };
    let command = sandbox::Command {
        env,
        directory: work.invocation.directory.clone().into(),
        user: sandbox::User { uid: user.uid, gid: user.gid, groups: user.groups },
        mounts,
        network: work.invocation.network,
        timeout: work.timeout,
        ..sandbox::Command::new(root, work.invocation.argv.clone())
    };
    let command = match &work.invocation.host_name {
        Some(hostname) => sandbox::Command { hostname: hostname.clone(), ..command },
        None => command,
    };
    let mut lines = Lines::new(&*work.reporter, &work.name);
    let ended = work.sandbox.run(&command, &mut lines, &work.cancel);
    let output = lines.finish();
    match ended {
        Ok(Exit::Code(0)) => {}
        Ok(exit) => {
            let (uid, network) = (user.uid, work.invocation.network);
            // What cannot be read of the image is no reason to hide that the command failed.
            let manager = advice::Manager::of(&files).unwrap_or_default();
            let failure = advice::Failure { exit, output: &output, uid, network, manager };
            return Err(Problem::Failed { exit, advice: advice::advice(&failure), output });
        }
        Err(RunError::TimedOut { after, .. }) => return Err(Problem::TimedOut { after, output }),
        Err(source) => return Err(Problem::Run { source }),
    }
    let mut packer = Packer::new(&work.store, work.compression)?;
    snapshot::snapshot(&scratch.files(), &work.lowers, work.time, &mut packer)?;
    let layer = packer.finish()?;
    if let Some(layer) = &layer {
        work.store.adopt(scratch, &layer.diff_id)?;
    }
    Ok(layer)
}

/// Writes a script and returns the mount that shows it.
fn script(path: &Path, target: &str, text: &str) -> io::Result<sandbox::Mount> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(sandbox::Mount::Bind {
        source: path.into(),
        target: target.into(),
        access: sandbox::Access::ReadOnly,
    })
}
