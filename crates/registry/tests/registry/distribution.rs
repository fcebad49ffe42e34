//! CNCF distribution (`docker-registry`, a Debian package) as an independent server.

use notes_oci::{ImageSink, ImageSource};
use notes_registry::Outcome;
use notes_testkit::Distribution;

use crate::images::{hearing, image, platform, read_layers};

#[tokio::test]
async fn distribution_takes_what_we_push_and_we_what_it_has() {
    let test = "distribution_takes_what_we_push_and_we_what_it_has";
    let Some(registry) = Distribution::start(test) else { return };
    let (remote, heard) = hearing();
    let (image, name) = (image(1, &[0, 5, 3_000_000]), registry.reference("team/base:1"));
    remote.write(&image, &name).await.unwrap();
    let pulled = remote.image(&name, &platform()).await.unwrap();
    assert_eq!(pulled, image);
    assert_eq!(read_layers(&pulled).await.unwrap(), [0, 5, 3_000_000]);

    heard.outcomes.lock().unwrap().clear();
    remote.write(&pulled, &registry.reference("team/app:1")).await.unwrap();
    assert_eq!(
        *heard.outcomes.lock().unwrap(),
        [Outcome::Mounted, Outcome::Mounted, Outcome::Mounted, Outcome::Uploaded]
    );
    let error = remote
        .write(&crate::images::image(2, &[1]), &registry.reference("team/app:1"))
        .await
        .unwrap_err();
    assert!(error.hint().unwrap().contains("--overwrite"), "{error}");
}
