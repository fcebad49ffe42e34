//! A summary in Markdown, for the page of a job or a note of a merge request.

use std::fmt::Write as _;

use super::{
    case::{End, seconds},
    story::Story,
    text,
};

/// How many lines of the timeline a page takes without becoming one.
const SHOWN: usize = 200;

pub(super) fn summary(story: &Story) -> String {
    let (release, provenance) = (&story.release, &story.release.provenance);
    let ending = if story.problem.is_none() { "deployed" } else { "failed" };
    let mut page = format!("## {} {}: {ending}\n\n", release.app, provenance.short);
    if let Some(problem) = &story.problem {
        let _ = writeln!(page, "**{}**\n", inline(&problem.message));
        for hint in &problem.hints {
            let _ = writeln!(page, "> {}\n", inline(hint));
        }
    }
    if let Some(afterwards) = &story.afterwards {
        let _ = writeln!(page, "{}\n", inline(afterwards));
    }
    page.push_str(&facts(story));
    page.push_str(&objects(story));
    for diagnosis in &story.diagnoses {
        let lines = diagnosis.evidence.join("\n");
        if !lines.is_empty() {
            page.push_str(&details(&format!("Evidence: {}", diagnosis.place), &lines));
        }
    }
    let timeline = text::timeline(story);
    let lines: Vec<&str> = timeline.lines().collect();
    page.push_str(&details("Timeline", &lines[lines.len().saturating_sub(SHOWN)..].join("\n")));
    page
}

fn facts(story: &Story) -> String {
    let (release, provenance) = (&story.release, &story.release.provenance);
    let took = format!("{:.0} s", seconds(Some(story.begun), Some(story.ended)));
    let subject = provenance.subject.as_deref().unwrap_or_default();
    let rows = [
        ("namespace", Some(inline(&release.namespace))),
        ("commit", Some(format!("`{}` {}", provenance.short, inline(subject)))),
        ("image", Some(format!("`{}`", release.image))),
        ("by", provenance.by.as_deref().map(inline)),
        ("pipeline", provenance.pipeline.as_deref().map(inline)),
        ("took", Some(took)),
    ];
    let mut table = "| | |\n|---|---|\n".to_owned();
    for (name, value) in rows.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let _ = writeln!(table, "| {name} | {} |", value.trim_end());
    }
    table + "\n"
}

fn objects(story: &Story) -> String {
    let mut table = "| object | | |\n|---|---|---|\n".to_owned();
    for case in &story.cases {
        let (word, message) = match &case.end {
            End::Passed { message } => ("passed", message),
            End::Failed { message, .. } => ("**failed**", message),
            End::Skipped { message } => ("skipped", message),
        };
        let _ = writeln!(table, "| {} | {word} | {} |", inline(&case.name), inline(message));
    }
    table + "\n"
}

/// Returns a block that is folded, in a fence longer than any that its text has.
fn details(title: &str, text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "<details><summary>{}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n\n",
        inline(title)
    )
}

/// Returns a text for the middle of a line, where it is neither markup nor the end of a cell.
fn inline(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => line.push(' '),
            '<' => line.push_str("&lt;"),
            '|' | '*' | '[' | ']' | '_' | '\\' => line.extend(['\\', letter]),
            letter => line.push(letter),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_markup() {
        assert_eq!(inline("<b>|a\n[x](y)"), r"&lt;b>\|a \[x\](y)");
        assert!(details("log", "a ```` b").contains("\n`````text\n"));
    }
}
