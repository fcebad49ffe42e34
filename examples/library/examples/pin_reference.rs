//! Names of images, and what a deploy needs of them: `cargo run --example pin_reference -- python:3.13-slim`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_oci::{Digest, Reference};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = std::env::args().nth(1).unwrap_or("python:3.13-slim".into());
    let reference: Reference = text.parse()?;
    println!("registry   {}", reference.registry);
    println!("repository {}", reference.repository);
    println!("tag        {}", reference.identifier());
    // A digest comes from a registry; here from the bytes of an empty manifest.
    println!("pinned     {}", reference.pin(Digest::of(b"{}")));
    Ok(())
}
