//! `notes-deploy rbac`, and what it shares with `doctor`: the objects, without asking a registry for the image.

use std::path::Path;

use notes_console::{Failure, Session};
use notes_k8s_deploy::{Object, access::Needs, render};
use notes_oci::{Digest, Reference};
use serde_json::json;

use crate::{cli::RbacArguments, failure, manifests, settings::DeploySettings};

/// Prints the objects that let an account deploy these manifests, and nothing else.
pub(crate) fn run(session: &Session, arguments: &RbacArguments) -> Result<(), Failure> {
    let settings = DeploySettings::resolve(session, &arguments.deploy)?;
    let objects = objects(session, &settings)?;
    let namespace = &settings.app.namespace.value;
    let needs = Needs::of(&objects, namespace);
    for kind in needs.guessed() {
        session.ui.warning(format_args!(
            "only the cluster knows what `{kind}` is called in rules; `kubectl api-resources` says it"
        ));
    }
    if objects.iter().any(|object| object.group() == "rbac.authorization.k8s.io") {
        session.ui.warning(
            "the manifests have roles: an account can only grant what it may do itself, or needs `escalate` and `bind`",
        );
    }
    let granted = needs.grant(&arguments.account, namespace);
    super::print(render::to_yaml(&granted).trim_end())?;
    session.ui.hint(format_args!(
        "apply it as an administrator; `kubectl -n {namespace} create token {}` makes a token for the CI job's kubeconfig",
        arguments.account
    ));
    Ok(())
}

/// Returns the objects as they are written, whatever the image will be.
pub(super) fn objects(
    session: &Session,
    settings: &DeploySettings,
) -> Result<Vec<Object>, Failure> {
    let manifests = if let Some(path) = &settings.manifests.value {
        manifests::read(session, Path::new(path))?
    } else {
        let name = settings.app.image.value.as_deref().unwrap_or("image");
        let reference: Reference = name.parse().map_err(failure::reference)?;
        render::render(&settings.rendered, &reference.pin(Digest::of(b"")))
    };
    let job = settings.migrate.migration().map(|_| job(&settings.app.namespace.value));
    Ok(manifests.into_iter().map(|manifest| manifest.object).chain(job).collect())
}

/// Returns what a migration's Job is to the rules: its kind, and that it has pods.
fn job(namespace: &str) -> Object {
    Object::new(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate", "namespace": namespace},
        "spec": {"template": {"spec": {"containers": []}}},
    }))
}
