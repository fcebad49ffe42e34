//! One deploy of an application at a time, and none that stays in the way after it was killed.

use std::{
    fs,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use notes_oci::Pinned;
use notes_testkit::{Chance, Length, skip};

use crate::{
    ground::Ground,
    web::Web,
    world::{Ended, Place},
};

/// How many deploys the ordinary run kills, and the long one.
const KILLS: (usize, usize) = (3, 50);

/// A release that takes this many seconds until it is ready, with `ConfigMaps` that tell it from the others.
fn release(round: usize, seconds: usize, command: &str) -> String {
    let web = Web { command, seconds, round, ..Web::default() };
    let config_map = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{round: \"{round}\"}}\n"
        )
    };
    let extra = format!("extra-{}", round % 3);
    format!("{web}{}{}", config_map("settings"), config_map(&extra))
}

const RUNS: &str = "[sleep, '3600']";
const FAILS: &str = "[no-such-program]";

fn begin(place: &Place, manifests: &str, image: &Pinned, more: &[&str], url: &str) -> Child {
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let image = image.to_string();
    let mut command = place.command(&[&["-f", "k8s.yaml", "--image", &image], more].concat());
    command.env("CI_JOB_URL", url).env("GITLAB_USER_LOGIN", "ada");
    command.spawn().unwrap()
}

async fn is_locked(place: &Place) -> bool {
    place.object("v1", "Secret", "notes-deploy.web.lock").await.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_deploy_waits_or_says_who_is_first() {
    let test = "a_second_deploy_waits_or_says_who_is_first";
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    let url = "https://ci.example.com/1";
    let first = begin(&place, &release(1, 8, RUNS), &ground.image, &[], url);
    let begun = Instant::now();
    while !is_locked(&place).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", Ended::of(first));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = ["--wait-for-lock", "1s"];
    let second = begin(&place, &release(2, 1, RUNS), &ground.image, &second, "https://ci/2");
    let second = Ended::of(second);
    assert_eq!(second.code, Some(12), "{second}");
    let failure = second.failure();
    assert!(failure.starts_with("error: `web` is being deployed already: "), "{failure}");
    assert!(failure.contains(" by ada since 2") && failure.contains(url), "{failure}");
    let third = begin(&place, &release(3, 1, RUNS), &ground.image, &[], "https://ci/3");
    let (first, third) = (Ended::of(first), Ended::of(third));
    assert_eq!((first.code, third.code), (Some(0), Some(0)), "{first}\n{third}");
    assert!(third.stderr.contains("Waiting for the deploy of "), "{third}");
    assert_eq!(round(&place).await, ["3", "3"], "{third}");
    assert!(!is_locked(&place).await, "{third}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_that_is_stopped_gives_the_lock_back() {
    let test = "a_deploy_that_is_stopped_gives_the_lock_back";
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    let child = begin(&place, &release(1, 600, RUNS), &ground.image, &[], "https://ci/1");
    while !is_locked(&place).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let ended = Ended::of(child);
    assert_eq!(ended.code, Some(143), "{ended}");
    assert!(!is_locked(&place).await, "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_of_a_machine_that_went_away_expires() {
    let test = "the_lock_of_a_machine_that_went_away_expires";
    if Length::from_env() == Length::Sample {
        return skip(test, "it takes half a minute, in a long run");
    }
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    let mut child = begin(&place, &release(1, 600, RUNS), &ground.image, &[], "https://ci/1");
    while !is_locked(&place).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    let _ = Ended::of(child);
    let elsewhere = "apiVersion: v1\nkind: Secret\nmetadata: {name: notes-deploy.web.lock, annotations: {notes-deploy/process: another machine}}\n";
    place.apply(elsewhere).await;
    let begun = Instant::now();
    let next = begin(&place, &release(2, 1, RUNS), &ground.image, &[], "https://ci/2");
    let next = tokio::task::spawn_blocking(|| Ended::of(next)).await.unwrap();
    assert_eq!(next.code, Some(0), "{next}");
    let took = begun.elapsed();
    assert!((25..50).contains(&took.as_secs()), "{took:?}: {next}");
    for said in ["Waiting for the deploy of ", " was killed; this one goes on from there"] {
        assert!(next.stderr.contains(said), "{next}");
    }
    assert_eq!(round(&place).await, ["2", "2"], "{next}");
    assert!(place.object("v1", "ConfigMap", "extra-1").await.is_none(), "{next}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_that_lost_its_lock_stops() {
    let test = "a_deploy_that_lost_its_lock_stops";
    if Length::from_env() == Length::Sample {
        return skip(test, "a lock is renewed every ten seconds, in a long run");
    }
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    let child = begin(&place, &release(1, 600, RUNS), &ground.image, &[], "https://ci/1");
    while !is_locked(&place).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    place.delete("v1", "Secret", "notes-deploy.web.lock").await;
    let ended = tokio::task::spawn_blocking(|| Ended::of(child)).await.unwrap();
    assert_eq!(ended.code, Some(12), "{ended}");
    assert!(ended.stderr.contains("the lock of `web` was lost"), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_at_any_moment_the_next_deploy_is_right() {
    let test = "after_a_kill_at_any_moment_the_next_deploy_is_right";
    let Some(ground) = Ground::prepare(test).await else { return };
    let place = Place::find(test).await.unwrap();
    let url = "https://ci/1";
    let begun = Instant::now();
    let first = Ended::of(begin(&place, &release(0, 1, RUNS), &ground.image, &[], url));
    assert_eq!(first.code, Some(0), "{first}");
    let took = begun.elapsed();
    let mut chance = Chance::new(test);
    for kill in chance.rounds(KILLS.0, KILLS.1) {
        let killed = 2 * kill + 1;
        // One that stands, or one that fails and goes back.
        let command = chance.pick(&[RUNS, FAILS]);
        let moment = chance.moment(took + took / 10);
        let manifests = release(killed, 1, command);
        let mut child = begin(&place, &manifests, &ground.image, &["--rollback"], url);
        thread::sleep(moment);
        // SIGKILL; fails where it has ended already, which is as good.
        let _ = child.kill();
        let ended = Ended::of(child);
        let next = killed + 1;
        let good = Ended::of(begin(&place, &release(next, 1, RUNS), &ground.image, &[], url));
        let context = format!("kill {kill} after {moment:?} of {command}: {ended}\n{good}");
        assert_eq!(good.code, Some(0), "{context}");
        let next_round = next.to_string();
        assert_eq!(round(&place).await, [next_round.as_str(), &next_round], "{context}");
        for extra in 0..3 {
            let name = format!("extra-{extra}");
            let is_there = place.object("v1", "ConfigMap", &name).await.is_some();
            assert_eq!(is_there, extra == next % 3, "{name}: {context}");
        }
        assert!(!is_locked(&place).await, "{context}");
        let again = Ended::of(begin(&place, &release(next, 1, RUNS), &ground.image, &[], url));
        assert!(again.code == Some(0) && again.stderr.contains("Unchanged"), "{context}\n{again}");
    }
    let history = place.run(&["history"]);
    let newest = history.stdout.lines().nth(1).unwrap_or_default();
    assert!(newest.contains("deployed"), "{history}");
}

/// Returns the rounds that the Deployment and the `ConfigMap` are of.
async fn round(place: &Place) -> Vec<String> {
    let deployment = place.object("apps/v1", "Deployment", "web").await.unwrap();
    let settings = place.object("v1", "ConfigMap", "settings").await.unwrap();
    let round = deployment.text("/spec/template/spec/containers/0/env/0/value").unwrap();
    vec![round.into(), settings.text("/data/round").unwrap().into()]
}
