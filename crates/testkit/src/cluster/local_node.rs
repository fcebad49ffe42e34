//! The local node: Kubernetes as plain processes of this machine, by the scripts in `localnode/`.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use super::{Binaries, ClusterError, Package, install_missing, run};
use crate::process;

/// What the node is made of, beside what is built from Go modules.
const PACKAGES: [Package; 9] = [
    Package { name: "containerd", shown_by: "containerd" },
    Package { name: "runc", shown_by: "runc" },
    Package { name: "containernetworking-plugins", shown_by: "/usr/lib/cni/bridge" },
    Package { name: "iptables", shown_by: "iptables" },
    Package { name: "iproute2", shown_by: "ip" },
    Package { name: "util-linux", shown_by: "nsenter" },
    Package { name: "procps", shown_by: "sysctl" },
    Package { name: "openssl", shown_by: "openssl" },
    Package { name: "curl", shown_by: "curl" },
];

/// A single node under a directory of the cache.
#[derive(Clone, Debug)]
pub struct LocalNode {
    directory: PathBuf,
    binaries: Binaries,
}

impl LocalNode {
    /// Returns the node of this cache directory, up or down.
    pub fn at(cache: &Path) -> Self {
        Self { directory: cache.join("local-node"), binaries: Binaries::at(cache) }
    }

    /// Returns the node where this machine can run one.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    pub fn detect(cache: &Path) -> Result<Self, String> {
        if !process::is_root() {
            return Err("needs root".into());
        }
        let node = Self::at(cache);
        if !node.binaries.are_built() && process::find("go").is_none() {
            return Err("needs Go to build Kubernetes once".into());
        }
        Ok(node)
    }

    /// The programs it runs.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The kubeconfig of its administrator, there while it is up.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.join("kubeconfig")
    }

    /// True where its processes run.
    pub fn is_up(&self) -> bool {
        self.kubeconfig().exists() && self.status(&mut |_| {}).unwrap_or(false)
    }

    pub(super) fn start(&self, say: &mut dyn FnMut(&str)) -> Result<PathBuf, ClusterError> {
        install_missing(&PACKAGES, "the local Kubernetes node", say)?;
        self.binaries.build(say)?;
        run(&mut self.script("up"), say)?;
        Ok(self.kubeconfig())
    }

    pub(super) fn stop(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        run(&mut self.script("down"), say)
    }

    /// Ends one of its processes and starts it again.
    pub(super) fn restart(
        &self,
        process: &str,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), ClusterError> {
        run(self.script("restart").args([process, "2"]), say)
    }

    pub(super) fn status(&self, say: &mut dyn FnMut(&str)) -> Result<bool, ClusterError> {
        match run(&mut self.script("status"), say) {
            Err(ClusterError::Failed { .. }) => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Writes the mirror where containerd looks at each pull.
    pub(super) fn mirror(&self, host: &str, registry: SocketAddr) -> Result<(), ClusterError> {
        let directory = self.directory.join("containerd/certs.d").join(host);
        let file = directory.join("hosts.toml");
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(&file, hosts_toml(&registry.to_string())))
            .map_err(|source| ClusterError::Io { path: file, source })
    }

    /// The address of the bridge that pods are on, from the settings that `up` keeps.
    pub(super) fn address(&self) -> Result<IpAddr, ClusterError> {
        let path = self.directory.join("settings");
        fs::read_to_string(&path)
            .and_then(|settings| {
                let value = settings.lines().find_map(|line| line.strip_prefix("NODE_IP="));
                value.unwrap_or_default().parse().map_err(io::Error::other)
            })
            .map_err(|source| ClusterError::Io { path, source })
    }

    /// Posts an object as the cluster's administrator.
    pub(super) fn create(&self, path: &str, object: &str) -> Result<(), ClusterError> {
        let pki = self.directory.join("pki");
        let address = fs::read_to_string(self.kubeconfig())
            .map_err(|source| ClusterError::Io { path: self.kubeconfig(), source })?;
        let address =
            address.split('"').find(|word| word.starts_with("https://")).unwrap_or_default();
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--output", "/dev/null"])
            .arg("--cacert")
            .arg(pki.join("ca.crt"))
            .arg("--cert")
            .arg(pki.join("admin.crt"))
            .arg("--key")
            .arg(pki.join("admin.key"))
            .args(["--header", "Content-Type: application/json", "--data", object])
            .arg(format!("{address}{path}"));
        run(&mut curl, &mut |_| {})
    }

    fn script(&self, name: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("localnode");
        let mut command = Command::new(scripts.join(name));
        command
            .env("NODE_DIR", &self.directory)
            .env("K8S_BIN", &self.binaries.kubernetes)
            .env("ETCD_BIN", &self.binaries.etcd);
        command
    }
}

/// containerd's file for one registry host: pull from `registry` in plain HTTP first, then from the host itself.
pub(super) fn hosts_toml(registry: &str) -> String {
    format!("[host.\"http://{registry}\"]\n  capabilities = [\"pull\", \"resolve\"]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_file_of_containerd() {
        let cache = tempfile::tempdir().unwrap();
        let node = LocalNode::at(cache.path());
        node.mirror("docker.io", SocketAddr::from(([127, 0, 0, 1], 5000))).unwrap();
        let file = cache.path().join("local-node/containerd/certs.d/docker.io/hosts.toml");
        insta::assert_snapshot!(fs::read_to_string(file).unwrap(), @r#"
        [host."http://127.0.0.1:5000"]
          capabilities = ["pull", "resolve"]
        "#);
    }

    #[test]
    fn a_node_that_was_never_started_is_down() {
        let cache = tempfile::tempdir().unwrap();
        assert!(!LocalNode::at(cache.path()).is_up());
    }
}
