use jiff::Timestamp;
use notes_console::{Failure, Kind};
use notes_k8s_deploy::{
    Object, Provenance, Release,
    diagnosis::{Cause, Diagnosis, Grade},
    evidence::{ContainerLog, Evidence, Moment, Redactor, Run, What},
    manifest, release,
    rollout::Outcome,
};
use notes_oci::{Digest, Reference};
use serde_json::json;

use super::{Ending, Report, Story, junit, markdown, text};

const MANIFESTS: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {}, template: {spec: {containers: [{name: web, image: user/app}]}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn release() -> Release {
    let provenance = Provenance {
        commit: "a3f92bd0000000000000000000000000000000aa".into(),
        short: "a3f92bd".into(),
        subject: Some("Add search | <b>".into()),
        by: Some("ada".into()),
        pipeline: Some("https://ci.example/1".into()),
        at: at(0),
    };
    let options = release::Options {
        app: "web".into(),
        namespace: "apps".into(),
        containers: vec![],
        provenance,
    };
    let image = "user/app:a3f92bd".parse::<Reference>().unwrap().pin(Digest::of(b"{}"));
    Release::prepare(manifest::parse("k", MANIFESTS).unwrap(), image, options).unwrap()
}

/// A deploy whose pods crash with a secret on their lips.
fn story() -> Story {
    let release = release();
    let ids: Vec<_> = release.objects().map(Object::id).collect();
    let moment = |second, what, index: usize, text: &str| Moment {
        at: at(second),
        what,
        object: Some(ids[index].clone()),
        text: text.into(),
    };
    let timeline = vec![
        moment(1, What::Applied, 0, "created"),
        moment(1, What::Applied, 1, "created"),
        moment(2, What::Judged, 1, "0 of 2 updated replicas are available..."),
        moment(9, What::Observed, 1, "pod/web-1 container web: it ended with exit code 3"),
    ];
    let diagnosis = Diagnosis {
        cause: Cause::CrashLoop,
        workload: ids[1].clone(),
        place: "pod/web-1 container web".into(),
        summary: "it ended with exit code 3, twice".into(),
        grade: Grade::Certain,
        evidence: vec!["log: the key canary-key is wrong\u{1b}".into()],
        hint: Some("is it the right key?".into()),
    };
    let mut redactor = Redactor::default();
    redactor.learn(&Object::new(json!({"kind": "Secret", "stringData": {"key": "canary-key"}})));
    let evidence = Evidence {
        events: vec![Object::new(json!({
            "type": "Warning", "reason": "BackOff", "message": "back-off", "count": 2,
            "lastTimestamp": "2027-01-15T08:00:09Z", "involvedObject": {"kind": "Pod", "name": "web-1"},
        }))],
        logs: vec![ContainerLog {
            namespace: "apps".into(),
            pod: "web-1".into(),
            container: "web".into(),
            run: Run::Previous,
            lines: vec!["starting".into()],
        }],
        missing: vec!["pods in apps: forbidden".into()],
        redactor,
        ..Evidence::default()
    };
    let ending = Ending {
        outcome: Some(Outcome::Failed { diagnoses: vec![diagnosis] }),
        failure: Some(
            Failure::message(Kind::Failed, "deployment/web: pod/web-1 ended")
                .with_hint("look at canary-key"),
        ),
        ..Ending::default()
    };
    Story { ended: at(10), ..Story::new(&release, &ending, at(0), timeline, evidence) }
}

#[test]
fn gitlab_gets_a_case_for_each_object() {
    insta::assert_snapshot!(junit::suites(&story()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="notes-deploy">
      <testsuite name="web a3f92bd in apps" tests="3" failures="1" errors="0" skipped="1" time="10.000" timestamp="2027-01-15T08:00:00Z">
        <testcase classname="apps" name="service/web" time="0.000"/>
        <testcase classname="apps" name="deployment/web" time="8.000">
          <failure type="CrashLoop" message="pod/web-1 container web: it ended with exit code 3, twice">pod/web-1 container web: it ended with exit code 3, twice
    log: the key [redacted] is wrong
    hint: is it the right key?</failure>
        </testcase>
        <testcase classname="apps" name="ingress/web" time="0.000">
          <skipped message="it was not applied"/>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn people_get_a_page() {
    let page = story().with_afterwards("web runs again at 1234567", vec![]);
    insta::assert_snapshot!(markdown::summary(&page), @r"
    ## web a3f92bd: failed

    **deployment/web: pod/web-1 ended**

    > look at \[redacted\]

    web runs again at 1234567

    | | |
    |---|---|
    | namespace | apps |
    | commit | `a3f92bd` Add search \| &lt;b> |
    | image | `docker.io/user/app@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a` |
    | by | ada |
    | pipeline | https://ci.example/1 |
    | took | 10 s |

    | object | | |
    |---|---|---|
    | service/web | passed | created |
    | deployment/web | **failed** | pod/web-1 container web: it ended with exit code 3, twice |
    | ingress/web | skipped | it was not applied |

    <details><summary>Evidence: pod/web-1 container web</summary>

    ```text
    log: the key [redacted] is wrong
    ```

    </details>

    <details><summary>Timeline</summary>

    ```text
    2027-01-15T08:00:10.000Z     10.0 s  failed     deployment/web: pod/web-1 ended
    2027-01-15T08:00:10.000Z     10.0 s  then       web runs again at 1234567
    ```

    </details>
    ");
}

#[test]
fn people_get_lines() {
    let story = story();
    let lines = [text::timeline(&story), text::events(&story), text::logs(&story)].join("--\n");
    insta::assert_snapshot!(lines, @r"
    2027-01-15T08:00:01.000Z      1.0 s  applied    service/web: created
    2027-01-15T08:00:01.000Z      1.0 s  applied    deployment/web: created
    2027-01-15T08:00:02.000Z      2.0 s  judged     deployment/web: 0 of 2 updated replicas are available...
    2027-01-15T08:00:09.000Z      9.0 s  observed   deployment/web: pod/web-1 container web: it ended with exit code 3
    2027-01-15T08:00:10.000Z     10.0 s  failed     deployment/web: pod/web-1 ended
    --
    2027-01-15T08:00:09Z  Warning  BackOff               pod/web-1  (x2)  back-off
    --
    ==> apps/web-1 web (previous) <==
    starting

    not read: pods in apps: forbidden
    ");
}

#[test]
fn a_refusal_before_anything_was_applied_is_a_failure_too() {
    let failure = Failure::message(Kind::Network, "nobody answers").with_hint("wait");
    let ending = Ending { failure: Some(failure), ..Ending::default() };
    let story = Story::new(&release(), &ending, at(0), vec![], Evidence::default());
    let suites = junit::suites(&Story { ended: at(1), ..story });
    assert!(suites.contains("tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"3\""), "{suites}");
    assert!(
        suites.contains("name=\"release a3f92bd\"") && suites.contains("hint: wait"),
        "{suites}"
    );
}

#[test]
fn files_are_whole_and_hold_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let report = Report::open(&directory.path().join("deep/report")).unwrap();
    report.write(&story()).unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(report.directory()).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read_to_string(&path).unwrap();
        assert!(!content.contains("canary"), "{}: {content}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "events.txt",
            "evidence.json",
            "junit.xml",
            "logs.txt",
            "objects.yaml",
            "summary.md",
            "timeline.txt"
        ]
    );
    let error = Report::open(&report.directory().join("junit.xml")).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
}
