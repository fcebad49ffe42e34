//! `notes-build check`: what is found, how it is written, and how it ends.

use serde_json::Value;

use crate::world::{Ran, World};

const FAULTY: &str = "FROM scratch AS App\nCOPY Dockerfile /\nCMD exec app\n";

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn rules(ran: &Ran) -> Vec<String> {
    let report = json(ran);
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_are_shown_and_no_failure() {
    let Some(world) = World::new("findings_are_shown_and_no_failure").await else { return };
    world.commit(FAULTY);
    insta::assert_snapshot!(world.run(&["check"]), @r#"
    warning: stage name `App` is not in lower case (StageNameCasing)
     --> Dockerfile:1:17
      |
    1 | FROM scratch AS App
      |                 ^^^
    hint: write `app`
    warning: `CMD` runs in a shell that keeps signals from the program (JSONArgsRecommended)
     --> Dockerfile:3:1
      |
    3 | CMD exec app
      | ^^^^^^^^^^^^
    hint: write `CMD ["program", "argument"]`
         Checked 2 findings in `Dockerfile`
    exit code 0
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_found_is_said() {
    let Some(world) = World::new("nothing_found_is_said").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    insta::assert_snapshot!(world.run(&["check", "--strict"]), @r"
         Checked `Dockerfile`: nothing found
    exit code 0
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_or_the_caller_makes_findings_errors() {
    let test = "the_file_or_the_caller_makes_findings_errors";
    let Some(world) = World::new(test).await else { return };
    world.commit(FAULTY);
    assert_eq!(world.run(&["check"]).status, 0);
    let strict = world.run(&["check", "--strict"]);
    assert!(strict.stderr.ends_with("error: 2 findings in `Dockerfile`\n"), "{strict}");
    assert_eq!(strict.status, 8);
    world.commit(&format!("# check=error=true\n{FAULTY}"));
    assert_eq!(world.run(&["check"]).status, 8);
    world.commit(&format!("# check=skip=all;error=true\n{FAULTY}"));
    assert_eq!(world.run(&["check"]).status, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_chosen_in_the_file_and_by_the_caller() {
    let test = "rules_are_chosen_in_the_file_and_by_the_caller";
    let Some(world) = World::new(test).await else { return };
    let check = |arguments: &[&str]| {
        let all = [&["check", "--format", "json"][..], arguments].concat();
        rules(&world.run(&all))
    };
    world.commit(&format!("# check=skip=StageNameCasing\n{FAULTY}"));
    assert_eq!(check(&[]), ["JSONArgsRecommended"]);
    assert_eq!(check(&["--skip", "JSONArgsRecommended"]), <[&str; 0]>::default());
    world.commit(&format!("# a word\nARG X=1\n{FAULTY}"));
    assert_eq!(check(&["--skip", "StageNameCasing,JSONArgsRecommended"]), <[&str; 0]>::default());
    let experimental = ["--experimental", "InvalidDefinitionDescription", "--skip=StageNameCasing"];
    assert_eq!(check(&experimental), ["InvalidDefinitionDescription", "JSONArgsRecommended"]);
    world.commit("FROM scratch AS App\nCOPY Dockerfile /\n# check=skip=all\nCMD exec app\n");
    assert_eq!(check(&[]), ["StageNameCasing"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_does_not_exist() {
    let Some(world) = World::new("a_rule_that_does_not_exist").await else { return };
    world.commit("# check=skip=jsonargsrecommended\nFROM scratch\nCOPY Dockerfile /\n");
    insta::assert_snapshot!(world.run(&["check", "--skip", "StageNameCase"]).failure(), @r"
    error: `--skip` names `StageNameCase`, which is no rule
    hint: did you mean `StageNameCasing`?
    exit code 2
    ");
    insta::assert_snapshot!(world.run(&["check"]), @r"
    warning: `jsonargsrecommended` in `# check=` is no rule
     --> Dockerfile:1:9
      |
    1 | # check=skip=jsonargsrecommended
      |         ^^^^^^^^^^^^^^^^^^^^^^^^
    hint: did you mean `JSONArgsRecommended`?
         Checked `Dockerfile`: nothing found
    exit code 0
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_as_json() {
    let Some(world) = World::new("findings_as_json").await else { return };
    world.commit("FROM scratch AS App\nCOPY Dockerfile /\n");
    let ran = world.run(&["check", "--format=json", "--strict", "--quiet"]);
    assert_eq!(ran.status, 8, "{ran}");
    insta::assert_snapshot!(ran.stdout, @r#"
    {
      "dockerfile": "Dockerfile",
      "findings": [
        {
          "rule": "StageNameCasing",
          "description": "Stage names are written in lower case.",
          "severity": "error",
          "message": "stage name `App` is not in lower case",
          "hint": "write `app`",
          "start": {
            "line": 1,
            "column": 17,
            "offset": 16
          },
          "end": {
            "line": 1,
            "column": 20,
            "offset": 19
          }
        }
      ]
    }
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_as_a_code_quality_report() {
    let Some(world) = World::new("findings_as_a_code_quality_report").await else { return };
    world.commit("FROM scratch AS App\nCOPY Dockerfile /\n");
    let ran = world.run(&["check", "--format", "gitlab"]);
    insta::assert_snapshot!(ran.stdout, @r#"
    [
      {
        "description": "stage name `App` is not in lower case (write `app`)",
        "check_name": "StageNameCasing",
        "fingerprint": "d189f560487f91e6e64a154eda90cfc3de943b14ed658d272e7fa17e1bf6c285",
        "severity": "minor",
        "location": {
          "path": "Dockerfile",
          "lines": {
            "begin": 1
          }
        }
      }
    ]
    "#);
    // A line above moves the finding and leaves it the same one; two equal findings are two.
    world.commit("# a line\nFROM scratch AS App\nCOPY Dockerfile /\nFROM scratch AS App\n");
    let moved = json(&world.run(&["check", "--format", "gitlab"]));
    let of = |index: usize, field: &str| moved[index][field].clone();
    assert_eq!(of(0, "fingerprint"), json(&ran)[0]["fingerprint"]);
    assert_eq!(moved[0]["location"]["lines"]["begin"], 2);
    let names = [of(0, "check_name"), of(1, "check_name"), of(2, "check_name")];
    assert_eq!(names, ["StageNameCasing", "DuplicateStageName", "StageNameCasing"]);
    assert_ne!(of(0, "fingerprint"), of(2, "fingerprint"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_built_is_reported_too() {
    let test = "a_file_that_cannot_be_built_is_reported_too";
    let Some(world) = World::new(test).await else { return };
    for dockerfile in ["FROM scratch\nCOPPY . /\n", "FROM scratch\nCOPY --from=0 a /\n"] {
        world.commit(dockerfile);
        let ran = world.run(&["check", "--format", "gitlab"]);
        assert_eq!(ran.status, 3, "{ran}");
        let report = json(&ran);
        assert_eq!(report[0]["severity"], "blocker", "{ran}");
        assert_eq!(report[0]["location"]["lines"]["begin"], 2, "{ran}");
        assert!(ran.stderr.contains(" --> Dockerfile:2:"), "{ran}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn base_images_are_looked_at() {
    let Some(world) = World::new("base_images_are_looked_at").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\nENV HOME_OF_APP=/srv\n");
    let built = world.build(&["--platform", "linux/arm64", "--tag", "base"]);
    assert_eq!(built.status, 0, "{built}");
    let base = format!("{}:base", world.image());
    world.commit(&format!("FROM {base}\nWORKDIR $HOME_OF_APP\nUSER $NOBODY_KNOWS\n"));
    let check = |arguments: &[&str]| {
        let all = [&["check", "--platform=linux/amd64", "--format=json"][..], arguments].concat();
        let ran = world.run(&all);
        assert_eq!(ran.status, 0, "{ran}");
        rules(&ran)
    };
    // An image that is in no index is read whatever its platform, and so its variables are known.
    assert_eq!(check(&[]), ["InvalidBaseImagePlatform", "UndefinedVar"]);
    assert_eq!(check(&["--offline"]), <[&str; 0]>::default());
    let right = world.run(&["check", "--platform=linux/arm64", "--format=json"]);
    assert_eq!(rules(&right), ["UndefinedVar"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_platform_is_checked() {
    let Some(world) = World::new("every_platform_is_checked").await else { return };
    world.commit("FROM scratch\nCOPY Dockerfile /\n");
    let built = world.build(&["--platform", "linux/arm64", "--tag", "base"]);
    assert_eq!(built.status, 0, "{built}");
    world.commit(&format!("FROM {}:base AS App\nCOPY Dockerfile /\n", world.image()));
    let ran = world.run(&["check", "--platform=linux/arm64,linux/amd64", "--format=json"]);
    // What is found for both is found once.
    assert_eq!(rules(&ran), ["InvalidBaseImagePlatform", "StageNameCasing"]);
    world.commit("FROM scratch\nRUN make\n");
    let ran = world.run(&["check", "--platform=linux/amd64,linux/s390x", "--format=json"]);
    assert_eq!(rules(&ran), ["Unusable"]);
    assert!(ran.stderr.contains("this command is for linux/s390x"), "{ran}");
    // The build for one platform may be done elsewhere.
    assert_eq!(world.run(&["check", "--platform=linux/s390x"]).status, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_image_that_cannot_be_had_is_named() {
    let Some(world) = World::new("a_base_image_that_cannot_be_had_is_named").await else { return };
    world.commit(&format!("FROM {}/no/base:1 AS App\n", world.registry.registry()));
    let ran = world.run(&["check"]);
    assert_eq!(ran.status, 0, "{ran}");
    assert!(ran.stderr.starts_with("warning: there is no image `REGISTRY/no/base:1`"), "{ran}");
    assert!(
        ran.stderr.contains("; its platform and variables are unknown\nhint: `--offline`"),
        "{ran}"
    );
    assert!(ran.stderr.contains("(StageNameCasing)"), "{ran}");
}
