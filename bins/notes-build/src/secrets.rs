//! `--secret`: what `RUN --mount=type=secret` may see, in docker's syntax.
//!
//! A secret comes from a file or a variable of this machine and never from the command line, which other processes can
//! read, nor from notes.toml: a branch must not choose which of a runner's files its build may see.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use notes_console::{Environment, Failure, Kind, closest};
use notes_sandbox::Secret;

use crate::{failure, fields::Fields};

/// No secret is larger: `BuildKit` draws the line there (moby/buildkit, `session/secrets`).
const LARGEST: u64 = 500 * 1024;

/// A secret, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    id: String,
    origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Variable(String),
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Variable(name) => write!(f, "id={},env={name}", self.id),
            Origin::File(path) => write!(f, "id={},src={}", self.id, path.display()),
        }
    }
}

impl Source {
    /// Parses the value of one `--secret`: `id=ID,src=FILE` or `id=ID,env=NAME`. An id alone is a variable of that name if
    /// there is one, and else a file (docker/buildx, `util/buildflags/secrets.go`).
    pub(crate) fn parse(
        text: &str,
        environment: &Environment,
        current: &Path,
    ) -> Result<Self, Failure> {
        let mut fields = Fields::parse("--secret", text)?;
        let (kind, id) = (fields.take("type"), fields.take("id"));
        let file = fields.take("src").or_else(|| fields.take("source"));
        let variable = fields.take("env");
        fields.finish()?;
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Failure::message(Kind::Usage, "`--secret` has no `id`").with_hint(
                "write `--secret id=ID,src=FILE` or `--secret id=ID,env=NAME`, as `RUN --mount` names it",
            )
        })?;
        let origin = match (kind.as_deref(), file, variable) {
            (None | Some("file"), Some(file), None) => Origin::File(current.join(file)),
            // The second is docker's older way to name a variable.
            (None | Some("env"), None, Some(name)) | (Some("env"), Some(name), None) => {
                Origin::Variable(name)
            }
            (None, None, None) if environment.named(&id).is_some() => Origin::Variable(id.clone()),
            (None | Some("file"), None, None) => Origin::File(current.join(&id)),
            (Some("env"), None, None) => Origin::Variable(id.clone()),
            (Some(kind), ..) if !["file", "env"].contains(&kind) => return Err(unknown(kind)),
            _ => {
                let message = format!("the secret `{id}` has two sources");
                return Err(Failure::message(Kind::Usage, message)
                    .with_hint("keep `src` for a file or `env` for a variable"));
            }
        };
        Ok(Self { id, origin })
    }

    fn read(&self, environment: &Environment) -> Result<Secret, Failure> {
        match &self.origin {
            Origin::Variable(name) => {
                let value = environment.named(name).ok_or_else(|| {
                    let message = format!(
                        "the secret `{}` is to come from `{name}`, which is not set",
                        self.id
                    );
                    Failure::message(Kind::Configuration, message).with_hint(
                        "in CI, a protected variable is set on protected branches and tags alone",
                    )
                })?;
                Ok(Secret::new(value))
            }
            Origin::File(path) => {
                let failed = |error| failure::path(path, error);
                let mut content = Vec::new();
                let file = fs::File::open(path).map_err(failed)?;
                file.take(LARGEST + 1).read_to_end(&mut content).map_err(failed)?;
                if content.len() as u64 > LARGEST {
                    let message = format!("the secret `{}` is larger than 500 KiB", self.id);
                    return Err(Failure::message(Kind::Configuration, message));
                }
                Ok(Secret::new(content))
            }
        }
    }
}

/// Reads all secrets, by id.
pub(crate) fn read(
    sources: &[Source],
    environment: &Environment,
) -> Result<BTreeMap<String, Secret>, Failure> {
    let mut secrets = BTreeMap::new();
    for source in sources {
        if secrets.insert(source.id.clone(), source.read(environment)?).is_some() {
            let message = format!("the secret `{}` is given twice", source.id);
            return Err(Failure::message(Kind::Usage, message));
        }
    }
    Ok(secrets)
}

fn unknown(kind: &str) -> Failure {
    let hint = closest(kind, ["file", "env"]).map(|kind| format!("did you mean `type={kind}`?"));
    Failure::message(Kind::Usage, "`--secret` has a type that is neither `file` nor `env`")
        .with_hints(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_as_docker_names_them() {
        let environment = Environment::from_iter([("TOKEN", "canary")]);
        let parse = |text| {
            Source::parse(text, &environment, Path::new("/here")).map(|source| source.to_string())
        };
        for (text, meant) in [
            ("id=a,src=b", "id=a,src=/here/b"),
            ("type=file,id=a,source=/b", "id=a,src=/b"),
            ("id=a,env=B", "id=a,env=B"),
            ("type=env,id=a,src=B", "id=a,env=B"),
            ("id=TOKEN", "id=TOKEN,env=TOKEN"),
            ("id=OTHER", "id=OTHER,src=/here/OTHER"),
        ] {
            assert_eq!(parse(text).unwrap(), meant, "{text}");
        }
        for text in ["src=b", "id=a,src=b,env=C", "type=vault,id=a", "id=a,value=canary"] {
            let failure = parse(text).unwrap_err();
            assert!(!format!("{failure} {:?}", failure.hints()).contains("canary"), "{failure}");
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_named_and_a_value_never() {
        let environment = Environment::from_iter([("TOKEN", "canary")]);
        let source = |text| Source::parse(text, &environment, Path::new("/here")).unwrap();
        let secrets = read(&[source("id=TOKEN")], &environment).unwrap();
        assert_eq!(secrets["TOKEN"].expose(), b"canary");
        assert!(!format!("{secrets:?}").contains("canary"));
        let failure = read(&[source("id=a,env=NONE")], &environment).unwrap_err();
        assert_eq!(failure.to_string(), "the secret `a` is to come from `NONE`, which is not set");
        let twice = [source("id=TOKEN"), source("id=TOKEN")];
        assert!(read(&twice, &environment).is_err());
    }
}
