//! What we build and push, in the hands of other people's programs: skopeo, docker, containerd; and what docker
//! pushes, in our registry. Which forms of images they take and bring is in `interop.rs`.

use std::process::Command;

use notes_oci::{Image, ImageSink as _, ImageSource as _, Platform, Reference};
use notes_registry::{Options, Remote};
use notes_testkit::{
    containers::RegistryContainer, docker::Engine, image::static_busybox, process,
    registry::TestRegistry, skip,
};
use tokio::task::block_in_place;

use crate::{
    built::{self, GREETING},
    interop::Containerd,
};

fn remote() -> Remote {
    Remote::new(Options::default()).unwrap()
}

/// Runs a program to its end, away from what serves, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn config_digest(image: &Image) -> String {
    image.manifest().config.digest.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_inspects_what_was_built_from_a_commit() {
    let test = "skopeo_inspects_what_was_built_from_a_commit";
    if process::find("skopeo").is_none() {
        return skip(test, "skopeo is not installed");
    }
    let Some(image) = built::image(test, b"a program").await else { return };
    let registry = TestRegistry::start().await;
    let reference = registry.reference("team/app:1");
    remote().write(&image, &reference).await.unwrap();
    inspect(&image, &reference);
}

/// skopeo reads the same image, and the commit from its labels.
fn inspect(image: &Image, reference: &Reference) {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["inspect", "--tls-verify=false"]).arg(format!("docker://{reference}"));
    let inspected: serde_json::Value = serde_json::from_str(&run(&mut skopeo)).unwrap();
    assert_eq!(inspected["Digest"], image.digest().to_string());
    let layers: Vec<_> = image.layers().iter().map(|layer| layer.digest().to_string()).collect();
    assert_eq!(inspected["Layers"], serde_json::json!(layers));
    let revision = &inspected["Labels"]["org.opencontainers.image.revision"];
    assert_eq!(revision.as_str().map(str::len), Some(40), "{revision}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_runs_what_was_built_and_pushes_it_back() {
    let test = "docker_runs_what_was_built_and_pushes_it_back";
    let engine = match Engine::running() {
        Ok(engine) => engine,
        Err(reason) => return skip(test, &reason),
    };
    let Some(busybox) = static_busybox(test) else { return };
    let Some(image) = built::image(test, &busybox).await else { return };
    let (registry, other) = (TestRegistry::start().await, TestRegistry::start().await);
    let reference = registry.reference("team/app:1");
    remote().write(&image, &reference).await.unwrap();
    // To the other registry docker sends layers that it packs itself.
    let (back, elsewhere) = (registry.reference("team/copy:1"), other.reference("team/app:1"));
    round_trip(&engine, &image, &reference, &[&back, &elsewhere]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn distribution_in_a_container_takes_what_was_built() {
    let test = "distribution_in_a_container_takes_what_was_built";
    let Some(registry) = RegistryContainer::start(test).await else { return };
    let Some(busybox) = static_busybox(test) else { return };
    let Some(image) = built::image(test, &busybox).await else { return };
    let reference = registry.reference("team/app:1");
    let pinned = remote().write(&image, &reference).await.unwrap();
    assert_eq!(pinned.digest, image.digest());
    let pulled = remote().image(&reference, &Platform::native()).await.unwrap();
    assert_eq!(pulled, image);
    let engine = Engine::running().expect("the registry runs on it");
    round_trip(&engine, &image, &reference, &[&registry.reference("team/copy:1")]).await;
    if process::find("skopeo").is_some() {
        inspect(&image, &reference);
    }
}

/// Docker pulls `reference`, runs it, and pushes it under other names, which then have the same configuration and files.
async fn round_trip(engine: &Engine, image: &Image, reference: &Reference, to: &[&Reference]) {
    let docker = |arguments: &[&str]| run(engine.client().args(arguments));
    let name = reference.to_string();
    docker(&["pull", "--quiet", &name]);
    let id = docker(&["image", "inspect", "--format", "{{.Id}}", &name]);
    // Docker names an image by its configuration, or, with containerd's store, by its manifest.
    assert!([config_digest(image), image.digest().to_string()].contains(&id), "{id}");
    assert_eq!(docker(&["run", "--rm", "--network=none", &name]), GREETING);
    assert_eq!(docker(&["run", "--rm", "--network=none", &name, "id", "-u"]), "1000");
    for copy in to {
        let copy_name = copy.to_string();
        docker(&["tag", &name, &copy_name]);
        docker(&["push", "--quiet", &copy_name]);
        docker(&["rmi", &copy_name]);
        let pushed = remote().image(copy, &Platform::native()).await.unwrap();
        assert_eq!(config_digest(&pushed), config_digest(image));
        assert_eq!(pushed.config().rootfs, image.config().rootfs);
    }
    docker(&["rmi", &name]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containerd_pulls_what_was_built() {
    let test = "containerd_pulls_what_was_built";
    let containerd = match Containerd::start() {
        Ok(containerd) => containerd,
        Err(reason) => return skip(test, reason),
    };
    let Some(image) = built::image(test, b"a program").await else { return };
    let registry = TestRegistry::start().await;
    let reference = registry.reference("team/app:1");
    remote().write(&image, &reference).await.unwrap();
    let name = reference.to_string();
    // Pulled and checked, but not unpacked: for that containerd mounts.
    run(&mut containerd.ctr(&["content", "fetch", "--plain-http", &name]));
    let listed = run(&mut containerd.ctr(&["images", "list", &format!("name=={name}")]));
    assert!(listed.contains(&image.digest().to_string()), "{listed}");
    let checked = run(&mut containerd.ctr(&["images", "check", &format!("name=={name}")]));
    // The configuration and two layers.
    assert!(checked.contains("complete (3/3)"), "{checked}");
}
