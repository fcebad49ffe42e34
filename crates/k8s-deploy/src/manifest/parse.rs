//! Text to manifests, in the YAML dialect of kubectl.

use serde_json::Value;

use super::{Error, Manifest, Origin, kinds};
use crate::Object;

/// Reads the manifests in `text`, which was found in `file`.
///
/// Accepted as kubectl accepts it: several documents, empty documents, `kind: List`, JSON, a byte order mark, any order of
/// keys, no final line break. Numbers and booleans are read as YAML 1.1 (`0644` is 420, `yes` is true), because
/// that is what a manifest means to kubectl. A duplicate key is an error: one of the two would be lost.
///
/// # Errors
///
/// Each error names the file and line. A misspelt kind of a built-in group is found here, before anything is sent.
///
/// # Examples
///
/// ```
/// use notes_k8s_deploy::manifest;
///
/// let text = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: apps/v1\nkind: Deploymenit\n";
/// let error = manifest::parse("k8s/web.yaml", text).unwrap_err();
/// assert_eq!(error.to_string(), "k8s/web.yaml:6: there is no kind `Deploymenit` in `apps/v1`");
/// assert_eq!(error.hint().unwrap(), "did you mean `apps/v1 Deployment`?");
/// ```
pub fn parse(file: &str, text: &str) -> Result<Vec<Manifest>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut manifests = Vec::new();
    for document in documents(text) {
        let origin = Origin { file: file.into(), line: document.first_line };
        match read_document(&origin, &document)? {
            Value::Null => {}
            value => unpack(&document, &origin, value, &mut manifests)?,
        }
    }
    refuse_duplicates(&manifests)?;
    Ok(manifests)
}

/// One document of a stream.
struct Document<'a> {
    text: &'a str,
    /// The line of `text`'s beginning in the file.
    start_line: usize,
    /// The line of the first thing that is not a comment.
    first_line: usize,
}

/// Splits a stream at its document markers.
///
/// `---` at the beginning of a line is a marker wherever it stands, even in a block scalar (YAML 1.2.2, rule
/// `c-forbidden`), so that splitting by line is exact, and each document's errors can be reported at their own lines.
fn documents(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let next = offset + line.len();
        if is_marker(line, "---") || is_marker(line, "...") {
            documents.push(document(&text[start..offset], start_line));
            // What follows the marker on its line (`--- {a: b}`, `--- # comment`) belongs to the new document.
            start = if is_marker(line, "---") { offset + 3 } else { next };
            start_line = index + if start == next { 2 } else { 1 };
        }
        offset = next;
    }
    documents.push(document(&text[start..], start_line));
    documents
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn document(text: &str, start_line: usize) -> Document<'_> {
    let blank = text
        .lines()
        .take_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        .count();
    let blank = if blank == text.lines().count() { 0 } else { blank };
    Document { text, start_line, first_line: start_line + blank }
}

fn read_document(origin: &Origin, document: &Document<'_>) -> Result<Value, Error> {
    let only_comments = document
        .text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if only_comments {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str_with_options(document.text, dialect()).map_err(|error| {
        let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
        let line = usize::try_from(location.line()).unwrap_or_default().max(1);
        Error::Syntax {
            origin: Origin { file: origin.file.clone(), line: document.start_line + line - 1 },
            column: usize::try_from(location.column()).unwrap_or_default().max(1),
            message: without_location(&error.without_snippet().to_string()),
        }
    })
}

/// Returns the parser's message without the position it ends with, which counts from the
/// document, not the file, and without its advice to the programmer.
fn without_location(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    let first = first.split(", set ").next().unwrap_or(first);
    first.split(" at line ").next().unwrap_or(first).trim_end_matches([':', ',', ' ']).to_owned()
}

/// The dialect: YAML 1.1 as kubectl reads it. The table in this module's tests holds it.
fn dialect() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    options.legacy_octal_numbers = true;
    options.with_snippet = false;
    options
}

