//! Whole trees, written out and read back.

use std::{
    fs,
    io::Read,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use notes_image::{
    context::Listing,
    export,
    tar::Writer,
    tree::{Entry, Kind},
};

fn tree() -> Listing {
    let entry = |kind, mode| Entry { modified: Some(1_000_000), ..Entry::new(kind, mode) };
    let named = Entry { inode: Some((1, 7)), ..entry(Kind::File(0), 0o4755) };
    Listing::default()
        .with_entry("bin", entry(Kind::Directory, 0o711), "")
        .with_entry("bin/tool", named.clone(), "tool")
        .with_entry("bin/tool-2", named, "tool")
        .with_entry("etc/motd", Entry { uid: 5, gid: 6, ..entry(Kind::File(0), 0o640) }, "hello")
        .with_entry("pipe", entry(Kind::Fifo, 0o622), "")
        .with_entry("current", entry(Kind::Symlink("/etc".into()), 0o777), "")
}

#[test]
fn an_archive_holds_what_the_tree_does() {
    let mut archive = Writer::new(Vec::new());
    export::archive(&tree(), "linux_amd64".as_ref(), &mut archive).unwrap();
    let bytes = archive.finish().unwrap();
    let mut lines = Vec::new();
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let path = entry.path().unwrap().display().to_string();
        let link = entry.link_name().unwrap().map(|link| format!(" -> {}", link.display()));
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        lines.push(format!(
            "{path} {:o} {}:{} {}{} {content}",
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
            header.mtime().unwrap(),
            link.unwrap_or_default()
        ));
    }
    insta::assert_snapshot!(lines.join("|\n"), @r"
    linux_amd64/ 755 0:0 0 |
    linux_amd64/bin/ 711 0:0 1000000 |
    linux_amd64/bin/tool 4755 0:0 1000000 tool|
    linux_amd64/bin/tool-2 4755 0:0 1000000 -> linux_amd64/bin/tool |
    linux_amd64/current 777 0:0 1000000 -> /etc |
    linux_amd64/etc/ 755 0:0 0 |
    linux_amd64/etc/motd 640 5:6 1000000 hello|
    linux_amd64/pipe 622 0:0 1000000
    ");
}

#[test]
fn a_directory_holds_what_the_tree_does() {
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("new");
    export::directory(&tree(), &target).unwrap();
    check(&target);
    export::directory(&tree(), &target).unwrap();
    check(&target);
}

fn check(target: &Path) {
    let metadata = |path: &str| fs::symlink_metadata(target.join(path)).unwrap();
    for (path, mode) in [("bin", 0o711), ("bin/tool", 0o4755), ("etc/motd", 0o640), ("pipe", 0o622)]
    {
        assert_eq!(metadata(path).permissions().mode() & 0o7777, mode, "{path}");
        assert_eq!(metadata(path).mtime(), 1_000_000, "{path}");
    }
    assert_eq!(metadata("bin/tool").ino(), metadata("bin/tool-2").ino());
    assert_eq!(metadata("bin/tool").uid(), metadata("").uid(), "everything is the caller's");
    assert_eq!(fs::read_to_string(target.join("etc/motd")).unwrap(), "hello");
    assert_eq!(fs::read_link(target.join("current")).unwrap(), Path::new("/etc"));
    assert!(metadata("pipe").file_type().is_fifo());
}

#[test]
fn a_directory_that_is_not_empty_merges_and_no_link_in_it_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (target, outside) = (directory.path().join("target"), directory.path().join("outside"));
    fs::create_dir_all(target.join("bin")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(target.join("bin/mine"), "mine").unwrap();
    fs::write(outside.join("motd"), "theirs").unwrap();
    symlink(&outside, target.join("etc")).unwrap();
    symlink(outside.join("tool"), target.join("bin/tool")).unwrap();
    export::directory(&tree(), &target).unwrap();
    check(&target);
    assert_eq!(fs::read_to_string(target.join("bin/mine")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(outside.join("motd")).unwrap(), "theirs");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[test]
fn a_directory_in_the_way_of_a_file_is_named_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("etc/motd/mine")).unwrap();
    let error = export::directory(&tree(), directory.path()).unwrap_err();
    assert_eq!(error.to_string(), "failed to write `etc/motd`");
    assert!(directory.path().join("etc/motd/mine").is_dir());
}
