//! The store: shared, cleaned up, pruned.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use notes_image::{
    store::{Condition, PruneError, PruneOptions, Store},
    tar::Body,
};

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

#[test]
fn an_unpacked_layer_that_a_power_cut_emptied_is_unpacked_again() {
    let place = Place::new();
    let packed = place.pack(&[("a", file("a"), "a"), ("d", Body::Directory, "")]);
    let layer = place.unpack(&packed).unwrap();
    let condition = || place.store.condition(&packed.diff_id).unwrap();
    fs::write(layer.join("a"), "").unwrap();
    assert_eq!(condition(), Condition::Whole, "while the machine runs, nobody looks");
    restart(&layer);
    assert_eq!(condition(), Condition::Damaged);
    assert_eq!(place.unpack(&packed).unwrap(), layer);
    assert_eq!(fs::read_to_string(layer.join("a")).unwrap(), "a");
    restart(&layer);
    assert_eq!(condition(), Condition::Whole);
    restart(&layer);
    fs::remove_dir(layer.join("d")).unwrap();
    assert_eq!(condition(), Condition::Damaged);
    fs::remove_file(layer.with_extension("census")).unwrap();
    assert_eq!(condition(), Condition::Damaged, "nobody counted it");
    place.unpack(&packed).unwrap();
    assert!(layer.join("d").exists());
    assert_eq!(fs::read_dir(place.root().join("drafts")).unwrap().count(), 0);
}

/// Makes the store believe that the machine has started anew since it looked at `layer`.
fn restart(layer: &Path) {
    let census = layer.with_extension("census");
    let mut known: serde_json::Value = serde_json::from_slice(&fs::read(&census).unwrap()).unwrap();
    known["boot"] = "earlier".into();
    fs::write(census, known.to_string()).unwrap();
}

#[test]
fn a_damaged_blob_is_removed_once_it_was_used() {
    let place = Place::new();
    let packed = place.pack(&[("a", file("a"), "a")]);
    let blob = place.store.blob_path(&packed.digest);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    assert!(place.store.discard_damaged().unwrap().is_empty(), "no layer has it");
    place.unpack(&packed).unwrap_err();
    assert_eq!(place.store.discard_damaged().unwrap(), std::slice::from_ref(&blob));
    assert!(!blob.exists());
    let packed = place.pack(&[("a", file("a"), "a")]);
    place.unpack(&packed).unwrap();
    assert!(place.store.discard_damaged().unwrap().is_empty());
}
