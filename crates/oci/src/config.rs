//! The image config (image-spec, config.md) with docker's extension fields.
//!
//! Fields this crate does not know are kept as they are: a base image's own must survive a build on it. Maps are
//! written sorted and structures in a fixed order, so that equal configs have equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{digest::DiffId, platform::Platform};

/// Everything an image says about itself beside its layers' bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// When the image was made (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The platform it runs on.
    #[serde(flatten)]
    pub platform: Platform,
    /// How to run it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub config: Execution,
    /// The layers' uncompressed digests.
    pub rootfs: RootFs,
    /// How each layer came about, with the steps that made none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub history: Vec<History>,
    /// Other fields.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Config {
    /// Returns the config of an image without layers: what `FROM scratch` begins with.
    pub fn scratch(platform: Platform) -> Self {
        Self {
            created: None,
            author: None,
            platform,
            config: Execution::default(),
            rootfs: RootFs::default(),
            history: Vec::new(),
            other: BTreeMap::new(),
        }
    }
}

/// The execution parameters of an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Execution {
    /// `user`, `user:group`, or ids; empty means root.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub user: String,
    /// Ports as `8000/tcp`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", with = "set")]
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=value`, in the order they were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub env: Vec<String>,
    /// What runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Its default arguments, or what runs where there is no entrypoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// Directories that hold data.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", with = "set")]
    pub volumes: BTreeSet<String>,
    /// The working directory; empty means `/`.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub working_dir: String,
    /// Labels.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub labels: BTreeMap<String, String>,
    /// The signal that ends it, by name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Docker's extension: how to tell whether it is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Docker's extension: instructions that run in a build on this image.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub on_build: Vec<String>,
    /// Docker's extension: the shell of shell-form instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
    /// Other fields.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Docker's health check; durations in nanoseconds, 0 meaning inherited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub test: Vec<String>,
    /// Between two checks, in ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub interval: u64,
    /// Of one check, in ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub timeout: u64,
    /// Failures at the start that do not count, in ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_period: u64,
    /// Between two checks in the start period, in ns.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_interval: u64,
    /// Failures in a row that make it unhealthy.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries: u64,
}

/// The layers by their uncompressed digests, bottom first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The diff ids; as many as the manifest has layers.
    #[serde(default, deserialize_with = "null_as_default")]
    pub diff_ids: Vec<DiffId>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self { kind: "layers".into(), diff_ids: Vec::new() }
    }
}

/// One step of an image's making.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// When (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// True for a step that made no layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
    /// Other fields.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A set as the spec writes it: an object whose values are `{}`.
mod set {
    use std::collections::{BTreeMap, BTreeSet};

    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;

    #[derive(serde::Serialize)]
    struct Empty {}

    pub(super) fn serialize<S: Serializer>(
        set: &BTreeSet<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(set.iter().map(|member| (member, Empty {})))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<String>, D::Error> {
        let members = Option::<BTreeMap<String, Value>>::deserialize(deserializer)?;
        Ok(members.unwrap_or_default().into_keys().collect())
    }
}

/// Reads `null` as the default: docker writes it for empty lists and maps.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_writes_is_read_and_kept() {
        let text = r#"{
            "architecture": "amd64", "os": "linux", "docker_version": "20.10", "container": "abc",
            "config": {"Hostname": "", "Env": ["PATH=/bin"], "Cmd": ["sh"], "Volumes": null, "ExposedPorts": {"8000/tcp": {}}, "OnBuild": null,
                       "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000}, "ArgsEscaped": true},
            "rootfs": {"type": "layers", "diff_ids": []}, "history": [{"created_by": "/bin/sh -c true", "empty_layer": true}]
        }"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.config.healthcheck.as_ref().unwrap().interval, 1_000_000);
        insta::assert_snapshot!(serde_json::to_string(&config).unwrap(), @r#"{"os":"linux","architecture":"amd64","config":{"ExposedPorts":{"8000/tcp":{}},"Env":["PATH=/bin"],"Cmd":["sh"],"Healthcheck":{"Test":["CMD","true"],"Interval":1000000},"ArgsEscaped":true,"Hostname":""},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"/bin/sh -c true","empty_layer":true}],"container":"abc","docker_version":"20.10"}"#);
    }

    #[test]
    fn writing_twice_gives_the_same_bytes() {
        let mut config = Config::scratch(Platform::linux("amd64"));
        config.config.labels = [("b".into(), "2".into()), ("a".into(), "1".into())].into();
        let once = serde_json::to_vec(&config).unwrap();
        let again: Config = serde_json::from_slice(&once).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), once);
    }
}
