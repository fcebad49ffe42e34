//! `notes-deploy diff`.

use std::{fmt::Write as _, process::ExitCode};

use notes_console::{Failure, Kind, Session, signal};
use notes_k8s_deploy::{
    ObjectId, Release,
    apply::Conflict,
    diff::{Difference, Effect, FieldChange, diff},
};
use serde_json::{Value, json};

use super::render::prepare;
use crate::{
    cli::{DiffArguments, DiffForm},
    failure,
    settings::DeploySettings,
};

/// The version of the JSON: raised where a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// Prints what a deploy would change. That something would is no failure, and has an exit code of its own.
pub(crate) async fn run(session: &Session, arguments: &DiffArguments) -> Result<ExitCode, Failure> {
    let settings = DeploySettings::resolve(session, &arguments.deploy)?;
    let work = Box::pin(async {
        let release = prepare(session, &arguments.deploy, &settings).await?;
        let cluster = settings.app.connect(session).await?;
        let differences =
            diff(&cluster, &release, settings.app.leftovers()).await.map_err(failure::apply)?;
        let changed: Vec<&Difference> = differences
            .iter()
            .filter(|difference| difference.effect != Effect::Unchanged || is_contested(difference))
            .collect();
        match arguments.output {
            DiffForm::Json => super::print(json(&release, &differences))?,
            _ if changed.is_empty() => {}
            DiffForm::Fields => super::print(join(&changed, fields))?,
            DiffForm::Yaml => super::print(join(&changed, Difference::unified))?,
        }
        let (app, commit) = (&release.app, &release.provenance.short);
        if changed.is_empty() {
            session.ui.step("Unchanged", format_args!("{app} at {commit}"));
            return Ok(ExitCode::SUCCESS);
        }
        session.ui.step(
            "Different",
            format_args!("{} of {} objects of {app} at {commit}", changed.len(), differences.len()),
        );
        if !arguments.deploy.force_conflicts && changed.iter().any(|changed| is_contested(changed))
        {
            session.ui.warning("a deploy would stop at the fields that others own");
            session
                .ui
                .hint("take them out of the manifest, or take them over with `--force-conflicts`");
        }
        Ok(Kind::Differs.into())
    });
    signal::or_stopped("nothing was changed", work).await
}

fn is_contested(difference: &Difference) -> bool {
    !difference.conflicts.is_empty()
}

fn join(differences: &[&Difference], text: impl Fn(&Difference) -> String) -> String {
    let texts: Vec<_> = differences.iter().map(|difference| text(difference)).collect();
    texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n")
}

fn fields(difference: &Difference) -> String {
    let mut text = place(&difference.id);
    text.push_str(match difference.effect {
        Effect::Created => " is new",
        Effect::Removed => " would be removed",
        Effect::Configured | Effect::Unchanged => "",
    });
    for field in &difference.fields {
        // Writing into a String does not fail.
        let _ = write!(text, "\n  {field}");
    }
    for Conflict { field, owner } in &difference.conflicts {
        let _ = write!(text, "\n  ! {} belongs to {owner}", field.trim_start_matches('.'));
    }
    text
}

fn place(id: &ObjectId) -> String {
    match &id.namespace {
        Some(namespace) => format!("{id} in {namespace}"),
        None => id.to_string(),
    }
}

fn json(release: &Release, differences: &[Difference]) -> String {
    let field = |change: &FieldChange| json!({"path": change.path, "before": change.before, "after": change.after});
    let object = |difference: &Difference| {
        let ObjectId { group, kind, namespace, name } = &difference.id;
        let conflicts = difference.conflicts.iter();
        let conflicts: Vec<Value> = conflicts
            .map(|conflict| json!({"field": conflict.field, "owner": conflict.owner}))
            .collect();
        json!({
            "group": group, "kind": kind, "namespace": namespace, "name": name,
            "change": difference.effect,
            "fields": difference.fields.iter().map(field).collect::<Vec<_>>(),
            "conflicts": conflicts,
            "unified": difference.unified(),
        })
    };
    let whole = json!({
        "schema": SCHEMA,
        "app": release.app,
        "namespace": release.namespace,
        "commit": release.provenance.commit,
        "image": release.image.to_string(),
        "objects": differences.iter().map(object).collect::<Vec<_>>(),
    });
    format!("{whole:#}")
}

#[cfg(test)]
mod tests {
    use notes_k8s_deploy::Object;

    use super::*;

    fn deployment(replicas: u32, value: &str) -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "web", "env": [{"name": "MODE", "value": value}]},
            ]}}},
        }))
    }

    #[test]
    fn fields_stand_below_their_object_and_conflicts_below_the_fields() {
        let mut difference = Difference::between(Some(&deployment(2, "a")), &deployment(3, "b"));
        difference.conflicts.push(Conflict {
            field: ".spec.replicas".into(),
            owner: "\"kubectl-edit\" using apps/v1".into(),
        });
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}});
        let created = Difference::between(None, &Object::new(namespace));
        insta::assert_snapshot!(join(&[&created, &difference], fields), @r#"
        namespace/apps is new
          + apiVersion: v1
          + kind: Namespace
          + metadata.name: apps
        deployment/web in apps
          ~ spec.replicas: 2 → 3
          ~ spec.template.spec.containers[web].env[MODE].value: a → b
          ! spec.replicas belongs to "kubectl-edit" using apps/v1
        "#);
        insta::assert_snapshot!(difference.unified(), @r"
        --- deployment/web
        +++ deployment/web
        @@ -4,11 +4,11 @@
           name: web
           namespace: apps
         spec:
        -  replicas: 2
        +  replicas: 3
           template:
             spec:
               containers:
               - name: web
                 env:
                 - name: MODE
        -          value: a
        +          value: b
        ");
    }
}
