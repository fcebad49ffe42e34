//! Kubernetes and etcd, built once from their Go modules.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use super::{ClusterError, run};
use crate::{cache, process};

/// The version of Kubernetes that the local node runs; `kubernetes/go.mod` requires it.
pub const KUBERNETES_VERSION: &str = "1.35.4";
/// The version of etcd; `etcd/go.mod` requires it.
const ETCD_VERSION: &str = "3.6.16";

/// One program: its name, its Go package, and how long it takes on two cores, so that nobody wonders.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) takes: &'static str,
}

/// The API server first: it takes longest and brings most of what the others are made of.
const KUBERNETES: [Program; 6] = [
    Program {
        name: "kube-apiserver",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        takes: "5 minutes on two cores",
    },
    Program {
        name: "kube-controller-manager",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        takes: "70 s",
    },
    Program {
        name: "kube-scheduler",
        package: "k8s.io/kubernetes/cmd/kube-scheduler",
        takes: "10 s",
    },
    Program { name: "kubelet", package: "k8s.io/kubernetes/cmd/kubelet", takes: "20 s" },
    Program { name: "kube-proxy", package: "k8s.io/kubernetes/cmd/kube-proxy", takes: "15 s" },
    // Not for the node: tests hold that it gets on with what we write.
    Program { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl", takes: "30 s" },
];
const ETCD: [Program; 1] =
    [Program { name: "etcd", package: "go.etcd.io/etcd/server/v3", takes: "60 s" }];

/// The directories that hold the binaries, one a version.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// Where `kube-apiserver` and the others are.
    pub kubernetes: PathBuf,
    /// The `etcd` program.
    pub etcd: PathBuf,
}

impl Binaries {
    /// Returns where the binaries are, or will be, under the cache directory.
    pub fn at(cache: &Path) -> Self {
        Self {
            kubernetes: cache.join("kubernetes").join(KUBERNETES_VERSION),
            etcd: cache.join("etcd").join(ETCD_VERSION).join("etcd"),
        }
    }

    /// True where every program is there.
    pub fn are_built(&self) -> bool {
        self.etcd.exists()
            && KUBERNETES.iter().all(|program| self.kubernetes.join(program.name).exists())
    }

    /// Builds what is missing, at low priority; a second caller waits for the first.
    ///
    /// # Errors
    ///
    /// Where Go is missing or fails; its words came to `say`.
    pub fn build(&self, say: &mut dyn FnMut(&str)) -> Result<(), ClusterError> {
        if self.are_built() {
            return Ok(());
        }
        let module = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (major, minor) = version_parts();
        let version = "k8s.io/component-base/version";
        // A binary without a version is refused by clients that compare it.
        let flags = format!(
            "-s -w -X {version}.gitVersion=v{KUBERNETES_VERSION} -X {version}.gitMajor={major} \
             -X {version}.gitMinor={minor} -X {version}.gitTreeState=clean \
             -X k8s.io/client-go/pkg/version.gitVersion=v{KUBERNETES_VERSION}"
        );
        build_missing(&ETCD, ETCD_VERSION, self.etcd.parent(), &module.join("etcd"), "-s -w", say)?;
        let into = Some(self.kubernetes.as_path());
        build_missing(
            &KUBERNETES,
            KUBERNETES_VERSION,
            into,
            &module.join("kubernetes"),
            &flags,
            say,
        )
    }
}

/// Returns kubectl: the one that belongs to the local node, or the machine's.
///
/// # Errors
///
/// Where there is none.
pub fn kubectl() -> Result<PathBuf, String> {
    let built = Binaries::at(&cache::directory()).kubernetes.join("kubectl");
    let found = built.exists().then_some(built).or_else(|| process::find("kubectl"));
    found.ok_or_else(|| "there is no kubectl; `cargo xtask cluster up` builds it".into())
}

fn version_parts() -> (&'static str, &'static str) {
    let mut parts = KUBERNETES_VERSION.split('.');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Builds those of `programs` that are not in `directory`, at low priority; a second caller waits for the first.
pub(crate) fn build_missing(
    programs: &[Program],
    version: &str,
    directory: Option<&Path>,
    module: &Path,
    flags: &str,
    say: &mut dyn FnMut(&str),
) -> Result<(), ClusterError> {
    let directory = directory.expect("a program lies in a directory of its version");
    let io = |path: &Path, source| ClusterError::Io { path: path.into(), source };
    fs::create_dir_all(directory).map_err(|source| io(directory, source))?;
    let lock_path = directory.join(".lock");
    let lock = fs::File::create(&lock_path).map_err(|source| io(&lock_path, source))?;
    lock.lock().map_err(|source| io(&lock_path, source))?;
    for program in programs {
        let path = directory.join(program.name);
        if path.exists() {
            continue;
        }
        let Program { name, package, takes } = program;
        say(&format!("building {name} {version} from its Go module (about {takes})"));
        let started = Instant::now();
        let new = directory.join(format!(".{name}.new"));
        // Behind everything else: a person waits for the image first.
        let mut go = Command::new("nice");
        go.args(["-n", "19"]);
        go.arg(process::find("go").unwrap_or_else(|| "go".into()))
            .arg("build")
            .arg("-C")
            .arg(module)
            .args(["-mod=readonly", "-trimpath", "-ldflags", flags, "-o"])
            .arg(&new)
            .arg(package)
            .env("CGO_ENABLED", "0")
            .env_remove("GOFLAGS");
        // A hundred lines that say nothing new.
        run(&mut go, &mut |line| {
            if !line.starts_with("go: downloading ") {
                say(line);
            }
        })?;
        fs::rename(&new, &path).map_err(|source| io(&path, source))?;
        say(&format!("built {name} in {:.0} s", started.elapsed().as_secs_f32()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_require_the_versions_that_are_named_here() {
        let module = Path::new(env!("CARGO_MANIFEST_DIR"));
        let kubernetes = fs::read_to_string(module.join("kubernetes/go.mod")).unwrap();
        assert!(kubernetes.contains(&format!("k8s.io/kubernetes v{KUBERNETES_VERSION}\n")));
        let etcd = fs::read_to_string(module.join("etcd/go.mod")).unwrap();
        assert!(etcd.contains(&format!("go.etcd.io/etcd/server/v3 v{ETCD_VERSION}")));
    }

    #[test]
    fn nothing_is_built_where_everything_is_there() {
        let cache = tempfile::tempdir().unwrap();
        let binaries = Binaries::at(cache.path());
        assert!(!binaries.are_built());
        fs::create_dir_all(&binaries.kubernetes).unwrap();
        fs::create_dir_all(binaries.etcd.parent().unwrap()).unwrap();
        for program in &KUBERNETES {
            fs::write(binaries.kubernetes.join(program.name), "").unwrap();
        }
        fs::write(&binaries.etcd, "").unwrap();
        assert!(binaries.are_built());
        binaries.build(&mut |line| panic!("said {line}")).unwrap();
    }
}
