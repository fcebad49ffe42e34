//! The embedded server, by its protocol.

use notes_oci::Digest;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::running::{Running, code, header, manifest};

#[tokio::test]
async fn a_blob_is_uploaded_in_chunks() {
    let running = Running::start().await;
    let begun = running.http.post(running.url("/v2/app/blobs/uploads/")).send().await.unwrap();
    assert_eq!(begun.status(), 202);
    let location = header(&begun, "location");
    let chunk = |range: &'static str, body: &'static str| {
        let url = running.url(&location);
        running.http.patch(url).header("content-range", range).body(body).send()
    };
    assert_eq!(header(&chunk("0-4", "hello").await.unwrap(), "range"), "0-4");
    let gap = chunk("9-10", "!!").await.unwrap();
    assert_eq!(
        (gap.status(), header(&gap, "range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, "0-4".into())
    );
    chunk("5-10", " world").await.unwrap();
    assert_eq!(header(&running.get(&location).await, "range"), "0-10");

    let digest = Digest::of("hello world");
    let url = running.url(&format!("{location}?digest={digest}"));
    assert_eq!(running.http.put(url).send().await.unwrap().status(), 201);
    let path = format!("/v2/app/blobs/{digest}");
    assert_eq!(running.get(&path).await.text().await.unwrap(), "hello world");
    let part =
        running.http.get(running.url(&path)).header("range", "bytes=6-").send().await.unwrap();
    assert_eq!(header(&part, "content-range"), "bytes 6-10/11");
    assert_eq!(part.text().await.unwrap(), "world");
    assert_eq!(running.get(&location).await.status(), 404, "an upload ends once");
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_the_words_of_the_specification() {
    let running = Running::start().await;
    let other = Digest::of("other");
    let path = format!("/v2/app/blobs/uploads/?digest={other}");
    let wrong = running.http.post(running.url(&path)).body("bytes").send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), code(wrong).await.as_str()), (400, "DIGEST_INVALID"));
    for (path, expected) in [
        (format!("/v2/app/blobs/{other}"), "BLOB_UNKNOWN"),
        ("/v2/app/manifests/1".into(), "MANIFEST_UNKNOWN"),
        ("/v2/app/blobs/uploads/x".into(), "BLOB_UPLOAD_UNKNOWN"),
        ("/v2/none/tags/list".into(), "NAME_UNKNOWN"),
        ("/v2/UPPER/tags/list".into(), "NAME_INVALID"),
    ] {
        assert_eq!(code(running.get(&path).await).await, expected, "{path}");
    }
    let half = running.manifest("1", &manifest(other, 5)).await;
    assert_eq!(code(half).await, "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(running.get("/v2/app/manifests/1").await.status(), 404, "no tag on half an image");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    for tag in ["b", "a", "c"] {
        assert_eq!(running.manifest(tag, &manifest(config, 2)).await.status(), 201);
    }
    let first = running.get("/v2/app/tags/list?n=2").await;
    assert_eq!(header(&first, "link"), "</v2/app/tags/list?n=2&last=b>; rel=\"next\"");
    assert_eq!(first.json::<Value>().await.unwrap(), json!({ "name": "app", "tags": ["a", "b"] }));
    let second = running.get("/v2/app/tags/list?n=2&last=b").await;
    assert!(!second.headers().contains_key("link"));
    assert_eq!(second.json::<Value>().await.unwrap()["tags"], json!(["c"]));
    let catalog = running.get("/v2/_catalog").await.json::<Value>().await.unwrap();
    assert_eq!(catalog, json!({ "repositories": ["app"] }));
}

#[tokio::test]
async fn what_refers_to_a_manifest_is_listed() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    let subject = manifest(config, 2);
    running.manifest("1", &subject).await;
    let digest = Digest::of(subject.to_string());
    let mut signature = manifest(config, 2);
    signature["artifactType"] = "application/x-signature".into();
    signature["subject"] =
        json!({ "mediaType": subject["mediaType"], "digest": digest, "size": 2 });
    let written = running.manifest("sig", &signature).await;
    assert_eq!(header(&written, "oci-subject"), digest.to_string());
    for (filter, expected) in
        [("", 1), ("?artifactType=application/x-signature", 1), ("?artifactType=a/b", 0)]
    {
        let path = format!("/v2/app/referrers/{digest}{filter}");
        let listed = running.get(&path).await.json::<Value>().await.unwrap();
        assert_eq!(listed["manifests"].as_array().unwrap().len(), expected, "{path}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    running.manifest("1", &manifest(config, 2)).await;
    running.http.post(running.url("/v2/app/blobs/uploads/")).send().await.unwrap();
    let running = running.restart().await;
    assert_eq!(running.get("/v2/app/manifests/1").await.status(), 200);
}
