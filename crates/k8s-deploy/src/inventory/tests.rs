use jiff::Timestamp;
use notes_oci::{Digest, Pinned};
use serde_json::json;

use super::*;
use crate::{Provenance, manifest};

fn object(kind: &str, name: &str) -> Object {
    Object::new(
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "apps"}}),
    )
}

fn release(commit: &str, objects: &[Object]) -> Release {
    let image: Pinned = format!("user/app@{}", Digest::of(commit)).parse().unwrap();
    let provenance = Provenance {
        commit: commit.into(),
        short: commit.into(),
        subject: None,
        by: None,
        pipeline: None,
        at: Timestamp::UNIX_EPOCH,
    };
    Release::restore("web".into(), "apps".into(), image, provenance, objects.to_vec())
}

fn applied(object: &Object, uid: &str, created: &str, change: Change) -> Applied {
    let mut live = object.clone();
    live.as_value_mut()["metadata"]["uid"] = uid.into();
    live.as_value_mut()["metadata"]["creationTimestamp"] = created.into();
    let resource = manifest::resource("v1", object.kind()).unwrap();
    Applied { id: object.id(), change, live, resource }
}

const EARLY: &str = "2026-01-01T00:00:00Z";
const LATE: &str = "2026-01-01T00:01:00Z";

#[test]
fn what_was_there_before_is_not_ours() {
    let (ours, found) = (object("ConfigMap", "ours"), object("ConfigMap", "found"));
    let made = after(
        &[],
        &[
            applied(&ours, "1", LATE, Change::Created),
            applied(&found, "2", EARLY, Change::Configured),
            applied(&object("Namespace", "apps"), "3", LATE, Change::Created),
        ],
    );
    assert_eq!(names(&made), ["ours"]);
    let again = after(&made, &[applied(&ours, "1", LATE, Change::Unchanged)]);
    assert_eq!(names(&again), ["ours"]);
    let replaced = after(&made, &[applied(&ours, "9", LATE, Change::Configured)]);
    assert_eq!(names(&replaced), [""; 0], "somebody has deleted it and made another");
    assert_eq!(names(&after(&made, &[])), ["ours"], "a release without it does not forget it");
}

#[test]
fn what_a_killed_deploy_made_is_told_by_its_age() {
    let (new, found) = (object("ConfigMap", "new"), object("ConfigMap", "found"));
    let killed = Record::begin(&release("b", &[new.clone(), found.clone()]));
    let begun = "2026-01-01T00:00:30Z".parse().unwrap();
    let doubtful = before(&History::of(vec![killed.clone()]), &inherit(&killed, Some(begun)));
    assert_eq!(names(&doubtful), ["new", "found"]);
    let live = [
        applied(&new, "1", LATE, Change::Unchanged),
        applied(&found, "2", EARLY, Change::Unchanged),
    ];
    assert_eq!(names(&after(&doubtful, &live)), ["new"]);
    assert!(doubtful[0].is(&live[0].live) && !doubtful[1].is(&live[1].live));
    let again = Record { made: doubtful.clone(), ..killed };
    assert_eq!(inherit(&again, None), doubtful, "the next was killed as well");
}

#[test]
fn what_goes_goes_at_its_moment() {
    let all = [
        object("ConfigMap", "both"),
        object("ConfigMap", "former"),
        object("ConfigMap", "failed"),
        object("ResourceQuota", "failed-quota"),
    ];
    let made = |object: &Object| Made {
        id: object.id(),
        api_version: "v1".into(),
        proof: Proof::Uid("1".into()),
    };
    let made: Vec<Made> = all.iter().map(made).collect();
    let stood = Record::begin(&release("a", &all[..2]));
    let next = release("c", &all[..1]);
    let leftovers = leftovers(&made, &next, Some(&stood));
    assert_eq!(names(&leftovers.former), ["former"]);
    assert_eq!(names(&leftovers.failed), ["failed"]);
    assert_eq!(names(&leftovers.obstacles), ["failed-quota"]);
}

#[test]
fn a_release_that_shares_nothing_is_another_application() {
    let (web, worker) = (object("Service", "web"), object("Service", "worker"));
    let made = |object: &Object| Made {
        id: object.id(),
        api_version: "v1".into(),
        proof: Proof::Uid("1".into()),
    };
    let next = release("b", std::slice::from_ref(&worker));
    assert!(is_foreign(&[made(&web)], &next));
    assert!(!is_foreign(&[made(&web), made(&worker)], &next));
    assert!(!is_foreign(&[], &next));
}

#[test]
fn a_custom_object_is_found_though_its_namespace_came_late() {
    let mut custom = object("Database", "main");
    let id = custom.id();
    custom.as_value_mut()["metadata"]["namespace"] = serde_json::Value::Null;
    assert!(is_named(&custom, "apps", &id));
    assert!(!is_named(&custom, "other", &id));
}

fn names(made: &[Made]) -> Vec<&str> {
    made.iter().map(|made| made.id.name.as_str()).collect()
}
