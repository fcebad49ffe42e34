//! CNCF distribution (`docker-registry`, a Debian package) as an independent server.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use notes_oci::{ImageSink, ImageSource, Reference};
use notes_registry::Outcome;

use crate::{
    clients::has,
    images::{hearing, image, platform, read_layers},
};

/// A running `docker-registry`, ended when it is dropped.
struct Distribution {
    child: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Distribution {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // It cannot say which free port it took, so one is found first.
        let address =
            std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = directory.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'}}\n",
            directory.path().join("data").display()
        );
        fs::write(&config, text).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Self { child, address, _directory: directory };
        running.wait().await;
        running
    }

    async fn wait(&self) {
        let connected = async {
            while tokio::net::TcpStream::connect(&self.address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), connected).await.expect("it listens");
    }

    fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn distribution_takes_what_we_push_and_we_what_it_has() {
    if !has("docker-registry") {
        let name = "distribution_takes_what_we_push_and_we_what_it_has";
        return notes_testkit::skip(name, "docker-registry is not installed");
    }
    let registry = Distribution::start().await;
    let (remote, heard) = hearing();
    let (image, name) = (image(1, &[0, 5, 3_000_000]), registry.reference("team/base:1"));
    remote.write(&image, &name).await.unwrap();
    let pulled = remote.image(&name, &platform()).await.unwrap();
    assert_eq!(pulled, image);
    assert_eq!(read_layers(&pulled).await.unwrap(), [0, 5, 3_000_000]);

    heard.outcomes.lock().unwrap().clear();
    remote.write(&pulled, &registry.reference("team/app:1")).await.unwrap();
    assert_eq!(
        *heard.outcomes.lock().unwrap(),
        [Outcome::Mounted, Outcome::Mounted, Outcome::Mounted, Outcome::Uploaded]
    );
    let error = remote
        .write(&crate::images::image(2, &[1]), &registry.reference("team/app:1"))
        .await
        .unwrap_err();
    assert!(error.hint().unwrap().contains("--overwrite"), "{error}");
}
