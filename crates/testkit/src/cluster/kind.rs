//! kind: Kubernetes in docker containers, where docker runs and the node image is there.

mod relay;

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{ClusterError, local_node::hosts_toml, run};
use crate::process;

/// The cluster's name, which nobody else's cluster has: it is deleted by it. Its one node's container is
/// `NAME-control-plane`.
const NAME: &str = "notes-dev";
/// The network that kind puts its nodes on.
const NETWORK: &str = "kind";
/// The repository of node images. Whichever of them is there already is used; none is pulled.
const NODE_IMAGE: &str = "kindest/node";

/// Nodes of kind older than 0.27 look for mirrors only where they are told to (kind docs, "Local Registry").
const CONFIG: &str = r#"kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
containerdConfigPatches:
- |-
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"#;

/// kind with a node image that is there.
#[derive(Clone, Debug)]
pub struct Kind {
    image: String,
    directory: PathBuf,
}

/// What there is of the node's container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Absent,
    Stopped,
    Running,
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
        let images =
            docker(&["image", "ls", "--digests", "--format", "{{.Tag}} {{.Digest}}", NODE_IMAGE])
                .ok_or("docker does not answer")?;
        let image = node_image(&images).ok_or(format!("there is no image of {NODE_IMAGE}"))?;
        Ok(Self { image, directory: cache.join("kind") })
    }

    pub(super) fn start(&self, say: &mut dyn FnMut(&str)) -> Result<PathBuf, ClusterError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ClusterError::Io { path, source }
        };
        fs::create_dir_all(&self.directory).map_err(io(&self.directory))?;
        fs::write(self.config(), CONFIG).map_err(io(&self.config()))?;
        match Node::find() {
            // The cache may have been removed since.
            Node::Running => run(&mut self.kind(&["export", "kubeconfig"]), say)?,
            found => {
                if found == Node::Stopped {
                    // kind neither starts one again nor creates another of the same name.
                    self.stop(say)?;
                }
                say(&format!("creating a kind cluster from {}", self.image));
                run(&mut self.create(), say)?;
            }
        }
        Ok(self.kubeconfig())
    }

    pub(super) fn stop(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        run(&mut self.kind(&["delete", "cluster"]), say)
    }

    pub(super) fn status(say: &mut dyn FnMut(&str)) -> bool {
        let up = Node::find() == Node::Running;
        say(&format!("kind cluster `{NAME}` is {}", if up { "up" } else { "down" }));
        up
    }

    /// Posts an object as the cluster's administrator, from inside the node, which has kubectl.
    pub(super) fn create_object(path: &str, object: &str) -> Result<(), ClusterError> {
        let script = r#"printf %s "$1" | kubectl --kubeconfig /etc/kubernetes/admin.conf create --raw "$0" -f -"#;
        run(&mut on_node(script, [path, object]), &mut |_| {})
    }

    /// Tells the node's containerd. This machine's loopback is not the node's: a registry there is relayed, as long as this
    /// process lives, from the address that this machine has on the network of the nodes.
    pub(super) fn mirror(host: &str, registry: SocketAddr) -> Result<(), ClusterError> {
        let reachable = if registry.ip().is_loopback() {
            let listen = address_of_this_machine()?;
            relay::start(listen, registry).map_err(|source| ClusterError::Relay {
                registry,
                listen,
                source,
            })?
        } else {
            registry
        };
        let directory = format!("/etc/containerd/certs.d/{host}");
        let content = hosts_toml(&reachable.to_string());
        let script = r#"mkdir -p "$0" && printf %s "$1" > "$0/hosts.toml""#;
        run(&mut on_node(script, [&directory, &content]), &mut |_| {})
    }

    fn create(&self) -> Command {
        let mut create = self.kind(&["create", "cluster", "--image", &self.image]);
        create.args(["--wait", "120s", "--config"]).arg(self.config());
        create
    }

    fn kind(&self, verb: &[&str]) -> Command {
        let mut command = Command::new("kind");
        command.args(verb).args(["--name", NAME, "--kubeconfig"]).arg(self.kubeconfig());
        // Docker and its usual network, whatever a person tries out elsewhere.
        command.env_remove("KIND_EXPERIMENTAL_PROVIDER");
        command.env_remove("KIND_EXPERIMENTAL_DOCKER_NETWORK");
        command
    }

    fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    fn config(&self) -> PathBuf {
        self.directory.join("cluster.yaml")
    }
}

