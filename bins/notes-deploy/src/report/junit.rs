//! `JUnit`, as GitLab reads it (`artifacts:reports:junit`): a case for each object. What GitLab shows of a failure is its text,
//! not its message, so that the text has everything.

use std::fmt::Write as _;

use super::{
    case::{Case, End, seconds},
    story::Story,
};

pub(super) fn suites(story: &Story) -> String {
    let is = |wanted: fn(&End) -> bool| story.cases.iter().filter(|case| wanted(&case.end)).count();
    let failures = is(|end| matches!(end, End::Failed { .. }));
    let skipped = is(|end| matches!(end, End::Skipped { .. }));
    let release = &story.release;
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"notes-deploy\">\n"
            .to_owned();
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{:.3}\" timestamp=\"{}\">",
        escaped(&format!("{} {} in {}", release.app, release.provenance.short, release.namespace)),
        story.cases.len(),
        seconds(Some(story.begun), Some(story.ended)),
        story.begun,
    );
    for case in &story.cases {
        write_case(&mut text, case);
    }
    text + "  </testsuite>\n</testsuites>\n"
}

fn write_case(text: &mut String, case: &Case) {
    let _ = write!(
        text,
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        escaped(&case.place),
        escaped(&case.name),
        case.seconds
    );
    let _ = match &case.end {
        End::Passed { .. } => writeln!(text, "/>"),
        End::Skipped { message } => {
            writeln!(text, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(message))
        }
        End::Failed { cause, message, details } => writeln!(
            text,
            ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
            escaped(cause),
            escaped(message),
            escaped(&details.join("\n"))
        ),
    };
}

/// Escapes a text for an element or an attribute. What XML 1.0 has no place for (section 2.2) is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_is_not_xml_is_left_out() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}[0m\u{0}\n"), "a&lt;b&gt; &amp; &quot;c&quot;[0m\n");
    }
}
