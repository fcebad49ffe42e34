//! The names of rules, as people write them.

use notes_console::{Excerpt, Failure, Kind, Session, closest};
use notes_dockerfile::{Dockerfile, Selection, lint};

use crate::failure::Source;

/// Reads the values of a flag: names of rules, or `all`.
pub(super) fn selection(flag: &str, names: &[String]) -> Result<Selection, Failure> {
    if names.iter().any(|name| name == "all") {
        return Ok(Selection::All);
    }
    match names.iter().find(|name| !is_rule(name)) {
        None => Ok(Selection::Named(names.to_vec())),
        Some(unknown) => {
            let message = format!("`{flag}` names `{unknown}`, which is no rule");
            Err(Failure::message(Kind::Usage, message).with_hint(hint(unknown)))
        }
    }
}

/// Says which names in `# check=` are no rules: a misspelt one would change nothing without a word.
pub(super) fn warn_of_unknown(session: &Session, source: Source<'_>, file: &Dockerfile) {
    let Some(check) = &file.directives.check else { return };
    for selection in [&check.skip, &check.experimental] {
        let Selection::Named(names) = selection else { continue };
        // The first few are enough to see what is wrong with the line.
        for unknown in names.iter().filter(|name| !is_rule(name)).take(SHOWN) {
            session.ui.warning(format_args!("`{unknown}` in `# check=` is no rule"));
            session.ui.line(Excerpt::new(source.name, source.text, check.span.into()));
            session.ui.hint(hint(unknown));
        }
    }
}

/// How many names that are no rules are told.
const SHOWN: usize = 10;

fn is_rule(name: &str) -> bool {
    lint::RULES.iter().any(|rule| rule.name == name)
}

fn hint(unknown: &str) -> String {
    let names = lint::RULES.iter().map(|rule| rule.name);
    // Their case is part of the names, and the likeliest mistake.
    let same = names.clone().find(|name| name.eq_ignore_ascii_case(unknown));
    match same.or_else(|| closest(unknown, names)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "the rules are those of `docker build --check`, in their exact case, or `all`".into()
        }
    }
}
