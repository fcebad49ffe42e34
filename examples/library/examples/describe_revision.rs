//! What is checked out here, read without git: `cargo run --example describe_revision -- .`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_gitinfo::{Repository, Worktree, naming};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).unwrap_or(".".into());
    let repository = Repository::discover(directory.as_ref())?;
    let revision = repository.revision("HEAD")?;
    println!("{} {}", revision.short, revision.subject);
    for (name, value) in naming::labels(&revision, &revision.short) {
        println!("{name}={value}");
    }
    println!("{} files", repository.tree(&revision)?.walk("".as_ref())?.len());
    match repository.worktree()? {
        Worktree::Clean => println!("nothing else lies here"),
        Worktree::Dirty(changes) => println!("not committed: {changes}"),
        Worktree::Bare => println!("a bare repository"),
    }
    Ok(())
}
