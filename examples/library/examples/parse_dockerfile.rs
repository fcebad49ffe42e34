//! The instructions of a Dockerfile with their lines: `cargo run --example parse_dockerfile -- Dockerfile`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_dockerfile::{Dockerfile, Excerpt, lint};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which Dockerfile?")?;
    let source = std::fs::read_to_string(&path)?;
    let file = Dockerfile::parse(&source).map_err(|error| error.render(&path))?;
    for statement in file.stages.iter().flat_map(|stage| &stage.statements) {
        let line = Excerpt::new(&source, statement.span).position.line;
        println!("{line:4} {}", statement.span.text(&source).lines().next().unwrap_or_default());
    }
    for finding in lint::check(&file, &lint::Options::default()).findings {
        println!("{}: {}", finding.rule.name, finding.message);
    }
    Ok(())
}
