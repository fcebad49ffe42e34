//! Settings that are names and values.

use std::{collections::BTreeMap, fmt};

use notes_console::{
    Environment, Failure, Kind,
    settings::{Candidates, FromText as _, Located, Place, Setting},
};

/// Names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) BTreeMap<String, String>);

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&pairs.join(", "))
    }
}

/// Merges a table of the file with what flags add to it or change in it.
pub(super) fn pairs(
    key: &'static str,
    flag: &'static str,
    given: &BTreeMap<String, String>,
    file: Option<&Located<BTreeMap<String, String>>>,
) -> Setting<Pairs> {
    let mut merged = file.map(|located| located.value.clone()).unwrap_or_default();
    merged.extend(given.clone());
    let place = file.map(|located| located.place.clone());
    Candidates::new(key)
        .flag(flag, (!given.is_empty()).then(|| Pairs(merged.clone())))
        .file(place.map(|place: Place| Located { value: Pairs(merged), place }))
        .or(Pairs::default())
}

pub(super) fn build_arguments(
    given: &[String],
    environment: &Environment,
) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|argument| {
            if let Some((name, value)) = argument.split_once('=') {
                return Ok((name.into(), value.into()));
            }
            let value =
                environment.named(argument).and_then(String::from_text).ok_or_else(|| {
                    let message = format!(
                        "`--build-arg {argument}` has no value and the environment has none"
                    );
                    Failure::message(Kind::Usage, message)
                        .with_hint(format!("write `--build-arg {argument}=VALUE`"))
                })?;
            Ok((argument.clone(), value))
        })
        .collect()
}

/// Reads `NAME=VALUE` of a flag that is given once for each.
pub(super) fn named(
    flag: &'static str,
    given: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
            Some(_) => {
                let message = format!("`{flag} {pair}` has no name");
                Err(Failure::message(Kind::Usage, message))
            }
            None => Err(Failure::message(Kind::Usage, format!("`{flag} {pair}` has no value"))
                .with_hint(format!("write `{flag} {pair}=VALUE`"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_add_to_the_tables_of_the_file() {
        let file = Located {
            value: [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())].into(),
            place: Place { file: "notes.toml".into(), line: 4 },
        };
        let merged =
            pairs("build.args", "--build-arg", &[("B".into(), "3".into())].into(), Some(&file));
        assert_eq!(
            (merged.value.to_string(), merged.origin.to_string()),
            ("A=1, B=3".into(), "--build-arg".into())
        );
        let alone = pairs("build.args", "--build-arg", &BTreeMap::new(), Some(&file));
        assert_eq!(alone.origin.to_string(), "notes.toml:4");
    }
}
