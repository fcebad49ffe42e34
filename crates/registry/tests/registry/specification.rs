//! Where the specification is precise, and clients rely on it.

use std::time::Duration;

use notes_oci::Digest;
use notes_registry::server::{PruneOptions, Pruned, prune};
use reqwest::{Body, Response};
use serde_json::{Value, json};

use crate::running::{Running, code, header, manifest};

async fn begin(running: &Running) -> String {
    let begun = running.http.post(running.url("/v2/app/blobs/uploads/")).send().await.unwrap();
    assert_eq!(begun.status(), 202);
    running.url(&header(&begun, "location"))
}

async fn chunk(
    running: &Running,
    url: &str,
    method: &str,
    range: &str,
    body: &'static str,
) -> Response {
    let request = running.http.request(method.parse().unwrap(), url);
    request.header("content-range", range).body(body).send().await.unwrap()
}

async fn tags(running: &Running, query: &str) -> Value {
    let answer = running.get(&format!("/v2/app/tags/list{query}")).await;
    answer.json::<Value>().await.unwrap()["tags"].clone()
}

#[tokio::test]
async fn the_last_chunk_has_its_place_too() {
    let running = Running::start().await;
    let (url, digest) = (begin(&running).await, Digest::of("hello world"));
    chunk(&running, &url, "PATCH", "0-4", "hello").await;
    let last = format!("{url}?digest={digest}");
    let early = chunk(&running, &last, "PUT", "0-5", " world").await;
    assert_eq!((early.status().as_u16(), header(&early, "range")), (416, "0-4".into()));
    let long = chunk(&running, &last, "PUT", "5-100", " world").await;
    assert_eq!((long.status().as_u16(), code(long).await.as_str()), (400, "SIZE_INVALID"));
    assert_eq!(chunk(&running, &last, "PUT", "5-10", " world").await.status(), 201);
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let running = Running::start().await;
    let url = begin(&running).await;
    chunk(&running, &url, "PATCH", "0-4", "hello").await;
    let path = url.split_once("/v2/").unwrap().1.to_owned();
    let running = running.restart().await;
    let url = running.url(&format!("/v2/{path}"));
    assert_eq!(header(&running.http.get(&url).send().await.unwrap(), "range"), "0-4");
    let last = format!("{url}?digest={}", Digest::of("hello world"));
    assert_eq!(chunk(&running, &last, "PUT", "5-10", " world").await.status(), 201);
    assert_eq!(running.http.get(&url).send().await.unwrap().status(), 404, "an upload ends once");
}

#[tokio::test]
async fn an_upload_is_given_up() {
    let running = Running::start().await;
    let url = begin(&running).await;
    assert_eq!(running.http.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(chunk(&running, &url, "PATCH", "0-4", "hello").await.status(), 404);
    let elsewhere = url.replace("/v2/app/", "/v2/other/");
    assert_eq!(running.http.get(elsewhere).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn tags_and_referrers_go_with_their_manifest() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    let subject = manifest(config, 2);
    let mut signature = subject.clone();
    signature["artifactType"] = "".into();
    signature["subject"] = json!({
        "mediaType": subject["mediaType"], "digest": Digest::of(subject.to_string()), "size": 2
    });
    running.manifest("1", &subject).await;
    running.manifest("2", &subject).await;
    running.manifest("signature", &signature).await;
    let referrers = format!("/v2/app/referrers/{}", Digest::of(subject.to_string()));
    let listed = running.get(&referrers).await.json::<Value>().await.unwrap();
    // An empty type is none, so that it is the configuration's.
    let kind = &listed["manifests"][0]["artifactType"];
    assert_eq!(kind, "application/vnd.oci.image.config.v1+json");
    for one in [&subject, &signature] {
        let path = format!("/v2/app/manifests/{}", Digest::of(one.to_string()));
        let delete = || running.http.delete(running.url(&path)).send();
        assert_eq!(delete().await.unwrap().status(), 202);
        assert_eq!(delete().await.unwrap().status(), 404);
    }
    assert_eq!(tags(&running, "").await, json!([]));
    let listed = running.get(&referrers).await.json::<Value>().await.unwrap();
    assert_eq!(listed["manifests"], json!([]));
}

#[tokio::test]
async fn lists_are_in_the_order_of_letters() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    for tag in ["b", "A", "c", "B", "a"] {
        running.manifest(tag, &manifest(config, 2)).await;
    }
    assert_eq!(tags(&running, "").await, json!(["A", "a", "B", "b", "c"]));
    assert_eq!(tags(&running, "?n=2&last=a").await, json!(["B", "b"]));
    assert_eq!(tags(&running, "?last=B").await, json!(["b", "c"]));
    let none = running.get("/v2/app/tags/list?n=0").await;
    assert!(!none.headers().contains_key("link"));
    assert_eq!(none.json::<Value>().await.unwrap()["tags"], json!([]));
    assert_eq!(running.get("/v2/app/tags/list?n=-1").await.status(), 400);
    for list in ["app/tags/list", "_catalog", &format!("app/referrers/{config}")] {
        let head = running.http.head(running.url(&format!("/v2/{list}"))).send().await.unwrap();
        assert_eq!(head.status(), 200, "{list}");
    }
}

/// `BuildKit` exports its cache as an index of layers.
#[tokio::test]
async fn an_index_may_consist_of_blobs() {
    let running = Running::start().await;
    let layer = running.blob(b"layer").await;
    let index = |digest: Digest| {
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 5
            }],
        })
    };
    assert_eq!(running.manifest("cache", &index(layer)).await.status(), 201);
    let missing = running.manifest("cache", &index(Digest::of("other"))).await;
    assert_eq!(code(missing).await, "MANIFEST_BLOB_UNKNOWN");
}

