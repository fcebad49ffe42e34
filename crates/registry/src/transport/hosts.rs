//! Certificates that belong to one registry, where docker and podman keep them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::roots::{RootsError, add};
use crate::environment::Environment;

/// Directories with one directory per registry, called `HOST` or `HOST:PORT`.
///
/// In it, each `NAME.crt` is trusted for this registry, beside what is trusted everywhere, and `NAME.cert` with `NAME.key`
/// is what we show of ourselves (docker's "certs.d", containers-certs.d(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCertificates {
    /// The directories; the first that has one for a registry wins.
    pub directories: Vec<PathBuf>,
}

impl HostCertificates {
    /// Returns the directories of docker and of podman, those of the user first.
    pub fn from_environment(environment: &Environment) -> Self {
        let home = environment.value("HOME").map(Path::new);
        let own = [".config/docker/certs.d", ".config/containers/certs.d"];
        let own = home.into_iter().flat_map(|home| own.map(|it| home.join(it)));
        let system = ["/etc/docker/certs.d", "/etc/containers/certs.d"].map(PathBuf::from);
        Self { directories: own.chain(system).collect() }
    }

    /// Reads all there are, by host. A directory that is not there or that we may not read has none.
    pub(super) fn load(&self) -> Result<BTreeMap<String, HostFiles>, RootsError> {
        let mut hosts = BTreeMap::new();
        for directory in &self.directories {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let host = entry.file_name().to_string_lossy().into_owned();
                if !hosts.contains_key(&host) && entry.path().is_dir() {
                    hosts.insert(host, HostFiles::read(&entry.path())?);
                }
            }
        }
        Ok(hosts)
    }
}

/// What one registry's directory holds.
#[derive(Debug, Default)]
pub(super) struct HostFiles {
    authorities: Vec<PathBuf>,
    identity: Option<Identity>,
}

/// A certificate and its key.
#[derive(Debug)]
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
}

/// What is shown of ourselves in a handshake.
pub(super) type Shown = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl HostFiles {
    fn read(directory: &Path) -> Result<Self, RootsError> {
        let read = |source| RootsError::Read { path: directory.into(), source };
        let entries: io::Result<Vec<_>> =
            fs::read_dir(directory).map_err(read)?.map(|entry| Ok(entry?.path())).collect();
        let mut files = Self::default();
        let mut paths = entries.map_err(read)?;
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => files.authorities.push(path),
                Some("cert") if files.identity.is_none() => {
                    let key = path.with_extension("key");
                    files.identity = Some(Identity { certificate: path, key });
                }
                _ => {}
            }
        }
        Ok(files)
    }

    /// Adds what is trusted to `store`, and returns what is shown.
    pub(super) fn load(&self, store: &mut RootCertStore) -> Result<Option<Shown>, RootsError> {
        for path in &self.authorities {
            add(store, path)?;
        }
        self.identity.as_ref().map(Identity::load).transpose()
    }
}

impl Identity {
    fn load(&self) -> Result<Shown, RootsError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| RootsError::Read { path: path.into(), source })
        };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .filter_map(Result::ok)
            .collect();
        if certificates.is_empty() {
            return Err(RootsError::Empty { path: self.certificate.clone() });
        }
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_| RootsError::Key { path: self.key.clone() })?;
        Ok((certificates, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_endings_and_the_first_directory_wins() {
        let root = tempfile::tempdir().unwrap();
        let directories = ["own", "system"].map(|name| root.path().join(name));
        for (place, file) in [
            ("own/a.example", "client.cert"),
            ("own/a.example", "client.key"),
            ("own/a.example", "ca.crt"),
            ("system/a.example", "other.crt"),
            ("system/b.example:5000", "ca.crt"),
        ] {
            fs::create_dir_all(root.path().join(place)).unwrap();
            fs::write(root.path().join(place).join(file), "").unwrap();
        }
        let hosts = HostCertificates { directories: directories.into() }.load().unwrap();
        let found: Vec<_> = hosts
            .iter()
            .map(|(host, files)| (&**host, files.authorities.len(), files.identity.is_some()))
            .collect();
        assert_eq!(found, [("a.example", 1, true), ("b.example:5000", 1, false)]);
        let mut store = RootCertStore::empty();
        let error = hosts["b.example:5000"].load(&mut store).unwrap_err();
        assert!(matches!(error, RootsError::Empty { .. }), "a file without a certificate is said");
        assert!(
            HostCertificates { directories: vec!["/nowhere".into()] }.load().unwrap().is_empty()
        );
    }
}
