//! Base images from Debian's packages, made for real where mmdebstrap and an archive are there.

use notes_oci::{ImageSource as _, Platform};
use notes_testkit::{base, cache, skip};

#[tokio::test]
async fn a_base_is_made_once() {
    let test = "a_base_is_made_once";
    let recipe = base::Recipe::of(&"python:3.13-slim".parse().unwrap()).unwrap();
    let cache = cache::directory();
    let mut said = Vec::new();
    let layout = match base::make(&recipe, &cache, &mut |line| said.push(line.to_owned())).await {
        Ok(layout) => layout,
        Err(error @ (base::BaseError::Packages { .. } | base::BaseError::Bootstrap { .. })) => {
            return skip(test, &error.to_string());
        }
        Err(error) => panic!("{error:?}"),
    };
    let again = base::make(&recipe, &cache, &mut |line| panic!("said {line}")).await.unwrap();
    assert_eq!(layout.root(), again.root());
    let image = layout.image(&recipe.reference, &Platform::native()).await.unwrap();
    assert_eq!(image.config().config.cmd.as_deref(), Some(&["python3".to_owned()][..]));
    assert_eq!(image.layers().len(), 1);
}