#[tokio::test]
async fn a_manifest_of_4_mb_is_taken_and_one_of_10_is_not() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    let sized = |size: usize| {
        let mut large = manifest(config, 2);
        large["annotations"] = json!({ "text": "x".repeat(size) });
        large
    };
    assert_eq!(running.manifest("large", &sized(4_000_000)).await.status(), 201);
    let path = "/v2/app/manifests/large";
    let head = running.http.head(running.url(path)).send().await.unwrap();
    assert!(header(&head, "content-length").parse::<u64>().unwrap() > 4_000_000);
    let announced = running.manifest("larger", &sized(10_000_000)).await;
    assert_eq!(
        (announced.status().as_u16(), code(announced).await.as_str()),
        (413, "SIZE_INVALID")
    );
    // Without a length, as a stream.
    let pieces = (0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(100_000)));
    let body = Body::wrap_stream(futures::stream::iter(pieces));
    let streamed = running.http.put(running.url("/v2/app/manifests/larger")).body(body);
    assert_eq!(streamed.send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn what_nothing_leads_to_is_pruned_while_the_registry_serves() {
    let running = Running::start().await;
    let config = running.blob(b"{}").await;
    let (kept, loose) = (manifest(config, 2), running.blob(b"loose").await);
    running.manifest("1", &kept).await;
    let url = begin(&running).await;
    chunk(&running, &url, "PATCH", "0-4", "hello").await;
    let prune = |older_than| prune(running.directory.path(), &PruneOptions { older_than }).unwrap();
    assert_eq!(prune(Duration::from_hours(1)), Pruned::default(), "somebody may still need it");
    let expected = Pruned { contents: 1, uploads: 1, bytes: 10 };
    assert_eq!(prune(Duration::ZERO), expected);
    assert_eq!(running.get(&format!("/v2/app/blobs/{loose}")).await.status(), 404);
    assert_eq!(running.get(&format!("/v2/app/blobs/{config}")).await.status(), 200);
    let last = format!("{url}?digest={}", Digest::of("hello world"));
    let late = chunk(&running, &last, "PUT", "5-10", " world").await;
    assert_eq!(code(late).await, "BLOB_UPLOAD_UNKNOWN", "its client begins anew");
    let half = running.manifest("2", &manifest(loose, 5)).await;
    assert_eq!(code(half).await, "MANIFEST_BLOB_UNKNOWN");
    // The manifest goes, then what it alone has led to.
    let path = format!("/v2/app/manifests/{}", Digest::of(kept.to_string()));
    running.http.delete(running.url(&path)).send().await.unwrap();
    assert_eq!(prune(Duration::ZERO).contents, 2);
}
