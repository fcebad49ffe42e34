//! Flags whose value has options, in docker's syntax: `type=local,dest=out`, a comma within quotes.

use notes_console::{Failure, Kind, closest};

/// The fields of one flag that nobody has taken yet.
///
/// Errors name keys and never values: what was written where a secret's source belongs may be the secret.
#[derive(Debug)]
pub(crate) struct Fields {
    flag: &'static str,
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Reads the fields of `--flag`, each `key=value`.
    pub(crate) fn parse(flag: &'static str, text: &str) -> Result<Self, Failure> {
        let Some(fields) = notes_dockerfile::fields(text) else {
            let message = format!("the quotes in the value of `{flag}` do not match");
            return Err(Failure::message(Kind::Usage, message).with_hint(
                r#"quote a whole field, and a quote in it by doubling it: `"dest=a,b"`"#,
            ));
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (field, _) in fields {
            let Some((key, value)) = field.split_once('=') else {
                let message = format!("a field of `{flag}` has no `=`");
                return Err(Failure::message(Kind::Usage, message)
                    .with_hint(format!("write `{flag} key=value,key=value`")));
            };
            let key = key.trim().to_ascii_lowercase();
            if pairs.iter().any(|(known, _)| *known == key) {
                let message = format!("`{key}` stands twice in one `{flag}`");
                return Err(Failure::message(Kind::Usage, message));
            }
            pairs.push((key, value.into()));
        }
        Ok(Self { flag, pairs, known: Vec::new() })
    }

    /// Takes the value of `key`.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let index = self.pairs.iter().position(|(name, _)| name == key)?;
        Some(self.pairs.remove(index).1)
    }

    /// Ends: a key that nobody asked for is an error.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Some((key, _)) = self.pairs.first() else { return Ok(()) };
        let hint = match closest(key, self.known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("the keys are {}", self.known.join(", ")),
        };
        let message = format!("`{}` has no `{key}` here", self.flag);
        Err(Failure::message(Kind::Usage, message).with_hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_by_name_and_none_is_left_over() {
        let mut fields = Fields::parse("--secret", r#"ID=a,"src=b,c""#).unwrap();
        assert_eq!(fields.take("id").as_deref(), Some("a"));
        assert_eq!(fields.take("src").as_deref(), Some("b,c"));
        assert_eq!(fields.take("env"), None);
        fields.finish().unwrap();
    }

    #[test]
    fn errors_name_the_key_and_not_the_value() {
        let unknown = |text| {
            let mut fields = Fields::parse("--secret", text)?;
            fields.take("id");
            fields.take("src");
            fields.finish()
        };
        for (text, message) in [
            ("id=a,value=hunter2", "`--secret` has no `value` here"),
            ("hunter2", "a field of `--secret` has no `=`"),
            ("id=a,\"src=hunter2", "the quotes in the value of `--secret` do not match"),
            ("id=a,id=hunter2", "`id` stands twice in one `--secret`"),
        ] {
            let failure = unknown(text).unwrap_err();
            assert_eq!(failure.to_string(), message);
            assert!(!failure.hints().concat().contains("hunter2"));
        }
    }
}
