//! What [`judge`] says of random objects, against what kubectl and kstatus said of them. `kubectl/` holds the Go program that
//! asked them, and the answers; nothing here needs Go. Where we differ on purpose, the docs of [`judge`] say why.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use notes_k8s_deploy::{Object, Verdict, judge};
use serde_json::Value;

const DOCS: &str = include_str!("../src/docs/judge.md");

/// Reads the answers; `NOTES_KUBECTL_CORPUS` names a folder with more of them.
fn cases(name: &str) -> Vec<Value> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl");
    let folder = std::env::var_os("NOTES_KUBECTL_CORPUS").map_or(beside, PathBuf::from);
    let text = fs::read_to_string(folder.join(format!("{name}.jsonl"))).expect("the answers");
    let cases: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect();
    assert!(cases.len() >= 500, "only {} cases of {name}", cases.len());
    cases
}

/// Shows the first differences, and fails if there is one.
fn conclude(name: &str, differences: &[String]) {
    let shown = differences.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} differences in {name}:\n{shown}", differences.len());
}

fn state(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Progressing { .. } => "progressing",
        Verdict::Complete { .. } => "complete",
        Verdict::Failed { .. } => "failed",
    }
}

#[test]
fn workloads_stand_as_kubectl_says_and_in_its_words() {
    let mut differences = Vec::new();
    let mut sentences = BTreeMap::new();
    for case in cases("workloads") {
        let ours = judge(&Object::new(case["object"].clone()));
        let error = case["error"].as_str();
        let theirs = match (case["done"] == true, error) {
            (true, _) => "complete",
            (false, Some(_)) => "failed",
            (false, None) => "progressing",
        };
        let text = error.or(case["text"].as_str()).expect("kubectl always says something");
        *sentences.entry(text.replace(|c: char| c.is_ascii_digit(), "")).or_insert(0) += 1;
        if (state(&ours), ours.message()) != (theirs, text) {
            differences.push(format!("{}\n    {ours:?}\n    {theirs}: {text}", case["object"]));
        }
    }
    conclude("workloads", &differences);
    // One sentence for each rule, for each of the three names where the name is in it.
    assert!(sentences.len() >= 20, "not every rule is met: {sentences:#?}");
}

#[test]
fn other_kinds_stand_as_kstatus_says_or_the_docs_say_why() {
    let mut differences = Vec::new();
    let mut explained: BTreeMap<&str, usize> = EXPLAINED.iter().map(|what| (*what, 0)).collect();
    for case in cases("kinds") {
        let object = Object::new(case["object"].clone());
        let ours = judge(&object);
        let theirs = match case["state"].as_str() {
            Some("Current") => "complete",
            Some("InProgress" | "Terminating") => "progressing",
            Some("Failed") => "failed",
            _ => "an error",
        };
        if state(&ours) == theirs {
            continue;
        }
        match explanation(&object, theirs, state(&ours)) {
            Some(what) => *explained.entry(what).or_default() += 1,
            None => differences.push(format!("{}\n    {ours:?}\n    {theirs}", case["object"])),
        }
    }
    conclude("kinds", &differences);
    for (what, count) in explained {
        assert!(count > 0, "nothing differs by `{what}` any more");
        assert!(DOCS.contains(&format!("\n| {what} |")), "`{what}` is not in the docs");
    }
}

const POD_FAILED: &str = "a pod with the phase `Failed`";
const CRASH_LOOP: &str =
    "a container that ends again and again, in a pod of any phase, init containers too";
const IMAGE_LOST: &str =
    "an image that does not exist, is denied, is for another platform or has no valid name";
const UNPLACED: &str = "a pod that no node takes";
const NO_PHASE: &str = "a pod of a phase that does not exist";
const JOB_RUNS: &str = "a Job that runs";
const JOB_SUSPENDED: &str = "a Job that is suspended";
const JOB_FAILING: &str = "a Job with `FailureTarget`";
const PODS_REFUSED: &str = "a `ReplicaSet` whose pods a quota or admission refuses";
const CLAIM_UNUSED: &str = "a claim that is pending without a provisioner at work";
const CLAIM_LOST: &str = "a claim that has lost its volume";
const NO_ADDRESS: &str = "a `LoadBalancer` without an address";
const UNAVAILABLE: &str = "`Available` is not true and there is no `Ready`";

const EXPLAINED: [&str; 13] = [
    POD_FAILED,
    CRASH_LOOP,
    IMAGE_LOST,
    UNPLACED,
    NO_PHASE,
    JOB_RUNS,
    JOB_SUSPENDED,
    JOB_FAILING,
    PODS_REFUSED,
    CLAIM_UNUSED,
    CLAIM_LOST,
    NO_ADDRESS,
    UNAVAILABLE,
];

/// Returns the row of the docs that says why we differ.
fn explanation(object: &Object, theirs: &str, ours: &str) -> Option<&'static str> {
    let text = object.as_value().to_string();
    let phase = object.text("/status/phase").unwrap_or_default();
    let holds = |kind: &str| object.condition(kind).is_some_and(|c| c["status"] == "True");
    let is_unused =
        object.at("/metadata/annotations").is_none() || text.contains("example.com/other");
    match (object.kind(), theirs, ours) {
        ("Pod", "complete", "failed") if phase == "Failed" => Some(POD_FAILED),
        ("Pod", "an error", _) if phase == "Unknown" => Some(NO_PHASE),
        ("Pod", "progressing", "failed") if text.contains("CrashLoopBackOff") => Some(CRASH_LOOP),
        ("Pod", "progressing", "failed") if text.contains("Image") => Some(IMAGE_LOST),
        ("Pod", "failed", "progressing") if phase == "Pending" => Some(UNPLACED),
        ("Job", "complete", "progressing") if object.at("/status/startTime").is_some() => {
            Some(JOB_RUNS)
        }
        ("Job", "progressing", "complete") if holds("Suspended") => Some(JOB_SUSPENDED),
        ("Job", "complete" | "progressing", "failed") if holds("FailureTarget") => {
            Some(JOB_FAILING)
        }
        ("ReplicaSet", "progressing", "failed") if text.contains("FailedCreate") => {
            Some(PODS_REFUSED)
        }
        ("PersistentVolumeClaim", "progressing", "complete") if phase == "Pending" && is_unused => {
            Some(CLAIM_UNUSED)
        }
        ("PersistentVolumeClaim", "progressing", "failed") if phase == "Lost" => Some(CLAIM_LOST),
        ("Service", "complete", "progressing") if text.contains("LoadBalancer") => Some(NO_ADDRESS),
        (_, "complete", "progressing")
            if object.condition("Ready").is_none() && object.condition("Available").is_some() =>
        {
            Some(UNAVAILABLE)
        }
        _ => None,
    }
}
