//! Which words of an instruction a build expands.

use super::{CopySource, Instruction, KeyValue, MountKind};
use crate::Word;

impl Instruction {
    /// Returns every word that is expanded, in the order of the text's meaning.
    ///
    /// `RUN`, `CMD`, `ENTRYPOINT`, `HEALTHCHECK` and `SHELL` leave their text to the shell, and `ONBUILD` to the build in
    /// which it fires: of these only the mounts of `RUN` are here. Bodies of heredocs are not words:
    /// [`Heredoc::expand`](crate::Heredoc::expand).
    pub fn words(&self) -> Vec<&Word> {
        match self {
            Self::Add(add) => {
                let flags = [&add.chown, &add.chmod, &add.checksum];
                sources(&add.sources, flags, &add.destination)
            }
            Self::Copy(copy) => {
                sources(&copy.sources, [&copy.chown, &copy.chmod, &None], &copy.destination)
            }
            Self::Arg(arg) => {
                let declared = arg.declarations.iter();
                declared.flat_map(|arg| [Some(&arg.name), arg.default.as_ref()]).flatten().collect()
            }
            Self::Env(env) => pairs(&env.pairs),
            Self::Label(label) => pairs(&label.pairs),
            Self::Expose(expose) => expose.ports.iter().collect(),
            Self::Run(run) => run.mounts.iter().flat_map(|mount| mount.kind.words()).collect(),
            Self::Stopsignal(stopsignal) => vec![&stopsignal.signal],
            Self::User(user) => vec![&user.user],
            Self::Volume(volume) => volume.paths.iter().collect(),
            Self::Workdir(workdir) => vec![&workdir.path],
            Self::Cmd(_)
            | Self::Entrypoint(_)
            | Self::Healthcheck(_)
            | Self::Maintainer(_)
            | Self::Onbuild(_)
            | Self::Shell(_) => Vec::new(),
        }
    }
}

impl MountKind {
    /// Returns every word that is expanded.
    pub fn words(&self) -> Vec<&Word> {
        let optional: Vec<&Option<Word>> = match self {
            Self::Bind(bind) => {
                return Some(&bind.target).into_iter().chain(&bind.source).collect();
            }
            Self::Tmpfs(tmpfs) => {
                return Some(&tmpfs.target).into_iter().chain(&tmpfs.size).collect();
            }
            Self::Cache(cache) => {
                let optional = [&cache.id, &cache.source, &cache.mode, &cache.uid, &cache.gid];
                let optional = optional.into_iter().flatten();
                return Some(&cache.target).into_iter().chain(optional).collect();
            }
            Self::Secret(secret) => {
                vec![
                    &secret.id,
                    &secret.target,
                    &secret.env,
                    &secret.mode,
                    &secret.uid,
                    &secret.gid,
                ]
            }
            Self::Ssh(ssh) => vec![&ssh.id, &ssh.target, &ssh.mode, &ssh.uid, &ssh.gid],
        };
        optional.into_iter().flatten().collect()
    }
}

fn pairs(pairs: &[KeyValue]) -> Vec<&Word> {
    pairs.iter().flat_map(|pair| [&pair.key, &pair.value]).collect()
}

fn sources<'a>(
    sources: &'a [CopySource],
    flags: [&'a Option<Word>; 3],
    destination: &'a Word,
) -> Vec<&'a Word> {
    let paths = sources.iter().filter_map(|source| match source {
        CopySource::Path(word) => Some(word),
        CopySource::Heredoc(_) => None,
    });
    flags.into_iter().flatten().chain(paths).chain([destination]).collect()
}
