//! `cargo xtask cluster`: the cluster that tests run on, by hand.

use std::{error::Error, path::PathBuf, process::ExitCode};

use notes_testkit::{
    cache,
    cluster::{KUBECONFIG_VARIABLE, Provider},
};

use crate::{cli::Action, output};

/// Returns the first provider that is there.
pub(crate) fn provider() -> Result<Provider, notes_testkit::cluster::ClusterError> {
    Provider::detect(std::env::var_os(KUBECONFIG_VARIABLE).map(PathBuf::from), &cache::directory())
}

pub(crate) fn run(action: Action) -> Result<ExitCode, Box<dyn Error>> {
    let provider = provider()?;
    let mut say = |line: &str| output::say(line);
    match action {
        Action::Up => {
            let cluster = provider.start(&mut say)?;
            output::result(&cluster.kubeconfig.display().to_string());
        }
        Action::Down => provider.stop(&mut say)?,
        Action::Status if !provider.status(&mut say)? => return Ok(ExitCode::FAILURE),
        Action::Status => {}
    }
    Ok(ExitCode::SUCCESS)
}
