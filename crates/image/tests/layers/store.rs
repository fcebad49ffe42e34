//! The store: shared, cleaned up, pruned.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use notes_image::store::{PruneError, PruneOptions, Store};

use crate::{Place, file};

#[test]
fn eight_builds_unpack_a_layer_once() {
    let place = Place::new();
    let packed = place.pack(&[("a", file("a"), "a")]);
    let directories: Vec<_> = std::thread::scope(|scope| {
        let start = |_| scope.spawn(|| place.unpack(&packed).unwrap());
        let started: Vec<_> = (0..8).map(start).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(directories.iter().all(|directory| *directory == directories[0]));
    assert_eq!(fs::read_dir(place.root().join("drafts")).unwrap().count(), 0);
}

#[test]
fn what_a_killed_build_left_is_removed_by_the_next() {
    let place = Place::new();
    let drafts = place.root().join("drafts");
    let old = drafts.join("old");
    fs::create_dir_all(old.join("files/sub")).unwrap();
    fs::write(drafts.join("blob"), "half").unwrap();
    let hour = SystemTime::now() - Duration::from_hours(1);
    for path in [old.clone(), drafts.join("blob")] {
        fs::File::open(path).unwrap().set_modified(hour).unwrap();
    }
    let alive = place.store.draft_directory().unwrap();
    fs::File::open(alive.files().parent().unwrap()).unwrap().set_modified(hour).unwrap();
    Store::open(place.root()).unwrap();
    assert!(!old.exists() && !drafts.join("blob").exists());
    assert!(alive.files().exists(), "its process lives");
}

#[test]
fn a_store_is_pruned_when_nobody_uses_it() {
    let place = Place::new();
    let packed = place.pack(&[("a", file("a"), "a")]);
    place.unpack(&packed).unwrap();
    let root = place.root().to_owned();
    let error = Store::prune(&root, &PruneOptions::default()).unwrap_err();
    assert!(matches!(&error, PruneError::InUse { .. }) && error.is_transient(), "{error}");
    let Place { directory: _directory, store } = place;
    drop(store);
    let kept = Store::prune(&root, &PruneOptions { keep_bytes: u64::MAX }).unwrap();
    assert_eq!(kept.entries, 0);
    let pruned = Store::prune(&root, &PruneOptions::default()).unwrap();
    assert!(pruned.entries >= 2 && pruned.removed == pruned.before, "{pruned:?}");
    assert_eq!(fs::read_dir(root.join("blobs/sha256")).unwrap().count(), 0);
}
