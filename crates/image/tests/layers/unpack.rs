//! Unpacking: what archives say, and what they must not be able to do.

use std::{collections::BTreeMap, fs, io::Read, path::PathBuf};

use notes_image::{
    compress::Compression,
    overlay::Layers,
    pack::Packer,
    snapshot::snapshot,
    tar::{Attributes, Body},
    tree::{Kind, Tree},
};
use proptest::prelude::*;

use crate::{Place, file};

#[test]
fn no_entry_leaves_the_directory() {
    let place = Place::new();
    let outside = place.directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let packed = place.pack(&[
        ("absolute", Body::Symlink(outside.clone()), ""),
        ("absolute/a", file("x"), "x"),
        ("up", Body::Symlink("../../../..".into()), ""),
        ("up/b", file("x"), "x"),
        ("../../../c", file("x"), "x"),
        ("d", Body::Symlink(outside.join("d")), ""),
        ("d", file("x"), "x"),
    ]);
    let unpacked = place.unpack(&packed).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    for inside in ["b", "c"] {
        assert!(unpacked.join(inside).is_file(), "{inside} is in the root");
    }
    assert!(unpacked.join("d").symlink_metadata().unwrap().is_file(), "the link is replaced");
    let links = place.pack(&[("passwd", Body::HardLink("/etc/passwd".into()), "")]);
    let error = place.unpack(&links).unwrap_err();
    assert!(error.contains("failed to write `passwd`"), "{error}");
}

#[test]
fn other_bytes_than_announced_are_refused() {
    let place = Place::new();
    let mut packed = place.pack(&[("a", file("a"), "a")]);
    packed.diff_id = place.pack(&[("b", file("b"), "b")]).diff_id;
    let error = place.unpack(&packed).unwrap_err();
    assert!(error.contains("and was to have"), "{error}");
    assert!(!place.store.layer_path(&packed.diff_id).exists());
}

#[test]
fn deletions_hide_what_is_below() {
    let place = Place::new();
    let lower = place.pack(&[
        ("d", Body::Directory, ""),
        ("d/old", file("o"), "o"),
        ("gone", file("g"), "g"),
        ("opaque", Body::Directory, ""),
        ("opaque/old", file("o"), "o"),
        ("replaced", Body::Directory, ""),
        ("replaced/old", file("o"), "o"),
    ]);
    let upper = place.pack(&[
        (".wh.gone", file(""), ""),
        (".wh.replaced", file(""), ""),
        ("d/.wh.old", file(""), ""),
        ("opaque/.wh..wh..opq", file(""), ""),
        ("opaque/new", file("n"), "n"),
        ("replaced", Body::Directory, ""),
        ("replaced/new", file("n"), "n"),
    ]);
    let directories = [place.unpack(&lower).unwrap(), place.unpack(&upper).unwrap()];
    let merged = Layers::new(directories.clone());
    assert_eq!(names(&merged, ""), ["d", "opaque", "replaced"]);
    assert_eq!(names(&merged, "d"), [""; 0]);
    assert_eq!(names(&merged, "opaque"), ["new"]);
    assert_eq!(names(&merged, "replaced"), ["new"]);

    // What was read is written again, with the same meaning.
    let mut packer = Packer::new(&place.store, Compression::default()).unwrap();
    snapshot(&directories[1], &directories[..1], i64::MAX, &mut packer).unwrap();
    let again = place.unpack(&packer.finish().unwrap().unwrap()).unwrap();
    let merged = Layers::new([directories[0].clone(), again]);
    assert_eq!(names(&merged, ""), ["d", "opaque", "replaced"]);
    assert_eq!(names(&merged, "replaced"), ["new"]);
}

fn names(tree: &Layers, path: &str) -> Vec<String> {
    let children = tree.children(path.as_ref()).unwrap();
    children.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
}

/// What a generated path is.
#[derive(Clone, Debug)]
enum Made {
    File(Vec<u8>, u32),
    Link(String),
}

fn files() -> impl Strategy<Value = BTreeMap<String, Made>> {
    let name = "[a-zé.]{1,3}(/[a-z ]{1,120}){0,3}";
    let made = prop_oneof![
        (proptest::collection::vec(any::<u8>(), 0..2000), 0..0o1000_u32)
            .prop_map(|(content, mode)| Made::File(content, mode | 0o400)),
        "[a-z/.]{1,150}".prop_map(Made::Link),
    ];
    proptest::collection::btree_map(name, made, 0..12).prop_filter("a file has no files", |files| {
        let below =
            |path: &String| files.keys().any(|other| other.starts_with(&format!("{path}/")));
        let special = |path: &String| path.split('/').any(|name| matches!(name, "." | ".."));
        files.keys().all(|path| !below(path) && !special(path) && !path.contains(".wh."))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_packed_comes_back(files in files()) {
        let place = Place::new();
        let mut packer = Packer::new(&place.store, Compression::Gzip(1)).unwrap();
        for (path, made) in &files {
            let mut attributes = Attributes { mode: 0o777, ..Attributes::default() };
            let (body, content) = match made {
                Made::File(content, mode) => {
                    attributes.mode = *mode;
                    (Body::File(content.len() as u64), &content[..])
                }
                Made::Link(target) => (Body::Symlink(target.into()), &b""[..]),
            };
            packer.append(path.as_ref(), &attributes, &body, &mut &*content).unwrap();
        }
        let Some(packed) = packer.finish().unwrap() else { return Ok(()) };
        let tree = Layers::new([place.unpack(&packed).unwrap()]);
        for (path, made) in &files {
            let entry = tree.entry(path.as_ref()).unwrap().unwrap();
            match made {
                Made::File(content, mode) => {
                    let mut read = Vec::new();
                    tree.open(path.as_ref()).unwrap().read_to_end(&mut read).unwrap();
                    prop_assert_eq!(&read, content);
                    prop_assert_eq!(entry.mode, *mode);
                }
                Made::Link(target) => {
                    prop_assert_eq!(entry.kind, Kind::Symlink(PathBuf::from(target)));
                }
            }
        }
    }
}