impl Node {
    fn find() -> Self {
        let format = ["--type", "container", "--format", "{{.State.Running}}"];
        let state = docker(&[&["inspect"], &format[..], &[&node()]].concat());
        match state.as_deref().map(str::trim) {
            None => Self::Absent,
            Some("true") => Self::Running,
            Some(_) => Self::Stopped,
        }
    }
}

fn node() -> String {
    format!("{NAME}-control-plane")
}

/// The first image among lines of tag and digest. kind pulls its own by tag and digest, and docker then keeps no tag.
fn node_image(listed: &str) -> Option<String> {
    listed.lines().find_map(|line| match line.split_once(' ')? {
        ("<none>", "<none>") => None,
        ("<none>", digest) => Some(format!("{NODE_IMAGE}@{digest}")),
        (tag, _) => Some(format!("{NODE_IMAGE}:{tag}")),
    })
}

/// The address of this machine on the network of the nodes: their gateway.
fn address_of_this_machine() -> Result<IpAddr, ClusterError> {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{NETWORK}\").Gateway}}}}");
    let gateway = docker(&["inspect", "--type", "container", "--format", &format, &node()]);
    gateway.and_then(|address| address.trim().parse().ok()).ok_or_else(|| {
        let reason = format!("the node of `{NAME}` is not on docker's network `{NETWORK}`");
        ClusterError::NoProvider { reasons: vec![reason] }
    })
}

/// A shell script with two words, run on the node.
fn on_node(script: &str, words: [&str; 2]) -> Command {
    let mut command = Command::new("docker");
    command.args(["exec", &node(), "sh", "-c", script]).args(words);
    command
}

/// Returns what docker prints, or nothing where it fails.
fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_image_has_a_tag_or_a_digest() {
        let digest = "sha256:4111e588dab89cc3e2e3e90af270dbc30d3a1fa17092c70d4319484c14044b2d";
        let by_digest = format!("kindest/node@{digest}");
        assert_eq!(node_image(&format!("<none> {digest}\nv1 <none>\n")), Some(by_digest));
        assert_eq!(node_image("v1.35.0 <none>\n").as_deref(), Some("kindest/node:v1.35.0"));
        assert_eq!(node_image("<none> <none>\n"), None);
        assert_eq!(node_image(""), None);
    }

    /// Docker as far as kind asks it before it runs a node, which fails.
    const DOCKER: &str = r#"#!/bin/sh
echo "$*" >> "$0.log"
case "$1 $2 $*" in
"-v "*) echo "Docker version 28.0.0, build 0" ;;
"info "*) echo '{"CgroupVersion":"2","SecurityOptions":[]}' ;;
"network ls "*) echo network ;;
"network inspect "*IPAM*) echo 172.18.0.0/16 ;;
"network inspect "*) echo '[{"Id":"network","Containers":{}}]' ;;
"run "*) exit 1 ;;
esac
"#;

    #[test]
    fn the_kind_cli_takes_our_cluster() {
        if process::find("kind").is_none() {
            let test = "the_kind_cli_takes_our_cluster";
            return crate::skip(test, "the kind CLI is not installed");
        }
        let directory = tempfile::tempdir().unwrap();
        let docker = directory.path().join("docker");
        fs::write(&docker, DOCKER).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        let image = format!("{NODE_IMAGE}:v1.35.0");
        let kind = Kind { image: image.clone(), directory: directory.path().into() };
        fs::write(kind.config(), CONFIG).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = kind
            .create()
            .env("PATH", format!("{}:{path}", directory.path().display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let asked = fs::read_to_string(directory.path().join("docker.log")).unwrap_or_default();
        let ran = asked.lines().find(|line| line.starts_with("run "));
        let ran = ran.unwrap_or_else(|| panic!("kind got as far as\n{asked}and said\n{said}"));
        assert!(ran.contains(&format!("--name {} ", node())), "{ran}");
        assert!(ran.contains(&format!("--net {NETWORK} ")), "{ran}");
        assert!(ran.ends_with(&image), "{ran}");
        assert!(!asked.contains("pull"), "{asked}");
    }
}
