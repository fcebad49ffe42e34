//! How two images differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What there is to compare: of each path, and of `config`, each aspect with its value.
pub(crate) type Facts = BTreeMap<String, BTreeMap<String, String>>;

/// One thing that two builders do differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What differs: `/app owner`, `config Env`, `outcome`.
    pub(crate) what: String,
    /// What notes-build gives.
    pub(crate) ours: String,
    /// What the other builder gives.
    pub(crate) theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; theirs: {}", self.what, self.ours, self.theirs)
    }
}

/// What stands in a difference for what is not there.
const ABSENT: &str = "absent";

/// Returns where two images differ. What lies in a directory that one of them does not have is not told apart from it.
pub(crate) fn between(ours: &Facts, theirs: &Facts) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut absent = BTreeSet::new();
    let subjects = ours.keys().chain(theirs.keys().filter(|subject| !ours.contains_key(*subject)));
    let mut subjects: Vec<_> = subjects.collect();
    subjects.sort();
    for subject in subjects {
        match (ours.get(subject), theirs.get(subject)) {
            (Some(ours), Some(theirs)) => aspects(subject, ours, theirs, &mut differences),
            (ours, theirs) => {
                if parents(subject).any(|parent| absent.contains(parent)) {
                    continue;
                }
                absent.insert(subject.as_str());
                let (ours, theirs) = (described(ours), described(theirs));
                differences.push(Difference { what: format!("{subject} presence"), ours, theirs });
            }
        }
    }
    differences
}

fn aspects(
    subject: &str,
    ours: &BTreeMap<String, String>,
    theirs: &BTreeMap<String, String>,
    differences: &mut Vec<Difference>,
) {
    let extra = theirs.keys().filter(|aspect| !ours.contains_key(*aspect));
    for aspect in ours.keys().chain(extra) {
        let value = |side: &BTreeMap<String, String>| {
            side.get(aspect).map_or_else(|| ABSENT.to_owned(), String::clone)
        };
        let (ours, theirs) = (value(ours), value(theirs));
        if ours != theirs {
            differences.push(Difference { what: format!("{subject} {aspect}"), ours, theirs });
        }
    }
}

fn described(aspects: Option<&BTreeMap<String, String>>) -> String {
    let Some(aspects) = aspects else { return ABSENT.to_owned() };
    let values = ["type", "mode", "owner"].into_iter().filter_map(|name| aspects.get(name));
    values.map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lines: &[(&str, &str, &str)]) -> Facts {
        let mut facts = Facts::new();
        for (subject, aspect, value) in lines {
            let aspects = facts.entry((*subject).to_owned()).or_default();
            aspects.insert((*aspect).to_owned(), (*value).to_owned());
        }
        facts
    }

    fn lines(ours: &Facts, theirs: &Facts) -> String {
        let lines: Vec<_> = between(ours, theirs).iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn the_same_does_not_differ() {
        let same = facts(&[("/a", "mode", "644"), ("config", "User", "app")]);
        assert_eq!(lines(&same, &same), "");
    }

    #[test]
    fn each_aspect_differs_by_itself() {
        let ours = facts(&[("/a", "mode", "644"), ("/a", "owner", "0:0"), ("config", "User", "a")]);
        let theirs =
            facts(&[("/a", "mode", "600"), ("/a", "owner", "0:0"), ("config", "Cmd", "x")]);
        insta::assert_snapshot!(lines(&ours, &theirs), @r"
        /a mode: 644; theirs: 600
        config User: a; theirs: absent
        config Cmd: absent; theirs: x
        ");
    }

    #[test]
    fn a_directory_that_one_has_not_is_one_difference() {
        let ours = facts(&[
            ("/a", "type", "directory"),
            ("/a", "mode", "755"),
            ("/a/b", "type", "file"),
            ("/a-b", "type", "file"),
        ]);
        insta::assert_snapshot!(lines(&ours, &Facts::new()), @r"
        /a presence: directory 755; theirs: absent
        /a-b presence: file; theirs: absent
        ");
    }
}
