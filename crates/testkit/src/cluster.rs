//! Clusters for tests: the first provider that is there.
//!
//! 1. A kubeconfig that was given (`NOTES_TEST_KUBECONFIG`).
//! 2. kind, where docker runs and kind's node image is there already.
//! 3. The local node: real Kubernetes as plain processes of this machine, which needs root but neither docker nor any image.
//!
//! A test takes what runs already, with [`Cluster::running`]; `cargo xtask test` and `cargo xtask cluster up` start it, so
//! that no test changes a machine that it was not asked to change.

mod binaries;
mod kind;
mod local_node;
mod packages;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use crate::process;

pub use binaries::{Binaries, KUBERNETES_VERSION, kubectl};
pub(crate) use binaries::{Program, build_missing};
pub use kind::Kind;
pub use local_node::LocalNode;
pub use packages::{Package, install_missing};

/// The variable that names the kubeconfig of a cluster to test on.
pub const KUBECONFIG_VARIABLE: &str = "NOTES_TEST_KUBECONFIG";

/// Where a cluster comes from.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Somebody else runs it; this is its kubeconfig.
    Given(PathBuf),
    /// A cluster in docker containers.
    Kind(Kind),
    /// Processes of this machine.
    LocalNode(LocalNode),
}

/// A cluster that runs.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The path of its kubeconfig.
    pub kubeconfig: PathBuf,
    /// What runs it.
    pub provider: Provider,
}

/// The error returned when a cluster could not be started, changed or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No provider works on this machine.
    #[error("no cluster can be had here: {}", reasons.join("; "))]
    NoProvider {
        /// Why not, one sentence a provider.
        reasons: Vec<String>,
    },
    /// A program that is needed could not be run.
    #[error("failed to run `{program}`")]
    Run {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A program ended with a failure; what it said came to the listener.
    #[error("`{program}` failed with {status}")]
    Failed {
        /// The program and its arguments.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A registry of this machine's loopback could not be made reachable for the nodes.
    #[error(
        "failed to relay the registry {registry} from {listen}, where the nodes reach this machine"
    )]
    Relay {
        /// The registry.
        registry: SocketAddr,
        /// This machine's address on the network of the nodes.
        listen: IpAddr,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be read or written.
    #[error("failed to access `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Provider {
    /// Returns the first provider that is there; `cache` is where the local node keeps binaries and state.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoProvider`] with a reason for each.
    pub fn detect(given: Option<PathBuf>, cache: &Path) -> Result<Self, ClusterError> {
        if let Some(kubeconfig) = given {
            return Ok(Self::Given(kubeconfig));
        }
        let kind = match Kind::detect(cache) {
            Ok(kind) => return Ok(Self::Kind(kind)),
            Err(reason) => reason,
        };
        let local = match LocalNode::detect(cache) {
            Ok(node) => return Ok(Self::LocalNode(node)),
            Err(reason) => reason,
        };
        let reasons = vec![
            format!("{KUBECONFIG_VARIABLE} is not set"),
            format!("kind: {kind}"),
            format!("local node: {local}"),
        ];
        Err(ClusterError::NoProvider { reasons })
    }

    /// Starts the cluster, or finds that it runs. What takes long is announced to `say`.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from running; what was started before the failure is stopped by [`Provider::stop`].
    pub fn start(self, say: &mut dyn FnMut(&str)) -> Result<Cluster, ClusterError> {
        let kubeconfig = match &self {
            Self::Given(kubeconfig) => kubeconfig.clone(),
            Self::Kind(kind) => kind.start(say)?,
            Self::LocalNode(node) => node.start(say)?,
        };
        Ok(Cluster { kubeconfig, provider: self })
    }

    /// Stops what [`Provider::start`] started; a cluster that was given stays.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from stopping.
    pub fn stop(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        match self {
            Self::Given(_) => Ok(()),
            Self::Kind(kind) => kind.stop(say),
            Self::LocalNode(node) => node.stop(say),
        }
    }

    /// Says what runs; false where it is down.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being asked.
    pub fn status(&self, say: &mut dyn FnMut(&str)) -> Result<bool, ClusterError> {
        match self {
            Self::Given(kubeconfig) => {
                say(&format!("given: {}", kubeconfig.display()));
                Ok(true)
            }
            Self::Kind(_) => Ok(Kind::status(say)),
            Self::LocalNode(node) => node.status(say),
        }
    }

    /// One word or two for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Given(_) => "given",
            Self::Kind(_) => "kind",
            Self::LocalNode(_) => "local node",
        }
    }
}

