//! Other people's clients on the embedded registry: each takes what we pushed, in every form there is, and brings it back.
//!
//! They take it from a registry that is open, and bring it to one that gives tokens for a password.

mod clients;
mod kind;

use notes_oci::{ImageSource as _, Reference};
use notes_registry::{
    Credential, Keychain, Options, Remote,
    server::{self, Access, Durability, Grant, Server, User},
};
use notes_testkit::{docker::Engine, process, skip, tools::Tool};
use tokio::io::AsyncReadExt as _;

pub(crate) use self::clients::Containerd;
use self::{
    clients::{Buildah, Client, Crane, Docker, Skopeo},
    kind::Kind,
};

/// The user of the registry that wants to know who pushes.
const USER: &str = "ci";
const PASSWORD: &str = "correct horse";

/// Two registries, each in a directory of its own.
struct Registries {
    from: Server,
    to: Server,
    _directories: [tempfile::TempDir; 2],
}

impl Registries {
    async fn start() -> Self {
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let password = PASSWORD.to_owned().into();
        let user = User { name: USER.into(), password, grants: vec![Grant::everything()] };
        let from = Self::serve(&directories[0], Access::Open).await;
        let to = Self::serve(&directories[1], Access::Token(user.into())).await;
        Self { from, to, _directories: directories }
    }

    async fn serve(directory: &tempfile::TempDir, access: Access) -> Server {
        let mut options = server::Options::new(directory.path());
        (options.access, options.durability) = (access, Durability::Unsynced);
        Server::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap()
    }

    fn remote(&self) -> Remote {
        let to = self.to.local_addr().to_string().parse().unwrap();
        let credential = Credential::basic(USER, PASSWORD);
        let keychain = Keychain::anonymous().with(to, credential, "the test");
        Remote::new(Options { keychain, ..Options::default() }).unwrap()
    }
}

fn reference(server: &Server, name: &str) -> Reference {
    format!("{}/{name}", server.local_addr()).parse().unwrap()
}

/// Lets a client take every kind of image and bring it elsewhere, and compares what arrives.
async fn round_trips(client: &dyn Client) {
    let registries = Registries::start().await;
    let remote = registries.remote();
    for kind in Kind::ALL.into_iter().filter(|kind| client.takes(*kind)) {
        let from = reference(&registries.from, &format!("team/app:{}", kind.name()));
        let to = reference(&registries.to, &format!("team/copy:{}", kind.name()));
        let pushed = kind.push(&remote, &from).await;
        client.copy(kind, &from, &to);
        for image in pushed.iter().filter(|image| client.brings(kind, &image.config().platform)) {
            let platform = &image.config().platform;
            let brought = remote.image(&to, platform).await.unwrap();
            assert_eq!(brought.config_bytes(), image.config_bytes(), "{kind:?} {platform}");
            for layer in brought.layers() {
                // Reading to the end checks the digest.
                layer.open().await.unwrap().read_to_end(&mut Vec::new()).await.unwrap();
            }
            if client.keeps(kind) {
                assert_eq!(brought.digest(), image.digest(), "{kind:?} {platform}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_takes_and_brings() {
    match process::find("skopeo") {
        Some(_) => round_trips(&Skopeo).await,
        None => skip("skopeo_takes_and_brings", "skopeo is not installed"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crane_takes_and_brings() {
    match Tool::Crane.find() {
        Ok(program) => round_trips(&Crane::new(program)).await,
        Err(reason) => skip("crane_takes_and_brings", &reason),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buildah_takes_and_brings() {
    match Buildah::new() {
        Ok(buildah) => round_trips(&buildah).await,
        Err(reason) => skip("buildah_takes_and_brings", reason),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_takes_and_brings() {
    match Engine::running() {
        Ok(engine) => round_trips(&Docker::new(engine)).await,
        Err(reason) => skip("docker_takes_and_brings", &reason),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containerd_takes_and_brings() {
    match Containerd::start() {
        Ok(containerd) => round_trips(&containerd).await,
        Err(reason) => skip("containerd_takes_and_brings", reason),
    }
}
