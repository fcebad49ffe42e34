//! Where the image goes, and whether it is the same one there.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use notes_testkit::skip;

use crate::world::World;

/// A repository whose image has what an image can have and git can keep.
async fn world(test: &str) -> Option<World> {
    let world = World::new(test).await?;
    let root = world.repository.path();
    world.repository.write("files/etc/motd", "hello\n");
    let tool = world.repository.write("files/bin/tool", "#!/bin/sh\n");
    fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    symlink("../etc/motd", root.join("files/bin/link")).unwrap();
    world.commit(
        "FROM scratch\nCOPY files /\nCOPY --chown=7:8 --chmod=0640 files/etc/motd /var/\n\
         COPY files/etc/motd /etc/motd\n",
    );
    Some(world)
}

/// Lists a directory as `mode path [-> target]`, with times.
fn listing(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, path: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_dir() {
                walk(root, &path, found);
                String::new()
            } else if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                fs::read_to_string(&path).unwrap()
            };
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, format!("{:o} {} {content}", metadata.mode(), metadata.mtime()));
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

fn tar(arguments: &[&str]) -> String {
    let output = Command::new("tar").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_and_an_archive_hold_the_files_of_the_image() {
    let test = "a_directory_and_an_archive_hold_the_files_of_the_image";
    let Some(world) = world(test).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (local, archive) = (path("a,b"), path("app.tar"));
    let ran = world.run(&[
        "-o",
        &format!("type=local,\"dest={local}\""),
        "-o",
        &format!("type=tar,dest={archive}"),
    ]);
    let _ = ran.digest();
    fs::create_dir(path("unpacked")).unwrap();
    tar(&["--extract", "--file", &archive, "--no-same-owner", "-p", "-C", &path("unpacked")]);
    assert_eq!(listing(Path::new(&local)), listing(Path::new(&path("unpacked"))));
    let names: Vec<_> = listing(Path::new(&local)).into_keys().collect();
    assert_eq!(names, ["bin", "bin/link", "bin/tool", "etc", "etc/motd", "var", "var/motd"]);
    let listed = tar(&["--list", "--verbose", "--numeric-owner", "--file", &archive]);
    let motd = listed.lines().find(|line| line.ends_with("var/motd")).unwrap();
    assert!(motd.starts_with("-rw-r----- 7/8"), "{motd}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_on_stdout_is_alone_there() {
    let Some(world) = world("an_archive_on_stdout_is_alone_there").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.tar");
    let _ = world.run(&["-o", &format!("type=tar,dest={}", file.display())]).digest();
    for output in ["-", "type=tar,dest=-"] {
        let mut command = world.command(world.repository.path(), &["--output", output]);
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(ran.stdout == fs::read(&file).unwrap(), "the same bytes");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("@sha256:"), "the name is said");
    }
    let two = world.run(&["-o", "-", "-o", "type=docker,dest=-"]).failure();
    insta::assert_snapshot!(two, @r"
    error: two archives cannot share stdout
    hint: name a file for one: `dest=FILE`
    exit code 2
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skopeo_reads_every_kind_of_image() {
    let test = "skopeo_reads_every_kind_of_image";
    if Command::new("skopeo").arg("--version").output().is_err() {
        return skip(test, "skopeo is not installed");
    }
    let Some(world) = world(test).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (layout, archive, docker) = (path("layout"), path("layout.tar"), path("docker.tar"));
    let ran = world.run(&[
        "--image",
        "docker.io/team/app",
        "--tag",
        "v1",
        "-o",
        &format!("type=oci,dest={layout}"),
        "-o",
        &format!("type=oci,tar=true,dest={archive}"),
        "-o",
        &format!("type=docker,dest={docker}"),
    ]);
    let digest = ran.digest();
    let skopeo = |arguments: &[&str]| {
        let output =
            Command::new("skopeo").arg("--insecure-policy").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for source in [
        format!("oci:{layout}:docker.io/team/app:v1"),
        format!("oci-archive:{archive}:docker.io/team/app:v1"),
    ] {
        let inspected = skopeo(&["inspect", &source]);
        assert!(inspected.contains(&format!("\"Digest\": \"{digest}\"")), "{inspected}");
    }
    // Copied, every layer is read and checked; the config says which layers they are.
    let copied = format!("oci:{}:it", path("copied"));
    skopeo(&["copy", &format!("docker-archive:{docker}:team/app:v1"), &copied]);
    let config = |source: &str| -> serde_json::Value {
        serde_json::from_str(&skopeo(&["inspect", "--config", "--raw", source])).unwrap()
    };
    assert_eq!(config(&copied), config(&format!("oci:{layout}:docker.io/team/app:v1")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tag_names_the_image_and_carries_its_annotations() {
    let test = "every_tag_names_the_image_and_carries_its_annotations";
    let Some(world) = World::new(test).await else { return };
    world.repository.write("notes.toml", "[build.annotations]\n\"team\" = \"one\"\n");
    world.commit("FROM scratch\nLABEL a=file b=file\n");
    let other = format!("{}/other/app:v1", world.registry.registry());
    let arguments = ["-t", "latest", "-t", &other, "--annotation", "a.b=c=d", "--label", "a=flag"];
    let ran = world.build(&arguments);
    let digest = ran.digest();
    for reference in ["team/app:latest", "other/app:v1"] {
        let image = world.pull(reference, "linux/amd64").await;
        assert_eq!(image.digest().to_string(), digest, "{reference}");
        let annotations = &image.manifest().annotations;
        assert_eq!((annotations["team"].as_str(), annotations["a.b"].as_str()), ("one", "c=d"));
        let labels = &image.config().config.labels;
        assert_eq!((labels["a"].as_str(), labels["b"].as_str()), ("flag", "file"));
    }
    let failure = world.build(&["--annotation", "index:a=b"]).failure();
    insta::assert_snapshot!(failure, @r"
    error: the annotation `a` is for an index, and one platform makes none
    hint: write `--annotation a=…`, or name several platforms
    exit code 2
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_have_dockers_keys() {
    let Some(world) = World::new("results_have_dockers_keys").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (id, metadata) = (path("id"), path("metadata.json"));
    let ran = world.build(&["-t", "v1", "--iidfile", &id, "--metadata-file", &metadata]);
    let image = world.pull("team/app:v1", "linux/amd64").await;
    let config = image.manifest().config.digest.to_string();
    assert_eq!(fs::read_to_string(id).unwrap(), config);
    let read: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(metadata).unwrap()).unwrap();
    assert_eq!(read["containerimage.digest"], ran.digest());
    assert_eq!(read["containerimage.config.digest"], config);
    assert_eq!(read["containerimage.descriptor"]["digest"], ran.digest());
    assert!(read["image.name"].as_str().unwrap().ends_with("/team/app:v1"), "{read}");
    assert_eq!(read["notes"]["images"][0]["platform"], "linux/amd64");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_docker_has_and_this_has_not_is_refused_with_what_to_do() {
    let test = "what_docker_has_and_this_has_not_is_refused_with_what_to_do";
    let Some(world) = World::new(test).await else { return };
    world.commit("FROM scratch\n");
    insta::assert_snapshot!(world.build(&["--cache-to", "type=inline"]).failure(), @r"
    error: `type=inline` of `cache-to` is not supported
    hint: a cache is kept in a registry: `cache-to` takes its reference, such as `registry.example.com/app:cache`
    exit code 2
    ");
    insta::assert_snapshot!(world.build(&["--load"]).failure(), @r"
    error: docker's `--load` is not supported
    hint: pipe it instead: `notes-build -o type=docker,dest=- | docker load`
    exit code 2
    ");
    insta::assert_snapshot!(world.build(&["-o", "type=oci,dest=out.tar"]).failure(), @r"
    error: `--output type=oci,dest=out.tar` would be a directory
    hint: add `tar=true` for an archive, or `tar=false` for a directory
    exit code 2
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_the_way_is_named() {
    let Some(world) = world("a_directory_in_the_way_is_named").await else { return };
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("etc/motd/mine")).unwrap();
    let output = format!("type=local,dest={}", directory.path().display());
    insta::assert_snapshot!(world.run(&["-o", &output]).failure(), @r"
    error: failed to write `etc/motd`: Directory not empty (os error 39)
    hint: a directory stands there; name an empty one, or remove it
    exit code 3
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_help_is_for_people() {
    let Some(world) = World::new("the_help_is_for_people").await else { return };
    insta::assert_snapshot!(world.run(&["--help"]));
}
