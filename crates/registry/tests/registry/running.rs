//! The embedded server, started for a test.

use notes_oci::Digest;
use notes_registry::server::{Durability, Options, Server};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::pull::tls;

/// The embedded server in a directory of its own, and a client.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) http: Client,
    pub(crate) directory: tempfile::TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts one whose options are changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change).await
    }

    /// Starts one on what another has left.
    pub(crate) async fn on(
        directory: tempfile::TempDir,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options::new(directory.path());
        options.durability = Durability::Unsynced;
        change(&mut options);
        let server = Server::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let http = Client::builder().no_proxy().tls_backend_preconfigured(tls()).build().unwrap();
        Self { server, http, directory }
    }

    /// Ends it, and returns what it leaves.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.server.shutdown().await;
        self.directory
    }

    pub(crate) async fn restart(self) -> Self {
        Self::on(self.stop().await, |_| {}).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.local_addr())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn blob(&self, bytes: &'static [u8]) -> Digest {
        let digest = Digest::of(bytes);
        let path = format!("/v2/app/blobs/uploads/?digest={digest}");
        let answer = self.http.post(self.url(&path)).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        digest
    }

    pub(crate) async fn manifest(&self, name: &str, value: &Value) -> Response {
        self.http
            .put(self.url(&format!("/v2/app/manifests/{name}")))
            .header("content-type", value["mediaType"].as_str().unwrap())
            .body(value.to_string())
            .send()
            .await
            .unwrap()
    }
}

pub(crate) fn manifest(config: Digest, size: usize) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": size },
        "layers": [],
    })
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

pub(crate) async fn code(response: Response) -> String {
    response.json::<Value>().await.unwrap()["errors"][0]["code"].as_str().unwrap().to_owned()
}
