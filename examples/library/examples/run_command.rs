//! A command in a root file system of its own: `cargo run --example run_command -- ROOT /bin/sh -c 'id'`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_sandbox::{Cancel, Captured, Command, Options, Root, enter, init};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    init();
    let mut arguments = std::env::args().skip(1);
    let lower = std::path::absolute(arguments.next().ok_or("which root?")?)?;
    let sandbox = enter(&Options::default())?;
    println!("isolation {}: {}", sandbox.isolation(), sandbox.probe().reason);
    let scratch = tempfile::tempdir()?;
    let (upper, work) = (scratch.path().join("upper"), scratch.path().join("work"));
    std::fs::create_dir(&upper)?;
    std::fs::create_dir(&work)?;
    let command = Command::new(Root::new(vec![lower], upper, work), arguments);
    let mut output = Captured::default();
    let exit = sandbox.run(&command, &mut output, &Cancel::default())?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    println!("ended with {exit}");
    Ok(())
}
