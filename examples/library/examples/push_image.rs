//! An image goes from a layout directory to a registry: `cargo run --example push_image -- out example/greeting:1 HOST/app:1`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_oci::{ImageSink, ImageSource, Layout, Platform};
use notes_registry::{Keychain, Options, Remote};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [directory, from, to] = arguments.as_slice() else {
        return Err("DIRECTORY FROM TO".into());
    };
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "installed twice")?;
    let layout = Layout::open(directory).await?;
    let image = layout.image(&from.parse()?, &Platform::native()).await?;
    let remote = Remote::new(Options { keychain: Keychain::from_env(), ..Options::default() })?;
    println!("{}", remote.write(&image, &to.parse()?).await?);
    Ok(())
}
