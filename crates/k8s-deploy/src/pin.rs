//! Puts the pinned image into the manifests.

use notes_oci::{Pinned, Reference};
use serde_json::Value;

use crate::Object;

/// Words that people write where a pipeline is to put the image.
const PLACEHOLDERS: [&str; 8] = [
    "PLACEHOLDER",
    "TO_BE_REPLACED",
    "REPLACE_ME",
    "CHANGEME",
    "BUILD_TAG",
    "IMAGE_TAG",
    "${",
    "{{",
];

/// A container whose image was replaced, or that deserves a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The container's name.
    pub container: String,
    /// Whether it is an init container.
    pub role: Role,
    /// The image as it was written.
    pub before: String,
    /// What to warn of, where there is something.
    pub warning: Option<String>,
}

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Before the others, to its end.
    Init,
    /// As long as the pod.
    Main,
}

/// Replaces the images of `object` that stand for `image`, and returns what was replaced.
///
/// A container's image is replaced when
/// - the container is named in `containers`, or
/// - its image is a placeholder (`IMAGE_PLACEHOLDER`, `app:BUILD_TAG`, `__TO_BE_REPLACED__`, `$IMAGE`, empty), or
/// - it is the same repository with any tag or none, or
/// - it has neither registry nor tag, and is called as the repository's last part.
///
/// An image that is pinned already stays, unless its container is named. Init containers count: a `migrate`
/// container that runs yesterday's image is a classic. Only a [`Pinned`] is taken:
///
/// ```
/// use notes_k8s_deploy::{Object, pin};
/// use notes_oci::{Digest, Reference};
///
/// let image = "user/app:a3f92bd".parse::<Reference>()?.pin(Digest::of(b"{}"));
/// let mut pod = Object::new(serde_json::json!({
///     "kind": "Pod", "spec": {"containers": [{"name": "web", "image": "user/app:latest"}]},
/// }));
/// let pins = pin::substitute(&mut pod, &image, &[]);
/// assert_eq!(pins[0].container, "web");
/// assert_eq!(pod.text("/spec/containers/0/image"), Some(image.to_string().as_str()));
/// # Ok::<(), notes_oci::ReferenceError>(())
/// ```
pub fn substitute(object: &mut Object, image: &Pinned, containers: &[String]) -> Vec<Pin> {
    let Some(pod) = pod_spec_mut(object) else { return Vec::new() };
    let mut pins = Vec::new();
    for (list, role) in [("initContainers", Role::Init), ("containers", Role::Main)] {
        let Some(Value::Array(specs)) = pod.get_mut(list) else { continue };
        for spec in specs {
            let name = spec["name"].as_str().unwrap_or_default().to_owned();
            let before = spec["image"].as_str().unwrap_or_default().to_owned();
            if containers.contains(&name) || stands_for(&before, image) {
                spec["image"] = image.to_string().into();
                let warning = warning(spec, &name);
                pins.push(Pin { container: name, role, before, warning });
            }
        }
    }
    pins
}

fn warning(spec: &Value, name: &str) -> Option<String> {
    (spec["imagePullPolicy"] == "Never").then(|| {
        format!("container `{name}` has `imagePullPolicy: Never`: a node without the image cannot start it")
    })
}

/// Returns the images that an object names, for a message about why none was replaced.
pub(crate) fn images(object: &Object) -> Vec<String> {
    let Some(pod) = pod_spec_path(object).and_then(|path| object.at(path)) else {
        return Vec::new();
    };
    ["initContainers", "containers"]
        .iter()
        .filter_map(|list| pod[list].as_array())
        .flatten()
        .filter_map(|spec| spec["image"].as_str().map(Into::into))
        .collect()
}

/// Returns the JSON pointer of the pod specification in an object of this kind.
pub(crate) fn pod_spec_path(object: &Object) -> Option<&'static str> {
    Some(match object.kind() {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "PodTemplate" => "/template/spec",
        // Workloads of others, as Argo's Rollout, keep their template at the same place.
        _ if object.at("/spec/template/spec/containers").is_some() => "/spec/template/spec",
        _ => return None,
    })
}

fn pod_spec_mut(object: &mut Object) -> Option<&mut Value> {
    let path = pod_spec_path(object)?;
    object.as_value_mut().pointer_mut(path)
}

fn stands_for(written: &str, image: &Pinned) -> bool {
    if written.is_empty() || written.starts_with('$') || written.starts_with('<') {
        return true;
    }
    if PLACEHOLDERS.iter().any(|word| written.to_uppercase().contains(word)) {
        return true;
    }
    let Ok(reference) = written.parse::<Reference>() else { return false };
    if reference.digest.is_some() {
        return false;
    }
    let last = image.repository.as_str().rsplit('/').next().unwrap_or_default();
    reference.name() == image.name() || written == last
}

#[cfg(test)]
mod tests {
    use notes_oci::Digest;
    use serde_json::json;

    use super::*;

    fn image() -> Pinned {
        "docker.io/user/notes-app:a3f92bd".parse::<Reference>().unwrap().pin(Digest::of(b"{}"))
    }

    #[test]
    fn what_stands_for_the_image_is_known() {
        for written in [
            "user/notes-app",
            "user/notes-app:latest",
            "docker.io/user/notes-app:v1",
            "index.docker.io/user/notes-app",
            "notes-app",
            "IMAGE_PLACEHOLDER",
            "user/notes-app:BUILD_TAG",
            "__TO_BE_REPLACED_IMAGE__",
            "$IMAGE",
            "{{ .image }}",
            "",
        ] {
            assert!(stands_for(written, &image()), "{written}");
        }
        let pinned = format!("user/notes-app@{}", Digest::of(b"x"));
        for written in
            ["postgres:17", "user/other", "ghcr.io/user/notes-app", "notes-app:1", &pinned]
        {
            assert!(!stands_for(written, &image()), "{written}");
        }
    }

    #[test]
    fn init_containers_and_cron_jobs_are_reached() {
        let mut object = Object::new(
            json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "initContainers": [{"name": "migrate", "image": "notes-app"}, {"name": "wait", "image": "busybox"}],
                "containers": [{"name": "web", "image": "other", "imagePullPolicy": "Never"}],
            }}}}}}),
        );
        let pins = substitute(&mut object, &image(), &["web".into()]);
        assert_eq!(pins.iter().map(|pin| pin.role).collect::<Vec<_>>(), [Role::Init, Role::Main]);
        assert!(pins[1].warning.as_ref().unwrap().contains("Never"));
        assert_eq!(images(&object), [image().to_string(), "busybox".into(), image().to_string()]);
    }
}
