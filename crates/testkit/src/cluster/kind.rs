//! kind: Kubernetes in docker containers, where docker runs and the node image is there.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{ClusterError, local_node::hosts_toml, run};
use crate::process;

/// The cluster's name; its one node's container is `NAME-control-plane`.
const NAME: &str = "notes";
/// The repository of node images. Whichever of its tags is there already is used; none is pulled.
const NODE_IMAGE: &str = "kindest/node";

/// kind with a node image that is there.
#[derive(Clone, Debug)]
pub struct Kind {
    image: String,
    kubeconfig: PathBuf,
}

impl Kind {
    /// Returns kind where docker answers, the `kind` CLI is installed and a node image is there.
    ///
    /// # Errors
    ///
    /// The reason why it cannot be used.
    pub fn detect(cache: &Path) -> Result<Self, String> {
        if process::find("docker").is_none() {
            return Err("docker is not installed".into());
        }
        if process::find("kind").is_none() {
            return Err("the kind CLI is not installed".into());
        }
        let images = docker(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", NODE_IMAGE])
            .ok_or("docker does not answer")?;
        let image = images.lines().find(|line| !line.ends_with(":<none>"));
        let image = image.ok_or(format!("there is no image of {NODE_IMAGE}"))?.to_owned();
        Ok(Self { image, kubeconfig: cache.join("kind").join("kubeconfig") })
    }

    pub(super) fn start(&self, say: &mut dyn FnMut(&str)) -> Result<PathBuf, ClusterError> {
        let directory = self.kubeconfig.parent().expect("it lies in a directory of its own");
        fs::create_dir_all(directory)
            .map_err(|source| ClusterError::Io { path: directory.into(), source })?;
        if !self.is_up() {
            say(&format!("creating a kind cluster from {}", self.image));
            run(self.kind("create").args(["--image", &self.image, "--wait", "120s"]), say)?;
        }
        Ok(self.kubeconfig.clone())
    }

    pub(super) fn stop(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        run(&mut self.kind("delete"), say)
    }

    pub(super) fn status(&self, say: &mut dyn FnMut(&str)) -> bool {
        let up = self.is_up();
        say(&format!("kind cluster `{NAME}` is {}", if up { "up" } else { "down" }));
        up
    }

    /// Tells the node's containerd; this machine's loopback is, from inside the node, the gateway of its network.
    pub(super) fn mirror(host: &str, registry: SocketAddr) -> Result<(), ClusterError> {
        let gateway = docker(&[
            "inspect",
            "--format",
            "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}",
            &node(),
        ]);
        let gateway = gateway.unwrap_or_default();
        let content = hosts_toml(&format!("{}:{}", gateway.trim(), registry.port()));
        let directory = format!("/etc/containerd/certs.d/{host}");
        let script = r#"mkdir -p "$0" && printf %s "$1" > "$0/hosts.toml""#;
        let mut command = Command::new("docker");
        command.args(["exec", &node(), "sh", "-c", script, &directory, &content]);
        run(&mut command, &mut |_| {})
    }

    fn kind(&self, verb: &str) -> Command {
        let mut command = Command::new("kind");
        command.args([verb, "cluster", "--name", NAME, "--kubeconfig"]).arg(&self.kubeconfig);
        command
    }

    fn is_up(&self) -> bool {
        let state = docker(&["inspect", "--format", "{{.State.Running}}", &node()]);
        self.kubeconfig.exists() && state.is_some_and(|state| state.trim() == "true")
    }
}

fn node() -> String {
    format!("{NAME}-control-plane")
}

/// Returns what docker prints, or nothing where it fails.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
