//! Ctrl-C and SIGTERM at any moment: the right exit code, nothing that runs on, nothing left, and the next build succeeds.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use notes_testkit::Chance;

use crate::world::World;

/// How long a build that was told to stop may take, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// A word that is in the environment of everything that the builds run.
const MARK: &str = "stopped-at-any-moment";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_can_be_stopped_at_any_moment() {
    let test = "a_build_can_be_stopped_at_any_moment";
    let Some(world) = World::with_base(test).await else { return };
    let mut chance = Chance::new(test);
    // Bytes that do not compress: there is something to pack and to push.
    let bytes: Vec<u8> = (0..1 << 20).flat_map(|_| chance.below(u64::MAX).to_le_bytes()).collect();
    world.repository.write("data", &bytes);
    world.commit(&format!(
        "FROM busybox:1 AS first\nENV MARK={MARK}\nCOPY data /data\n\
         RUN cat /data /data > /twice; sleep 0.2\n\
         FROM busybox:1\nENV MARK={MARK}\nCOPY --from=first /twice /\n\
         RUN sleep 0.3 & sleep 0.3; echo > /done\n"
    ));
    let begun = Instant::now();
    let whole = build(&world, "whole", 0).wait_with_output().unwrap();
    let took = begun.elapsed();
    let whole = world.normalize(&whole);
    for round in chance.rounds(6, 200).map(|round| round + 1) {
        let (signal, code) = chance.pick(&[("INT", 130), ("TERM", 143)]);
        let moment = chance.moment(took + took / 10);
        let store = format!("store-{round}");
        let mut child = build(&world, &store, round);
        thread::sleep(moment);
        // Fails where it has ended already, which is as good.
        let _ = kill(&child, signal);
        let ended = ended(&mut child, &format!("round {round}, SIG{signal} after {moment:?}"));
        let said = world.normalize(&child.wait_with_output().unwrap());
        let context = format!("round {round}, SIG{signal} after {moment:?}: {ended}\n{said}");
        if ended == 0 {
            assert_eq!(said.digest(), whole.digest(), "{context}");
        } else {
            assert_eq!(ended, code, "{context}");
            assert_eq!(said.stdout, "", "{context}");
        }
        assert_eq!(world.running(MARK), <[String; 0]>::default(), "{context}");
        assert_eq!(drafts(&world, &store), <[String; 0]>::default(), "{context}");
        assert_eq!(world.temporary_files(), <[String; 0]>::default(), "{context}");
        let next = build(&world, &store, round).wait_with_output().unwrap();
        assert_eq!(world.normalize(&next).digest(), whole.digest(), "{context}");
    }
}

fn build(world: &World, store: &str, round: usize) -> Child {
    let store = world.home().join(store);
    let image = format!("{}-{round}", world.image());
    let arguments = ["--image", &image, "--store", store.to_str().unwrap()];
    let mut command = world.command(world.repository.path(), &arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn kill(child: &Child, signal: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args([&format!("-{signal}"), &child.id().to_string()]).stderr(Stdio::null());
    kill.status().unwrap().success()
}

/// The exit code as a shell reports it; panics where the process does not end.
fn ended(child: &mut Child, context: &str) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            // Before there are handlers, the signal itself ends the process.
            return status.code().or(status.signal().map(|signal| 128 + signal)).unwrap();
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end: {context}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn drafts(world: &World, store: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(world.home().join(store).join("drafts")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
}
