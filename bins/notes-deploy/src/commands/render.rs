//! `notes-deploy render`, and what it shares with a deploy: settings to a release.

use jiff::Timestamp;
use std::path::Path;

use notes_console::{Failure, Session, environment};
use notes_k8s_deploy::{Manifest, Provenance, Release, release::Options, render};
use notes_oci::Pinned;

use crate::{
    cli::DeployArguments, failure, image, manifests, project::Commit, settings::DeploySettings,
};

/// Prints what would be applied.
pub(crate) async fn run(session: &Session, arguments: &DeployArguments) -> Result<(), Failure> {
    let settings = DeploySettings::resolve(session, arguments)?;
    let release = prepare(session, arguments, &settings).await?;
    let objects = release.objects();
    super::print(render::to_yaml(objects).trim_end())
}

/// Makes the release: the image is pinned, and every object is complete.
pub(crate) async fn prepare(
    session: &Session,
    arguments: &DeployArguments,
    settings: &DeploySettings,
) -> Result<Release, Failure> {
    // Manifests first: a mistake in them must not cost a question to a registry.
    let manifests = match &settings.manifests.value {
        Some(path) => Some(manifests::read(session, Path::new(path))?),
        None => None,
    };
    let commit = Commit::find(session, arguments, &settings.app.notes);
    let image = image::resolve(session, arguments, settings, commit.as_ref()).await?;
    let provenance = provenance(session, commit, &image);
    let manifests: Vec<Manifest> =
        manifests.unwrap_or_else(|| render::render(&settings.rendered, &image));
    let options = Options {
        app: settings.app.name.value.clone(),
        namespace: settings.app.namespace.value.clone(),
        containers: settings.container.value.iter().cloned().collect(),
        provenance,
    };
    let release = Release::prepare(manifests, image, options).map_err(failure::release)?;
    for warning in release.pins.iter().filter_map(|pin| pin.warning.as_ref()) {
        session.ui.warning(warning);
    }
    Ok(release)
}

/// Says where the release comes from. Outside of a repository, the image is all there is to call it by.
fn provenance(session: &Session, commit: Result<Commit, Failure>, image: &Pinned) -> Provenance {
    let value = |variables: &[notes_console::Variable]| {
        variables.iter().find_map(|variable| session.environment.value(*variable)).map(Into::into)
    };
    let (id, short, subject) = match commit {
        Ok(commit) => {
            (commit.revision.commit.to_string(), commit.tag, Some(commit.revision.subject))
        }
        Err(_) => (image.digest.hex(), image.digest.hex()[..7].into(), None),
    };
    Provenance {
        commit: id,
        short,
        subject: subject.filter(|subject| !subject.is_empty()),
        by: value(&[environment::GITLAB_USER_LOGIN, environment::GITHUB_ACTOR])
            .or_else(|| session.environment.named("USER").map(Into::into)),
        pipeline: value(&[environment::CI_JOB_URL, environment::CI_PIPELINE_URL]),
        at: Timestamp::now(),
    }
}
