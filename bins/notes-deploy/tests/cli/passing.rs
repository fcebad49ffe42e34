//! What passes by itself on a real node: each folder of `tests/transients` is one, and none may be called a failure.
//!
//! The first line of the manifests may say what else happens: `# later: 4 s` applies `later.yaml` after so long, and
//! `# registry: 503` has the first request for the image that they pull answered so. What is in `before.yaml` is deployed before.

use std::{fs, path::Path, time::Duration};

use notes_testkit::registry::{Fault, Matching};

use crate::{
    ground::{Ground, cases, in_turns},
    world::{Ended, Place},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_by_itself_is_no_failure() {
    let test = "what_passes_by_itself_is_no_failure";
    if Ground::prepare(test).await.is_none() {
        return;
    }
    let ended = in_turns(cases("transients", "NOTES_TEST_TRANSIENT"), |folder| async move {
        let name = folder.file_name().unwrap().to_str().unwrap();
        // A registry of its own: what it is told to break is for these pods.
        let ground = Ground::prepare(name).await.unwrap();
        let place = Place::find(&format!("passes-{name}")).await.unwrap();
        let ended = deploy(&folder, &ground, &place).await;
        (name.to_owned(), ended, ground.open.pending() > 0)
    })
    .await;
    let mut wrong = Vec::new();
    for (name, ended, never_asked) in ended {
        if never_asked {
            wrong.push(format!("{name}: nobody asked the registry"));
        }
        if ended.code != Some(0) {
            wrong.push(format!("{name}\n{ended}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Deploys the manifests of `folder`, and has happen what they say.
async fn deploy(folder: &Path, ground: &Ground, place: &Place) -> Ended {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let manifests = read("k8s.yaml").unwrap();
    let directive = |key: &str| {
        let first = manifests.lines().next()?;
        first.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": ")
    };
    let image = ground.image.to_string();
    let begin = |text: &str| {
        let text = ground.manifests(text, place);
        fs::write(place.directory.path().join("k8s.yaml"), text).unwrap();
        place.command(&["-f", "k8s.yaml", "--image", &image]).spawn().unwrap()
    };
    if let Some(before) = read("before.yaml") {
        let _ = Ended::of(begin(&before));
    }
    if let Some(status) = directive("registry") {
        let fault = match status.parse().unwrap() {
            429 => Fault::TooManyRequests(1),
            status => Fault::Status(status),
        };
        ground.open.plan(Matching::any().path("/manifests/"), fault);
    }
    let later = directive("later").map(|text| {
        let seconds = text.strip_suffix(" s").unwrap().parse().unwrap();
        (Duration::from_secs(seconds), ground.manifests(&read("later.yaml").unwrap(), place))
    });
    let child = begin(&manifests);
    let deploying = tokio::task::spawn_blocking(move || Ended::of(child));
    if let Some((delay, object)) = later {
        tokio::time::sleep(delay).await;
        place.apply(&object).await;
    }
    deploying.await.unwrap()
}
