//! The table of `COPY` and `ADD`.

use std::{fs, io::Write, os::unix::fs::PermissionsExt};

use crate::world::World;

#[test]
fn files_and_directories_land_where_the_table_says() {
    let Some(world) = World::new("files_and_directories_land_where_the_table_says") else { return };
    world.file("a.txt", "a").file("b.txt", "b").file("src/deep/c.txt", "c").file("run.sh", "#!");
    fs::set_permissions(world.path("context/run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink("a.txt", world.path("context/link")).unwrap();
    std::os::unix::fs::symlink("deep/c.txt", world.path("context/src/inner")).unwrap();
    let built = world.build(
        "FROM base:1\n\
         WORKDIR /work\n\
         COPY a.txt renamed\n\
         COPY *.txt texts/\n\
         COPY src /tree\n\
         COPY link run.sh ./\n\
         COPY --chmod=u=rwX,go= --chown=7:8 src /owned\n\
         COPY a.txt /bin/\n\
         COPY --parents src/deep/c.txt src/./deep/ /parents/\n\
         COPY --exclude=deep src /excluded\n\
         COPY --link a.txt /bin2/\n",
    );
    assert_eq!(built.describe("work/renamed"), "file of 1 644 0:0");
    assert!(built.exists("work/texts/a.txt") && built.exists("work/texts/b.txt"));
    assert_eq!(built.text("tree/deep/c.txt"), "c");
    assert_eq!(built.describe("tree/inner"), "link to deep/c.txt 777 0:0");
    assert_eq!(built.describe("work/link"), "file of 1 644 0:0", "a named link is followed");
    assert_eq!(built.describe("work/run.sh"), "file of 2 755 0:0");
    assert_eq!(built.describe("owned/deep"), "directory 700 7:8");
    assert_eq!(built.describe("owned/deep/c.txt"), "file of 1 600 7:8");
    assert_eq!(built.describe("bin"), "link to usr/bin 777 0:0");
    assert_eq!(built.text("usr/bin/a.txt"), "a", "links in the destination are followed");
    assert!(built.exists("parents/src/deep/c.txt") && built.exists("parents/deep/c.txt"));
    assert!(!built.exists("excluded/deep") && built.exists("excluded/inner"));
    assert!(built.exists("bin2/a.txt"));
    assert_eq!(built.describe("tmp"), "directory 1777 0:0", "the base keeps its modes");
}

#[test]
fn ignored_files_are_not_there() {
    let Some(mut world) = World::new("ignored_files_are_not_there") else { return };
    world.file("keep.txt", "").file("secret.env", "").file("docs/a.md", "").file("docs/b.txt", "");
    world.ignore = "*.env\ndocs\n!docs/*.txt\n".into();
    let built = world.build("FROM base:1\nCOPY . /all\n");
    assert!(built.exists("all/keep.txt") && built.exists("all/docs/b.txt"));
    assert!(!built.exists("all/secret.env") && !built.exists("all/docs/a.md"));
}

#[test]
fn an_archive_is_unpacked_whole_and_anew_when_it_changes() {
    let test = "an_archive_is_unpacked_whole_and_anew_when_it_changes";
    let Some(world) = World::new(test) else { return };
    let archive = |content: &[u8]| {
        let mut archive = notes_image::tar::Writer::new(Vec::new());
        let body = notes_image::tar::Body::File(content.len() as u64);
        let attributes = notes_image::tar::Attributes { mode: 0o644, ..Default::default() };
        archive.append("a.txt".as_ref(), &attributes, &body, &mut &*content).unwrap();
        fs::write(world.path("context/a.tar"), archive.finish().unwrap()).unwrap();
    };
    // `--exclude` is for what is copied.
    let dockerfile = "FROM base:1\nADD --exclude=*.t* a.tar /files\n";
    for content in ["one", "two"] {
        archive(content.as_bytes());
        assert_eq!(world.build(dockerfile).text("files/a.txt"), content);
    }
}

#[test]
fn archives_are_unpacked_by_their_content() {
    let Some(world) = World::new("archives_are_unpacked_by_their_content") else { return };
    let mut archive = notes_image::tar::Writer::new(Vec::new());
    let attributes = notes_image::tar::Attributes { mode: 0o640, uid: 3, ..Default::default() };
    let body = notes_image::tar::Body::File(2);
    archive.append("sub/file".as_ref(), &attributes, &body, &mut &b"hi"[..]).unwrap();
    let plain = archive.finish().unwrap();
    let context = world.path("context");
    fs::write(context.join("plain"), &plain).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    fs::write(context.join("app.tar.gz"), gzip.finish().unwrap()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&plain).unwrap();
    fs::write(context.join("bz"), bzip2.finish().unwrap()).unwrap();
    fs::write(context.join("zst"), zstd::encode_all(&plain[..], 1).unwrap()).unwrap();
    world.file("empty.tar.gz", "");
    let built = world.build(
        "FROM base:1\n\
         ADD plain /plain/\n\
         ADD app.tar.gz /gz\n\
         ADD bz /bz\n\
         ADD zst /zst\n\
         ADD empty.tar.gz /copied/\n\
         ADD --unpack=false plain /kept\n\
         COPY app.tar.gz /whole/\n",
    );
    for directory in ["plain", "gz", "bz", "zst"] {
        assert_eq!(built.text(&format!("{directory}/sub/file")), "hi");
    }
    assert_eq!(built.describe("gz/sub/file"), "file of 2 640 3:0");
    assert_eq!(built.describe("copied/empty.tar.gz"), "file of 0 644 0:0");
    assert!(built.exists("whole/app.tar.gz"));
    assert_eq!(built.describe("kept"), format!("file of {} 644 0:0", plain.len()));
}
