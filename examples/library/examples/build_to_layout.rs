//! A Dockerfile and files in memory become an image layout: `cargo run --example build_to_layout -- out`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use std::sync::Arc;

use notes_dockerfile::Dockerfile;
use notes_image::{Plan, Store, build, build::Resources, context::Listing, plan};
use notes_oci::{ImageSink, Layout, Memory};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("which directory?")?;
    let dockerfile = Dockerfile::parse("FROM scratch\nCOPY greeting /\nLABEL made.by=example\n")?;
    let plan = Plan::new(&dockerfile, &plan::Options::default())?;
    let context = Arc::new(Listing::default().with_file("greeting", "hello\n"));
    let store = tempfile::tempdir()?;
    // Nothing is pulled: the base is `scratch`.
    let resources = Resources::new(context, Memory::default(), Store::open(store.path())?);
    let built = build(&plan, &resources, &build::Options::default()).await?;
    let layout = Layout::create(directory).await?;
    println!("{}", layout.write(&built.image, &"example/greeting:1".parse()?).await?);
    Ok(())
}
