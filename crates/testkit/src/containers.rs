//! Servers in containers, by the crate `testcontainers`, on the docker engine that runs.

use notes_oci::{Reference, Registry};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _, core::WaitFor, runners::AsyncRunner as _,
};

use crate::docker::{Engine, REGISTRY_IMAGE};

/// What CNCF distribution says when it is ready, before the address it took.
const LISTENING: &str = "listening on ";

/// CNCF distribution in a container of the image `registry:2`; it is removed when this is dropped.
#[derive(Debug)]
pub struct RegistryContainer {
    registry: Registry,
    _container: ContainerAsync<GenericImage>,
}

impl RegistryContainer {
    /// Starts it, or says why `test` is skipped: no docker engine runs, or it does not have the image.
    ///
    /// # Panics
    ///
    /// Where it should run and does not.
    pub async fn start(test: &str) -> Option<Self> {
        let has_image = Engine::running().and_then(|engine| {
            let reason = || format!("there is no image {REGISTRY_IMAGE} at {}", engine.host());
            engine.has_image(REGISTRY_IMAGE).then_some(()).ok_or_else(reason)
        });
        if let Err(reason) = has_image {
            crate::skip(test, &reason);
            return None;
        }
        let (name, tag) = REGISTRY_IMAGE.split_once(':').expect("it has a tag");
        let container = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::message_on_stderr(LISTENING))
            // On the machine's loopback, because an engine without a bridge publishes no ports; the port is any free one.
            .with_network("host")
            .with_env_var("REGISTRY_HTTP_ADDR", "127.0.0.1:0")
            .start()
            .await
            .expect("a container of an image that is there starts");
        let log = container.stderr_to_vec().await.expect("a container that runs has a log");
        let address = address(&String::from_utf8_lossy(&log)).expect("it said where it listens");
        let registry = address.parse().expect("an address is a registry");
        Some(Self { registry, _container: container })
    }

    /// Returns its name: `127.0.0.1:` and the port.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the reference of `rest`, such as `team/app:tag`, in it.
    ///
    /// # Panics
    ///
    /// Where `rest` is malformed.
    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.registry).parse().expect("a test names images well")
    }
}

/// Reads the address out of `… msg="listening on 127.0.0.1:33847" go.version=…`.
fn address(log: &str) -> Option<String> {
    let (_, rest) = log.split_once(LISTENING)?;
    rest.split(['"', ' ', '\n']).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_log() {
        let log = r#"time="2026-01-01T00:00:00Z" level=info msg="listening on 127.0.0.1:33847" go.version=go1.19.8"#;
        assert_eq!(address(log).as_deref(), Some("127.0.0.1:33847"));
        assert_eq!(address("level=info"), None);
    }
}
