//! `notes-deploy doctor`.

use jiff::Timestamp;
use notes_console::{Failure, Kind, Session, signal};
use notes_k8s_deploy::doctor::{Finding, Plan, State, Topic, examine};

use super::rbac::objects;
use crate::{cli::DeployArguments, settings::DeploySettings};

/// Says what a deploy would find, a line for each point. Fails where one of them is a problem.
pub(crate) async fn run(session: &Session, arguments: &DeployArguments) -> Result<(), Failure> {
    let settings = DeploySettings::resolve(session, arguments)?;
    let objects = objects(session, &settings)?;
    let work = Box::pin(async {
        let access = settings.app.access().await?;
        let plan = Plan {
            objects: &objects,
            namespace: &settings.app.namespace.value,
            now: Timestamp::now(),
            path: session.environment.named("PATH").unwrap_or_default(),
        };
        let found = examine(access, plan).await;
        for finding in &found {
            say(session, finding);
        }
        conclude(&found)
    });
    signal::or_stopped("nothing was changed", work).await
}

fn say(session: &Session, finding: &Finding) {
    let state = match finding.state {
        State::Good => "ok",
        State::Warning => "warning",
        State::Problem => "problem",
    };
    session.ui.step(state, format_args!("{}: {}", finding.topic, finding.text));
    if let Some(hint) = &finding.hint {
        session.ui.hint(hint);
    }
}

fn conclude(found: &[Finding]) -> Result<(), Failure> {
    let count = |state| found.iter().filter(|finding| finding.state == state).count();
    let (problems, warnings) = (count(State::Problem), count(State::Warning));
    let Some(first) = found.iter().find(|finding| finding.state == State::Problem) else {
        return Ok(());
    };
    let kind = match first.topic {
        Topic::Server => Kind::Network,
        Topic::Permissions => Kind::Denied,
        _ => Kind::Configuration,
    };
    let message = format!(
        "a deploy would fail: {}, {}",
        counted(problems, "problem"),
        counted(warnings, "warning")
    );
    Err(Failure::message(kind, message))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_problem_decides_how_it_ends() {
        let finding = |topic, state| Finding { topic, state, text: String::new(), hint: None };
        let good = finding(Topic::Server, State::Good);
        let late = finding(Topic::Certificate, State::Warning);
        assert!(conclude(&[good.clone(), late.clone()]).is_ok());
        let denied = finding(Topic::Permissions, State::Problem);
        let failure = conclude(&[good, late, denied]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Denied);
        assert_eq!(failure.to_string(), "a deploy would fail: 1 problem, 1 warning");
    }
}
