//! Base images, read as far as steps need them.

use crate::world::World;

/// How many blobs of the base were read since the last look.
fn pulled(world: &World) -> usize {
    let lines = world.registry.take_lines();
    let is_read = |line: &&String| line.starts_with("GET ") && line.contains("busybox/blobs/");
    lines.iter().filter(is_read).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_that_no_step_reads_is_not_pulled() {
    let test = "a_base_that_no_step_reads_is_not_pulled";
    let Some(world) = World::with_base(test).await else { return };
    world.repository.write("a", "a");
    world.commit("FROM busybox:1\nCOPY --link a /a\nENV A=1\nCMD [\"sh\"]\n");
    world.registry.take_lines();
    let built = world.build(&[]);
    built.digest();
    assert_eq!(pulled(&world), 1, "its config is read, and no layer: {built}");
    world.commit("FROM busybox:1\nCOPY --link a /a\nRUN cat /a > /b\n");
    world.build(&[]).digest();
    assert_eq!(pulled(&world), 2, "a command reads its layer");
}
