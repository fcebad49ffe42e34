//! The certificates that TLS trusts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::environment::Environment;

/// Where distributions keep the bundle of certificate authorities (as in Go's crypto/x509, `root_linux.go`).
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
];

/// Which certificate authorities are trusted.
///
/// The system's bundle (or the file that replaces it), and what is added to it. Where no bundle is found, as in an
/// image made `FROM scratch`, Mozilla's list that is compiled in takes its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// A PEM file that stands in for the system's bundle, as `SSL_CERT_FILE` does.
    pub bundle: Option<PathBuf>,
    /// PEM files whose certificates are trusted as well.
    pub extra: Vec<PathBuf>,
    /// Directories of such files, as `SSL_CERT_DIR` lists them; what in them is no certificate is passed over.
    pub directories: Vec<PathBuf>,
}

/// The error returned when a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// It cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It has no private key.
    #[error("`{}` holds no private key in PEM form", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// It has no certificate.
    #[error("`{}` holds no certificate in PEM form", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Roots {
    /// Returns what `SSL_CERT_FILE`, `SSL_CERT_DIR` and GitLab's `CI_SERVER_TLS_CA_FILE` say.
    pub fn from_environment(environment: &Environment) -> Self {
        Self {
            bundle: environment.value("SSL_CERT_FILE").map(Into::into),
            extra: environment.value("CI_SERVER_TLS_CA_FILE").map(Into::into).into_iter().collect(),
            directories: environment
                .value("SSL_CERT_DIR")
                .into_iter()
                .flat_map(|list| std::env::split_paths(list).collect::<Vec<_>>())
                .collect(),
        }
    }

    pub(super) fn load(&self) -> Result<RootCertStore, RootsError> {
        let mut store = RootCertStore::empty();
        if let Some(path) = &self.bundle {
            add(&mut store, path)?;
        } else {
            if let Some(path) = SYSTEM.iter().map(Path::new).find(|path| path.exists()) {
                // A bundle that is there but broken is the system's problem; the compiled-in list still serves.
                let _ = add(&mut store, path);
            }
            if store.is_empty() {
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
        }
        for path in &self.extra {
            add(&mut store, path)?;
        }
        for entry in self.directories.iter().flat_map(fs::read_dir).flatten().flatten() {
            // Distributions keep links and lists beside the certificates.
            let _ = add(&mut store, &entry.path());
        }
        Ok(store)
    }
}

pub(super) fn add(store: &mut RootCertStore, path: &Path) -> Result<(), RootsError> {
    let pem = fs::read(path).map_err(|source| RootsError::Read { path: path.into(), source })?;
    // Bundles carry certificates that webpki refuses (old, odd); the others are of use.
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 { Err(RootsError::Empty { path: path.into() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let roots = Roots { extra: vec![path.clone()], ..Roots::default() };
        assert!(matches!(roots.load(), Err(RootsError::Read { .. })));
        fs::write(&path, "hello").unwrap();
        assert!(matches!(roots.load(), Err(RootsError::Empty { .. })));
    }

    #[test]
    fn there_are_always_roots() {
        assert!(!Roots::default().load().unwrap().is_empty());
    }
}
