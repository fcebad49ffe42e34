//! `notes-build doctor`: what this machine offers to a build.

mod credentials;

use notes_console::{Failure, Session};
use notes_image::store::Store;
use notes_sandbox::{Isolation, Probe};

use crate::{
    cli::BuildArguments,
    project::Project,
    settings::{self, Settings},
};

/// Looks at everything a build needs and says how it is; nothing is changed.
pub(crate) async fn run(session: &Session, arguments: &BuildArguments) -> Result<(), Failure> {
    let ui = &session.ui;
    let flag = arguments.store.as_deref();
    let store = settings::store(flag, None, &session.environment, &session.current)?;
    let options = notes_sandbox::Options { files: Some(store.value.clone()), ..Default::default() };
    let probe = notes_sandbox::probe(&options).map_err(crate::failure::enter)?;
    isolation(session, &probe);
    let project = Project::open(arguments, &session.environment, &session.current);
    match &project {
        Ok(project) => {
            let shallow = if project.repository.is_shallow() { ", a shallow clone" } else { "" };
            let root = project.root.display();
            ui.step("Repository", format_args!("{root} at {}{shallow}", project.revision.short));
        }
        Err(failure) => ui.step("Repository", format_args!("none: {failure}")),
    }
    match Store::open(&store.value) {
        Ok(_) => ui.step("Store", format_args!("{} ({})", store.value.display(), store.origin)),
        Err(error) => ui.step("Store", format_args!("{error}: {}", error.source)),
    }
    let settings = project.ok().and_then(|project| {
        Settings::resolve(&project, arguments, &session.environment, &session.current).ok()
    });
    credentials::say(session, settings.as_ref()).await;
    Ok(())
}

fn isolation(session: &Session, probe: &Probe) {
    let Probe { isolation, reason, ids, refused, .. } = probe;
    session.ui.step("Isolation", format_args!("{isolation}: {reason}"));
    if *isolation != Isolation::None {
        session.ui.step("Ids", format_args!("{ids}"));
    }
    for refusal in refused {
        let remedy =
            refusal.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        session.ui.step(
            "",
            format_args!("{} is not offered: {}{remedy}", refusal.isolation, refusal.reason),
        );
    }
}
