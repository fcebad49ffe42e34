//! Nothing of a command survives its end, whatever ends it.
//!
//! Each command holds the writing side of a FIFO. The test's reading side comes to its end when the
//! last process that holds the other one is gone: no clocks, no process lists.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use notes_sandbox::{Command, Mount};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::world::{World, everywhere};

/// Longer than any test may take.
const FOR_EVER: &str = "sleep 10000";

fn holding(world: &World, script: &str) -> Command {
    let shared = world.directory("shared");
    let fifo = shared.join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    // Past the umask.
    std::fs::set_permissions(&fifo, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let mut command = world.script(&format!("exec 9> /fifo; echo started >&9; {script}"));
    // Of all mounts the one that is the very same file on every rung.
    command.mounts = vec![Mount::Ssh { socket: fifo, target: "/fifo".into() }];
    command
}

/// Waits until the command has started.
fn started(world: &World) -> BufReader<File> {
    let mut fifo = BufReader::new(File::open(world.path("shared/fifo")).unwrap());
    let mut line = String::new();
    fifo.read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    fifo
}

/// Waits until no process of the command is left.
fn ended(mut fifo: BufReader<File>) {
    fifo.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn what_it_leaves_behind_is_ended() {
    everywhere("what_it_leaves_behind_is_ended", |world| {
        let command = holding(
            &world,
            &format!(
                "{FOR_EVER} & (trap '' TERM HUP; {FOR_EVER}) & setsid sh -c '{FOR_EVER} & {FOR_EVER}' & true"
            ),
        );
        let child = world.start(&[command]);
        ended(started(&world));
        let output = child.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"code\": 0"), "{output:?}");
    });
}

#[test]
fn it_ends_when_its_time_is_over() {
    everywhere("it_ends_when_its_time_is_over", |world| {
        let mut command = holding(&world, &format!("trap '' TERM; {FOR_EVER} & {FOR_EVER}"));
        command.timeout = Some(Duration::from_millis(500));
        let child = world.start(&[command]);
        ended(started(&world));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("`/bin/sh` was ended after 0.5 s"), "{said}");
    });
}

#[test]
fn it_ends_when_it_is_cancelled() {
    everywhere("it_ends_when_it_is_cancelled", |world| {
        let command = holding(&world, &format!("{FOR_EVER} & echo cancel me; {FOR_EVER}"));
        let child = world.ask("cancel", &[command]);
        ended(started(&world));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("`/bin/sh` was cancelled"), "{said}");
    });
}

#[test]
fn it_ends_with_the_program() {
    everywhere("it_ends_with_the_program", |world| {
        let command = holding(&world, &format!("{FOR_EVER} & {FOR_EVER}"));
        let mut child = world.start(&[command]);
        let fifo = started(&world);
        child.kill().unwrap();
        ended(fifo);
        child.wait().unwrap();
    });
}
