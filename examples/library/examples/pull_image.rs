//! An image goes from a registry to a layout directory: `cargo run --example pull_image -- HOST/app:1 out`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_oci::{ImageSink, ImageSource, Layout, Platform};
use notes_registry::{Keychain, Options, Remote};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reference, directory] = arguments.as_slice() else {
        return Err("REFERENCE DIRECTORY".into());
    };
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "installed twice")?;
    let remote = Remote::new(Options { keychain: Keychain::from_env(), ..Options::default() })?;
    let reference = reference.parse()?;
    let image = remote.image(&reference, &Platform::native()).await?;
    println!("{}", Layout::create(directory).await?.write(&image, &reference).await?);
    Ok(())
}
