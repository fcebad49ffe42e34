//! What people read: the timeline, events and logs as lines, objects as YAML.

use std::fmt::Write as _;

use notes_k8s_deploy::{Object, render};

use super::{case::seconds, story::Story};

pub(super) fn timeline(story: &Story) -> String {
    let mut lines = String::new();
    let mut line = |at, what: &str, text: &str| {
        let since = seconds(Some(story.begun), Some(at));
        let _ = writeln!(lines, "{at:.3}  {since:>7.1} s  {what:9}  {text}");
    };
    for moment in &story.timeline {
        match &moment.object {
            Some(object) => {
                line(moment.at, &moment.what.to_string(), &format!("{object}: {}", moment.text));
            }
            None => line(moment.at, &moment.what.to_string(), &moment.text),
        }
    }
    if let Some(problem) = &story.problem {
        line(story.ended, "failed", &problem.message);
    }
    if let Some(afterwards) = &story.afterwards {
        line(story.ended, "then", afterwards);
    }
    lines
}

pub(super) fn events(story: &Story) -> String {
    let mut lines = String::new();
    for event in &story.evidence.events {
        let text = |path: &str| event.text(path).unwrap_or("-");
        let count = event.integer("/series/count").or(event.integer("/count")).unwrap_or(1);
        let _ = writeln!(
            lines,
            "{:20}  {:7}  {:20}  {}/{}  (x{count})  {}",
            time(event),
            text("/type"),
            text("/reason"),
            text("/involvedObject/kind").to_lowercase(),
            text("/involvedObject/name"),
            text("/message").replace('\n', " "),
        );
    }
    lines
}

fn time(event: &Object) -> &str {
    let paths = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"];
    paths.iter().find_map(|path| event.text(path)).unwrap_or("-")
}

pub(super) fn logs(story: &Story) -> String {
    let mut text = String::new();
    for log in &story.evidence.logs {
        let _ =
            writeln!(text, "==> {}/{} {} ({}) <==", log.namespace, log.pod, log.container, log.run);
        for line in &log.lines {
            let _ = writeln!(text, "{line}");
        }
        text.push('\n');
    }
    for missing in &story.evidence.missing {
        let _ = writeln!(text, "not read: {missing}");
    }
    text
}

pub(super) fn objects(story: &Story) -> String {
    render::to_yaml(&story.evidence.objects)
}
