//! Faults on a real node with real pods: each folder of `tests/faults` is one, and what is said of it.
//!
//! Prints a table of the faults, their causes and the times, as it stands in `docs/faults.md`.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    ground::{Ground, cases, in_turns},
    world::Place,
};

/// What may pass is waited for, up to two minutes; the cause is named long before.
const TIMEOUT: &str = "45s";

/// A fault: the manifests that have it.
struct Fault {
    name: String,
    folder: PathBuf,
    manifests: String,
    /// How long after the deploy began it is there for anybody to see, as the first line of the manifests says.
    onset: Duration,
    /// Whether it is there because somebody deletes the Deployment then, as the second line may say.
    comes: Comes,
}

/// How a fault comes to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comes {
    WithTheManifests,
    ByDeleting,
}

/// What `notes-deploy` made of a fault.
struct Explained {
    name: String,
    folder: PathBuf,
    /// From `error:` on, without what differs from run to run.
    failure: String,
    /// From the onset until the cause was named.
    named: Duration,
    /// From the onset until the deploy ended.
    decided: Duration,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_named_with_its_cause() {
    let test = "every_fault_is_named_with_its_cause";
    let Some(ground) = Ground::prepare(test).await else { return };
    let ground = Arc::new(ground);
    let mut all = in_turns(faults(), |fault| {
        let ground = Arc::clone(&ground);
        async move {
            let place = Place::find(&format!("fault-{}", fault.name)).await.unwrap();
            let (place, comes, onset) = (Arc::new(place), fault.comes, fault.onset);
            let deleting = Arc::clone(&place);
            let deleting = async move {
                if comes == Comes::ByDeleting {
                    tokio::time::sleep(onset).await;
                    deleting.delete("apps/v1", "Deployment", "web").await;
                }
            };
            let injecting = tokio::task::spawn_blocking(move || inject(&ground, &fault, &place));
            tokio::join!(injecting, deleting).0.unwrap()
        }
    })
    .await;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let _ = write!(std::io::stdout(), "{}", table(&all));
    let wrong: Vec<_> = all.iter().filter_map(Explained::difference).collect();
    // A loaded machine may show a fault at another moment than a person would see it.
    let allowed = all.len() / 20;
    assert!(wrong.len() <= allowed, "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

impl Explained {
    /// Returns what is said and what was to be said, where that is not the same. With `NOTES_TEST_UPDATE`, it is from now on.
    fn difference(&self) -> Option<String> {
        let path = self.folder.join("said.txt");
        if std::env::var_os("NOTES_TEST_UPDATE").is_some() {
            fs::write(&path, &self.failure).unwrap();
        }
        let wanted = fs::read_to_string(&path).unwrap_or_default();
        let Self { name, failure, .. } = self;
        (wanted != *failure).then(|| format!("{name}\n{failure}instead of\n{wanted}"))
    }
}

fn faults() -> Vec<Fault> {
    let fault = |folder: PathBuf| {
        let manifests = fs::read_to_string(folder.join("k8s.yaml")).unwrap();
        let onset = manifests.strip_prefix("# onset: ").map_or(0, |rest| {
            let (seconds, _) = rest.split_once(" s\n").expect("seconds");
            seconds.parse().unwrap()
        });
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let comes = if manifests.contains("\n# then: delete deployment/web\n") {
            Comes::ByDeleting
        } else {
            Comes::WithTheManifests
        };
        Fault { name, folder, manifests, onset: Duration::from_secs(onset), comes }
    };
    cases("faults", "NOTES_TEST_FAULT").into_iter().map(fault).collect()
}

/// Deploys what has the fault, and reads along.
fn inject(ground: &Ground, fault: &Fault, place: &Place) -> Explained {
    let manifests = ground.manifests(&fault.manifests, place);
    fs::write(place.directory.path().join("k8s.yaml"), manifests).unwrap();
    let image = ground.image.to_string();
    let begun = Instant::now();
    let mut child = place
        .command(&["-f", "k8s.yaml", "--image", &image, "--timeout", TIMEOUT])
        .spawn()
        .unwrap();
    let lines: Vec<(Duration, String)> = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(|line| (begun.elapsed(), without_count(&line.unwrap()).to_owned()))
        .collect();
    let code = child.wait().unwrap().code();
    let since_onset = |moment: Duration| moment.saturating_sub(fault.onset);
    let start = lines.iter().rposition(|(_, line)| line.starts_with("error: "));
    let failure = start.map_or(&lines[lines.len()..], |start| &lines[start..]);
    let cause = failure.first().map_or("", |(_, line)| cause(line));
    let named = lines.iter().find(|(_, line)| !cause.is_empty() && line.contains(cause));
    let decided = lines.last().map_or(Duration::ZERO, |(moment, _)| *moment);
    let mut text: String = failure.iter().flat_map(|(_, line)| [line, "\n"]).collect();
    let _ = writeln!(text, "exit {}", code.expect("no signal ends it"));
    Explained {
        name: fault.name.clone(),
        folder: fault.folder.clone(),
        failure: without_names(ground, &text, place),
        named: since_onset(named.map_or(decided, |(moment, _)| *moment)),
        decided: since_onset(decided),
    }
}

/// Replaces what differs from run to run.
fn without_names(ground: &Ground, text: &str, place: &Place) -> String {
    let text = text
        .replace(ground.open.registry().as_str(), "REGISTRY")
        .replace(ground.private.registry().as_str(), "PRIVATE")
        .replace(&place.namespace, "NAMESPACE");
    let words = text.split_inclusive([' ', '\n']);
    let text: String = words
        .map(|word| match word.split_once("/web-") {
            Some((kind @ ("pod" | "replicaset"), name)) => {
                let end = name.find([':', ' ', '\n']).unwrap_or(name.len());
                format!("{kind}/web-…{}", &name[end..])
            }
            _ => word.to_owned(),
        })
        .collect();
    // A Deployment says the same as its ReplicaSet, a moment later.
    text.replace("replicaset/web-…: ", "")
}

/// Returns the sentence about the cause, without where it is.
fn cause(error: &str) -> &str {
    let (_, sentence) = error.split_once("deployment/web: ").unwrap_or_default();
    match sentence.split_once(": ") {
        Some((place, sentence))
            if place.starts_with("pod/") || place.starts_with("replicaset/") =>
        {
            sentence
        }
        _ => sentence,
    }
}

/// Drops how often it came: that depends on when one looks.
fn without_count(line: &str) -> &str {
    let digits = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let line = line.strip_suffix(" times").map_or(line, |line| &line[..digits(line)]);
    [", once", ", twice", ", "].iter().find_map(|end| line.strip_suffix(end)).unwrap_or(line)
}

fn table(all: &[Explained]) -> String {
    let mut text = "\n| fault | what is said | named | decided |\n|---|---|--:|--:|\n".to_owned();
    for Explained { name, failure, named, decided, .. } in all {
        let said = failure.lines().next().unwrap_or_default().replace('|', "\\|");
        let said = said.strip_prefix("error: ").unwrap_or(&said);
        let (named, decided) = (named.as_secs_f32(), decided.as_secs_f32());
        let _ = writeln!(text, "| {name} | {said} | {named:.1} s | {decided:.1} s |");
    }
    let mut times: Vec<_> = all.iter().map(|explained| explained.named).collect();
    times.sort_unstable();
    if let (Some(middle), Some(late)) =
        (times.get(times.len() / 2), times.get(times.len() * 95 / 100))
    {
        let (middle, late) = (middle.as_secs_f32(), late.as_secs_f32());
        let _ = writeln!(
            text,
            "\n{} faults, named after {middle:.1} s (median), {late:.1} s (95 %)",
            all.len()
        );
    }
    text
}
