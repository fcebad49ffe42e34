//! The differences that are known, and why they are there.
//!
//! They stand in `tests/fixtures/dockerfile-differences.toml`, one table each. One that is not listed fails the comparison,
//! and so does one that is listed and not seen: the list says what is, not what was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{difference::Difference, reference::Builder};

/// The list, below the root of the workspace.
pub(crate) const LIST: &str = "tests/fixtures/dockerfile-differences.toml";
/// Stands for every fixture.
const EVERY: &str = "*";

/// A difference with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// What differs, in a few words.
    pub(crate) title: String,
    /// From whom.
    pub(crate) builders: BTreeSet<Builder>,
    /// Why.
    pub(crate) reason: String,
    /// Where it shows: fixtures, each with patterns of what differs (`*` stands for any text).
    pub(crate) cases: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// True where it is a difference from what defines the language.
    pub(crate) fn is_from_buildkit(&self) -> bool {
        self.builders.contains(&Builder::Buildkit)
    }
}

/// One pattern of the list that has to be seen: the number of its difference, the builder, the fixture, the pattern.
type Listed<'a> = (usize, Builder, &'a str, &'a str);

/// How much was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// All fixtures.
    Whole,
    /// Some: what shows somewhere need not show in them.
    Part,
}

/// The list of differences.
#[derive(Debug)]
pub(crate) struct List {
    known: Vec<Known>,
}

/// What the list says of the differences of one fixture.
#[derive(Debug, Default)]
pub(crate) struct Judgement<'a> {
    /// The titles of those that are listed.
    pub(crate) listed: BTreeSet<&'a str>,
    /// Those that are not.
    pub(crate) unlisted: Vec<Difference>,
    seen: BTreeSet<Listed<'a>>,
}

/// The error returned when the list could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error("failed to read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is no list of differences", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
}

impl List {
    /// Reads the list of the workspace at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self, ListError> {
        let path = root.join(LIST);
        let text = fs::read_to_string(&path)
            .map_err(|source| ListError::Read { path: path.clone(), source })?;
        Self::parse(&text).map_err(|source| ListError::Parse { path, source: Box::new(source) })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Tables {
            #[serde(default)]
            difference: Vec<Known>,
        }
        Ok(Self { known: toml::from_str::<Tables>(text)?.difference })
    }

    /// Returns the differences of the list.
    pub(crate) fn known(&self) -> &[Known] {
        &self.known
    }

    /// Looks up what `builder` did differently with `fixture`.
    pub(crate) fn judge(
        &self,
        builder: Builder,
        fixture: &str,
        differences: Vec<Difference>,
    ) -> Judgement<'_> {
        let mut judgement = Judgement::default();
        for difference in differences {
            let mut is_listed = false;
            for listed in self.listed() {
                let (number, of, name, pattern) = listed;
                let about = of == builder && (name == EVERY || name == fixture);
                if about && matches(pattern, &difference.what) {
                    is_listed = true;
                    judgement.listed.insert(&self.known[number].title);
                    judgement.seen.insert(listed);
                }
            }
            if !is_listed {
                judgement.unlisted.push(difference);
            }
        }
        judgement
    }

    /// Returns what is listed for a fixture and builder that were compared, and was not seen.
    pub(crate) fn vanished(
        &self,
        compared: &BTreeSet<(Builder, String)>,
        coverage: Coverage,
        judgements: &[Judgement<'_>],
    ) -> Vec<String> {
        let was_compared = |builder: Builder, name: &str| {
            compared.iter().any(|(of, fixture)| {
                let whole = name == EVERY && coverage == Coverage::Whole;
                *of == builder && (whole || name == fixture)
            })
        };
        self.listed()
            .filter(|(_, builder, name, _)| was_compared(*builder, name))
            .filter(|listed| !judgements.iter().any(|judgement| judgement.seen.contains(listed)))
            .map(|(number, builder, name, pattern)| {
                let title = &self.known[number].title;
                format!("{name}: `{pattern}` of {builder} is listed ({title}) and was not seen")
            })
            .collect()
    }

    fn listed(&self) -> impl Iterator<Item = Listed<'_>> {
        self.known.iter().enumerate().flat_map(|(number, known)| {
            let cases = known.cases.iter();
            cases.flat_map(move |(name, patterns)| {
                patterns.iter().flat_map(move |pattern| {
                    let builders = known.builders.iter();
                    builders.map(move |builder| (number, *builder, name.as_str(), pattern.as_str()))
                })
            })
        })
    }
}

/// Tells whether `text` is what `pattern` says, where `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    text.strip_prefix(start).is_some_and(|text| {
        text.char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| matches(rest, &text[at..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[difference]]
        title = "labels"
        builders = ["buildah", "buildkit"]
        reason = "we name the commit"
        cases = { "*" = ["config Labels org.*"] }

        [[difference]]
        title = "owners"
        builders = ["buildah"]
        reason = "root there"
        cases = { workdir = ["/app owner", "/b owner"] }
    "#;

    fn difference(what: &str) -> Difference {
        Difference { what: what.into(), ours: "1".into(), theirs: "2".into() }
    }

    #[test]
    fn what_is_not_listed_for_the_builder_and_the_fixture_is_told() {
        let list = List::parse(TEXT).unwrap();
        let seen = || vec![difference("/app owner"), difference("config Labels org.x")];
        let buildah = list.judge(Builder::Buildah, "workdir", seen());
        assert_eq!(buildah.listed, BTreeSet::from(["labels", "owners"]));
        assert_eq!(buildah.unlisted, []);
        let buildkit = list.judge(Builder::Buildkit, "workdir", seen());
        assert_eq!(buildkit.unlisted, [difference("/app owner")]);
        assert_eq!(list.judge(Builder::Buildah, "other", seen()).unlisted.len(), 1);
    }

    #[test]
    fn what_is_listed_and_not_seen_is_told_where_it_was_looked_for() {
        let list = List::parse(TEXT).unwrap();
        let seen = vec![difference("/app owner"), difference("config Labels org.x")];
        let judgements = [list.judge(Builder::Buildah, "workdir", seen)];
        let compared = BTreeSet::from([(Builder::Buildah, "workdir".to_owned())]);
        insta::assert_snapshot!(
            list.vanished(&compared, Coverage::Whole, &judgements).join("\n"),
            @"workdir: `/b owner` of buildah is listed (owners) and was not seen"
        );
        let elsewhere = BTreeSet::from([(Builder::Buildkit, "x".to_owned())]);
        assert_eq!(list.vanished(&elsewhere, Coverage::Whole, &judgements).len(), 1);
        assert!(list.vanished(&elsewhere, Coverage::Part, &judgements).is_empty());
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("/app/* mode", "/app/a/b mode"));
        assert!(matches("*", ""));
        assert!(!matches("/app/* mode", "/app/a owner"));
        assert!(!matches("/app", "/app/a"));
    }
}