impl Cluster {
    /// Returns the cluster that runs already, from the environment of the test: the one that was given, or the local node
    /// where it is up.
    ///
    /// # Errors
    ///
    /// The sentence with which the test is skipped.
    pub fn running() -> Result<Self, String> {
        if let Some(kubeconfig) = std::env::var_os(KUBECONFIG_VARIABLE) {
            let kubeconfig = PathBuf::from(kubeconfig);
            return Ok(Self { provider: Provider::Given(kubeconfig.clone()), kubeconfig });
        }
        let node = LocalNode::at(&crate::cache::directory());
        let kubeconfig = node.kubeconfig();
        if node.is_up() {
            return Ok(Self { kubeconfig, provider: Provider::LocalNode(node) });
        }
        Err(format!("no cluster runs: `cargo xtask cluster up`, or set {KUBECONFIG_VARIABLE}"))
    }

    /// Creates an object (JSON) at a path of the API, in a cluster of ours.
    ///
    /// # Errors
    ///
    /// Where it exists already or is refused, and [`ClusterError::NoProvider`] on a cluster that was given.
    pub fn create(&self, path: &str, object: &str) -> Result<(), ClusterError> {
        match &self.provider {
            Provider::LocalNode(node) => node.create(path, object),
            Provider::Kind(_) => Kind::create_object(path, object),
            Provider::Given(_) => {
                let reason = "nothing is created in a cluster that was given".to_owned();
                Err(ClusterError::NoProvider { reasons: vec![reason] })
            }
        }
    }

    /// Restarts the API server, which is down for some seconds: on the local node, also where that was given as a kubeconfig.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoProvider`] on other clusters, and whatever keeps it from coming back.
    pub fn restart_api_server(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        let local = LocalNode::at(&crate::cache::directory());
        if self.kubeconfig == local.kubeconfig() {
            return local.restart("apiserver", say);
        }
        let reason = "only the local node's API server can be restarted".to_owned();
        Err(ClusterError::NoProvider { reasons: vec![reason] })
    }

    /// Returns the address at which pods reach servers of this machine, where that is known: on the local node.
    ///
    /// # Errors
    ///
    /// Where the node does not say.
    pub fn address_of_this_machine(&self) -> Result<Option<IpAddr>, ClusterError> {
        match &self.provider {
            Provider::LocalNode(node) => node.address().map(Some),
            Provider::Given(_) | Provider::Kind(_) => Ok(None),
        }
    }

    /// Lets the nodes pull images of `host` (such as `docker.io`) from a plain-HTTP registry of this machine instead.
    ///
    /// # Errors
    ///
    /// Whatever keeps the nodes from being told. A cluster that was given is left as it is.
    pub fn mirror(&self, host: &str, registry: SocketAddr) -> Result<(), ClusterError> {
        match &self.provider {
            Provider::Given(_) => Ok(()),
            Provider::Kind(_) => Kind::mirror(host, registry),
            Provider::LocalNode(node) => node.mirror(host, registry),
        }
    }
}

/// Runs a command to its end, its words to `say`.
fn run(command: &mut Command, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = process::stream(command, say)
        .map_err(|source| ClusterError::Run { program: program.clone(), source })?;
    if status.success() { Ok(()) } else { Err(ClusterError::Failed { program, status }) }
}
