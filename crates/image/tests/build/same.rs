//! The same input gives the same bytes.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::world::{Builder, World, skipped};

const DOCKERFILE: &str = "FROM base:1\n\
    WORKDIR /srv\n\
    COPY . .\n\
    RUN mkdir made && echo $SOURCE_DATE_EPOCH > made/epoch && ln -s made link && chmod 4755 main.py\n\
    CMD [\"cat\", \"main.py\"]\n";

fn world(test: &str) -> Option<World> {
    let world = World::new(test)?;
    world.file("main.py", "print()\n").file("lib/a.py", "a\n").file("lib/b.py", "b\n");
    Some(world)
}

#[test]
fn store_directory_and_modes_of_the_checkout_do_not_show() {
    let Some(first) = world("store_directory_and_modes_of_the_checkout_do_not_show") else {
        return;
    };
    let Some(second) = world("store_directory_and_modes_of_the_checkout_do_not_show") else {
        return;
    };
    let path = second.path("context/lib/a.py");
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(second.path("context/lib"), fs::Permissions::from_mode(0o777)).unwrap();
    let built = first.build(DOCKERFILE);
    assert_eq!(built.name, second.build(DOCKERFILE).name);
    assert_eq!(built.name, first.build_in("other", DOCKERFILE).unwrap().name);
}

#[test]
fn root_and_nobody_build_the_same() {
    let test = "root_and_nobody_build_the_same";
    if !rustix::process::geteuid().is_root() {
        skipped::<()>(test, "only root can become another user");
        return;
    }
    let (Some(mine), Some(mut theirs)) = (world(test), world(test)) else { return };
    theirs.builder = Builder::Nobody;
    let built = mine.build(DOCKERFILE);
    assert_eq!(built.name, theirs.build(DOCKERFILE).name);
    assert_eq!(built.describe("srv/main.py"), "file of 8 4755 0:0");
}

#[test]
fn a_layer_does_not_depend_on_the_commits_before() {
    let Some(world) = world("a_layer_does_not_depend_on_the_commits_before") else { return };
    world.build(DOCKERFILE);
    let Some(mut world) = Some(world) else { return };
    // A later commit with the same files: nothing but config and history is new.
    world.created += 1000;
    let later = world.build(DOCKERFILE);
    assert!(!later.outcomes().contains(&"ran"));
    let fresh = world.build_in("fresh", DOCKERFILE).unwrap();
    assert!(fresh.outcomes().contains(&"ran"));
    assert_eq!(later.name, fresh.name, "a cache does not show in the result");
}

#[test]
fn a_layer_is_younger_than_the_one_below_and_minutes_at_most() {
    let test = "a_layer_is_younger_than_the_one_below_and_minutes_at_most";
    let Some(world) = world(test) else { return };
    let built = world.build(
        "FROM base:1\nRUN echo > /1\nRUN echo > /2\nRUN echo > /3\nRUN echo $SOURCE_DATE_EPOCH > /4\n",
    );
    let tree = built.tree();
    let times = ["1", "2", "3", "4"].map(|path| {
        tree.entry(path.as_ref()).unwrap().expect("a step made it").modified.expect("it has a time")
    });
    // 2023-05-05, as the base says.
    let base = 1_683_244_800;
    assert!(base <= times[0] && times.is_sorted_by(|one, next| one < next), "{times:?}");
    assert!(times[3] < base + 4 * 256, "{times:?}");
    assert_eq!(built.text("4"), format!("{}\n", times[3]));
}

#[test]
fn an_edit_runs_what_follows_and_nothing_else() {
    let Some(world) = world("an_edit_runs_what_follows_and_nothing_else") else { return };
    let dockerfile = "FROM base:1\nCOPY lib /lib\nRUN true > /ran\nCOPY main.py /\nCMD [\"x\"]\n";
    world.build(dockerfile);
    world.file("main.py", "changed\n");
    assert_eq!(world.build(dockerfile).outcomes(), ["cached", "cached", "ran", "config"]);
}

#[test]
fn known_builds_need_neither_base_nor_unpacked_layers() {
    let Some(world) = world("known_builds_need_neither_base_nor_unpacked_layers") else { return };
    let built = world.build(DOCKERFILE);
    fs::remove_dir_all(world.path("store/layers")).unwrap();
    let again = world.build(DOCKERFILE);
    assert_eq!(again.name, built.name);
    assert_eq!(fs::read_dir(world.path("store/layers")).unwrap().count(), 0);
    assert!(built.layout().join("index.json").exists());
}
