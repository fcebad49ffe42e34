//! A record as a Secret: manifests may hold Secrets, so that nothing less will do.

use std::io::{Read, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;

use super::{Kept, Record, State};
use crate::{FIELD_MANAGER, Object, release::COMMIT};

/// The Secret's type, which tells it from those of people.
const TYPE: &str = "notes-deploy/release.v1";
/// The label with the application's name.
pub(super) const APP: &str = "notes-deploy/app";
/// The type of the Secret that is the lock.
const LOCK: &str = "notes-deploy/lock.v1";
/// The annotation of a lock that says which process has it.
pub(crate) const PROCESS: &str = "notes-deploy/process";
/// The annotation that says when a deploy began, by the clock of who deployed.
pub(crate) const AT: &str = "notes-deploy/at";
/// The annotation of a lock that was taken over, with when that was by the server's clock.
pub(crate) const BEGUN: &str = "notes-deploy/begun";
/// The annotation of a lock that changes when it is renewed.
pub(crate) const RENEWED: &str = "notes-deploy/renewed";
/// What a Secret may hold: 1 MiB of data (core/v1 `MaxSecretSize`).
const LARGEST_PACKED: usize = 1 << 20;
/// A record larger than this when unpacked is not one of ours.
const LARGEST: u64 = 64 << 20;

/// Returns the name of the Secret for a record.
pub(super) fn name(record: &Record) -> String {
    let Record { app, provenance, attempt, .. } = record;
    match attempt {
        1 => format!("notes-deploy.{app}.{}", provenance.short),
        _ => format!("notes-deploy.{app}.{}.{attempt}", provenance.short),
    }
}

/// Returns the name of the Secret that is the lock of an application.
pub(crate) fn lock_name(app: &str) -> String {
    format!("notes-deploy.{app}.lock")
}

/// Writes the record of a deploy that goes on as the lock of its application.
pub(crate) fn write_lock(record: &Record, process: &str) -> Object {
    let (mut lock, _) = write(record);
    lock.as_value_mut()["metadata"]["name"] = lock_name(&record.app).into();
    lock.as_value_mut()["type"] = LOCK.into();
    lock.set_metadata("annotations", PROCESS, process);
    lock
}

/// Reads what the holder of a lock deploys.
pub(crate) fn read_lock(secret: &Object) -> Option<Record> {
    (secret.text("/type") == Some(LOCK)).then(|| unpack(secret)).flatten()
}

fn pack(record: &Record) -> Vec<u8> {
    let text = serde_json::to_vec(record).expect("a record is plain data");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text).expect("a Vec takes everything");
    encoder.finish().expect("a Vec takes everything")
}

/// Writes a record as a Secret. The annotations repeat what a person looks for with `kubectl describe`.
///
/// What a Secret has no room for is written without its objects: that it ran is known then, and that it cannot be gone back to.
pub(super) fn write(record: &Record) -> (Object, Kept) {
    let provenance = &record.provenance;
    let (packed, kept) = match pack(record) {
        packed if packed.len() <= LARGEST_PACKED => (packed, Kept::Whole),
        _ => (pack(&Record { objects: Vec::new(), ..record.clone() }), Kept::Outline),
    };
    let mut secret = Object::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name(record),
            "namespace": record.namespace,
            "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER},
        },
        "type": TYPE,
        "data": {"release": BASE64_STANDARD.encode(packed)},
    }));
    secret.set_metadata("labels", APP, &record.app);
    let mut annotate = |key: &str, value: &str| secret.set_metadata("annotations", key, value);
    annotate(COMMIT, &provenance.commit);
    annotate("notes-deploy/image", &record.image);
    annotate("notes-deploy/state", &record.state.to_string());
    annotate(AT, &provenance.at.to_string());
    if let Some(by) = &provenance.by {
        annotate("notes-deploy/by", by);
    }
    if let State::Failed(reason) = &record.state {
        annotate("notes-deploy/reason", reason);
    }
    (secret, kept)
}

/// Reads a record; `None` for what is not one, or is of a version to come.
pub(super) fn read(secret: &Object) -> Option<Record> {
    (secret.text("/type") == Some(TYPE)).then(|| unpack(secret)).flatten()
}

fn unpack(secret: &Object) -> Option<Record> {
    let packed = BASE64_STANDARD.decode(secret.text("/data/release")?).ok()?;
    let mut text = Vec::new();
    GzDecoder::new(packed.as_slice()).take(LARGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        Provenance,
        apply::{Mark, Marks},
    };

    fn record() -> Record {
        let object = Object::new(
            json!({"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": null}}),
        );
        Record {
            app: "web".into(),
            namespace: "apps".into(),
            provenance: Provenance {
                commit: "a3f92bd00".into(),
                short: "a3f92bd".into(),
                subject: Some("Add search".into()),
                by: Some("ada".into()),
                pipeline: None,
                at: Timestamp::UNIX_EPOCH,
            },
            image: "docker.io/user/app@sha256:00".into(),
            state: State::Failed("no".into()),
            attempt: 1,
            verified: None,
            marks: Marks::from([(object.id(), Mark::of(&object))]),
            objects: vec![object],
            made: vec![],
        }
    }

    #[test]
    fn a_record_survives_the_cluster() {
        let record = record();
        let (secret, kept) = write(&record);
        assert_eq!(kept, Kept::Whole);
        assert_eq!(secret.name(), "notes-deploy.web.a3f92bd");
        assert_eq!(secret.annotation("notes-deploy/state"), Some("failed"));
        assert_eq!(read(&secret), Some(record.clone()));
        let lock = write_lock(&record, "1");
        assert_eq!((lock.name(), read(&lock)), ("notes-deploy.web.lock", None));
        assert_eq!(read_lock(&lock), Some(record));
        assert_eq!(read(&Object::new(json!({"type": "Opaque"}))), None);
    }

    #[test]
    fn what_is_too_large_for_a_secret_is_recorded_without_its_objects() {
        // Numbers that do not compress (Knuth's linear congruential generator).
        let mut number = 1_u64;
        let noise: String = std::iter::repeat_with(|| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{number:016x}")
        })
        .take(150_000)
        .collect();
        let large = Object::new(
            json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"noise": noise}}),
        );
        let record =
            Record { objects: vec![large], verified: Some(Timestamp::UNIX_EPOCH), ..record() };
        let (secret, kept) = write(&record);
        assert_eq!(kept, Kept::Outline);
        let read = read(&secret).unwrap();
        assert_eq!((read.objects.len(), read.has_stood()), (0, false));
        assert_eq!(read.provenance, record.provenance);
    }
}
