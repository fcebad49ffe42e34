//! A look into a registry behind the back of everybody: what its names lead to.

use std::{net::SocketAddr, time::Duration};

use notes_oci::{Digest, Index, Manifest};
use notes_registry::server::{Options, Server};
use notes_testkit::registry::TestRegistry;
use serde_json::Value;

/// A registry that is asked directly, past faults and logins.
pub(crate) struct Store {
    http: reqwest::Client,
    address: SocketAddr,
    _server: Option<Server>,
}

impl Store {
    /// Looks into a registry of this process through a second server on its files.
    pub(crate) async fn of(registry: &TestRegistry) -> Self {
        let options = Options::new(registry.directory());
        let server = Server::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        Self { http: http(), address: server.local_addr(), _server: Some(server) }
    }

    /// Looks into the registry that listens at `address`.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { http: http(), address, _server: None }
    }

    /// Checks that each tag of `repository` leads to a whole image, byte for byte, and returns the tags with their digests.
    pub(crate) async fn whole_tags(&self, repository: &str) -> Vec<(String, Digest)> {
        let Some(list) = self.get(&format!("{repository}/tags/list")).await else {
            return Vec::new();
        };
        let list: Value = serde_json::from_slice(&list).unwrap();
        let mut tags = Vec::new();
        for tag in list["tags"].as_array().into_iter().flatten() {
            let tag = tag.as_str().unwrap().to_owned();
            let path = format!("{repository}/manifests/{tag}");
            let document = self.get(&path).await.unwrap_or_else(|| panic!("{path} leads nowhere"));
            self.check_document(repository, &tag, &document).await;
            tags.push((tag, Digest::of(&document)));
        }
        tags
    }

    async fn check_document(&self, repository: &str, name: &str, document: &[u8]) {
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(document) {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                let bytes = self.get(&format!("{repository}/blobs/{}", blob.digest)).await;
                let bytes = bytes.unwrap_or_else(|| {
                    panic!("{repository}:{name} names blob {}, which is not there", blob.digest)
                });
                assert_eq!(Digest::of(&bytes), blob.digest, "{repository}:{name}");
                assert_eq!(bytes.len() as u64, blob.size, "{repository}:{name}");
            }
            return;
        }
        let index: Index = serde_json::from_slice(document).expect("a manifest or an index");
        for member in &index.manifests {
            let path = format!("{repository}/manifests/{}", member.digest);
            let document = self.get(&path).await.unwrap_or_else(|| panic!("{path} is missing"));
            assert_eq!(Digest::of(&document), member.digest);
            Box::pin(self.check_document(repository, &member.digest.to_string(), &document)).await;
        }
    }

    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let accepted =
            "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
        let address = format!("http://{}/v2/{path}", self.address);
        let mut waits = 50;
        loop {
            let request = self.http.get(&address).header("accept", accepted);
            let response = request.send().await.unwrap();
            match response.status().as_u16() {
                200 => return Some(response.bytes().await.unwrap().into()),
                404 => return None,
                // Distribution writes a tag's file in place, and cannot read one that is not written yet.
                500 if waits > 0 => waits -= 1,
                other => panic!("{path} is answered with {other}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn http() -> reqwest::Client {
    let tls = crate::pull::tls();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}