/// Adds the object, or each object of a `List`, to `manifests`.
fn unpack(
    document: &Document<'_>,
    origin: &Origin,
    value: Value,
    manifests: &mut Vec<Manifest>,
) -> Result<(), Error> {
    let Value::Object(mut map) = value else {
        return Err(Error::NotAnObject { origin: origin.clone(), found: name_of(&value) });
    };
    let is_list =
        map.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if let (true, Some(Value::Array(items))) = (is_list, map.get_mut("items").map(Value::take)) {
        return items.into_iter().try_for_each(|item| unpack(document, origin, item, manifests));
    }
    let mut object = Object::new(Value::Object(map));
    check(document, origin, &object)?;
    // A status is the cluster's to write; `kubectl get -o yaml` output carries one.
    if let Some(map) = object.as_value_mut().as_object_mut() {
        map.shift_remove("status");
    }
    manifests.push(Manifest { object, origin: origin.clone() });
    Ok(())
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn check(document: &Document<'_>, origin: &Origin, object: &Object) -> Result<(), Error> {
    let what = || match (object.kind(), object.name()) {
        ("", "") => "the object".to_owned(),
        (kind, "") => format!("the {kind}"),
        _ => object.id().to_string(),
    };
    let missing = |field| Error::Missing { origin: origin.clone(), what: what(), field };
    if object.kind().is_empty() {
        return Err(missing("kind"));
    }
    if object.api_version().is_empty() {
        return Err(missing("apiVersion"));
    }
    if kinds::is_built_in(object.group())
        && kinds::resource(object.api_version(), object.kind()).is_none()
    {
        return Err(Error::UnknownKind {
            origin: Origin { file: origin.file.clone(), line: line_of_key(document, "kind") },
            kind: object.kind().into(),
            api_version: object.api_version().into(),
            nearest: kinds::nearest_kind(object.api_version(), object.kind()),
        });
    }
    if object.name().is_empty() {
        return Err(missing("metadata.name"));
    }
    let is_workload = matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
        && object.group() == "apps";
    if is_workload && object.at("/spec/selector").is_none() {
        return Err(Error::EmptySelector {
            origin: Origin { file: origin.file.clone(), line: line_of_key(document, "selector") },
            what: what(),
            field: "spec.selector",
        });
    }
    Ok(())
}

/// Returns the line on which `key` is first written in the document, or the document's first line.
fn line_of_key(document: &Document<'_>, key: &str) -> usize {
    document
        .text
        .lines()
        .position(|line| {
            let word = line.trim_start().trim_start_matches(['{', '-', '"', ' ']);
            word.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches('"').starts_with(':'))
        })
        .map_or(document.first_line, |index| document.start_line + index)
}

fn refuse_duplicates(manifests: &[Manifest]) -> Result<(), Error> {
    let mut seen = std::collections::HashMap::new();
    for manifest in manifests {
        if let Some(first) = seen.insert(manifest.object.id(), &manifest.origin) {
            return Err(Error::Duplicate {
                origin: manifest.origin.clone(),
                what: manifest.object.id().to_string(),
                first: first.clone(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The dialect table: what kubectl, which reads YAML 1.1, makes of each scalar.
    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        for (written, meant) in [
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("0x1f", json!(31)),
            ("yes", json!(true)),
            ("on", json!(true)),
            ("y", json!(true)),
            ("off", json!(false)),
            ("'yes'", json!("yes")),
            ("1e3", json!(1000.0)),
            ("250m", json!("250m")),
            ("1Gi", json!("1Gi")),
            ("1.10", json!(1.1)),
            ("'1.10'", json!("1.10")),
            ("~", json!(null)),
            ("null", json!(null)),
            ("{}", json!({})),
            ("2026-01-02", json!("2026-01-02")),
            ("10:30", json!("10:30")),
        ] {
            let value: Value =
                serde_saphyr::from_str_with_options(&format!("a: {written}"), dialect()).unwrap();
            assert_eq!(value["a"], meant, "{written}");
        }
    }

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";

    #[test]
    fn documents_remember_their_lines() {
        let text = format!(
            "\u{feff}# head\n---\n---\n{SERVICE}---\n# comment\n\nkind: ConfigMap\napiVersion: v1\nmetadata:\n  name: c\ndata:\n  \
             a: |\n    x\n    ---y\n..."
        );
        let manifests = parse("all.yaml", &text).unwrap();
        let found: Vec<_> =
            manifests.iter().map(|m| format!("{} {}", m.object.id(), m.origin)).collect();
        assert_eq!(found, ["service/web all.yaml:4", "configmap/c all.yaml:10"]);
        assert_eq!(manifests[1].object.text("/data/a"), Some("x\n---y\n"));
    }

    #[test]
    fn lists_merge_keys_nulls_and_json_are_accepted() {
        let list = "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n- \
                    {apiVersion: v1, kind: Service, metadata: {name: b}}";
        assert_eq!(parse("l", list).unwrap().len(), 2);
        let merged = "x: &x {p: 1}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: null}\ndata: {<<: *x, q: 2}";
        let object = &parse("m", merged).unwrap()[0].object;
        assert_eq!(object.as_value()["data"], json!({"p": 1, "q": 2}));
        assert_eq!(object.as_value()["metadata"]["labels"], Value::Null);
        assert!(object.as_value()["metadata"].as_object().unwrap().contains_key("labels"));
        let status =
            r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"a"},"status":{"x":1}}"#;
        assert_eq!(parse("j", status).unwrap()[0].object.at("/status"), None);
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &str| parse("f.yaml", text).unwrap_err().to_string();
        let with = |more: &str| format!("{SERVICE}---\n{more}");
        insta::assert_snapshot!(error(&with("a: 1\na: 2\n")), @"f.yaml:6: duplicate mapping key: a");
        insta::assert_snapshot!(error(&with("kind: Service\n")), @"f.yaml:5: the Service has no `apiVersion`");
        insta::assert_snapshot!(error(&with("- a\n")), @"f.yaml:5: the document is a list, not an object");
        insta::assert_snapshot!(error(&with(SERVICE)), @"f.yaml:5: service/web was already described at f.yaml:1");
        insta::assert_snapshot!(
            error("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector:\n  matchLabels: {a: b}\n"),
            @"f.yaml:5: `spec.selector` of deployment/a is empty"
        );
        insta::assert_snapshot!(
            error("apiVersion: v1\nkind: Service\nmetadata: {generateName: a}\n"),
            @"f.yaml:1: the Service has no `metadata.name`"
        );
    }
}
