//! Credential helpers: `docker-credential-<name>`, asked over stdin (docker-credential-helpers, "Development").

use std::{io, process::Stdio, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, process::Command};

use super::Credential;
use crate::environment::Environment;

/// A helper that asks a person would hang a pipeline for ever.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The user name by which a helper says that the secret is an identity token.
const IDENTITY_USER: &str = "<token>";
/// What a helper needs of the environment: itself, its files, its session bus and its cloud's settings.
const PASSED: [&str; 5] = ["PATH", "HOME", "USER", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];
const PASSED_PREFIXES: [&str; 5] = ["AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "GCR_"];

/// The error returned when a credential helper gives no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HelperError {
    /// The name is none.
    #[error("`{name}` is not the name of a credential helper")]
    Name {
        /// The name in the configuration.
        name: String,
    },
    /// It cannot be run.
    #[error("failed to run `docker-credential-{name}`")]
    Run {
        /// The helper.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// It did not answer in time.
    #[error("`docker-credential-{name}` did not answer within {after:?}")]
    TimedOut {
        /// The helper.
        name: String,
        /// How long it had.
        after: Duration,
    },
    /// It failed, and said why.
    #[error("`docker-credential-{name}` failed: {message}")]
    Failed {
        /// The helper.
        name: String,
        /// The first line of what it said.
        message: String,
    },
    /// Its answer cannot be read. The answer is not shown: it may hold the secret.
    #[error("the answer of `docker-credential-{name}` cannot be read")]
    Answer {
        /// The helper.
        name: String,
    },
}

/// Returns the error and its cause in one line, for a warning.
pub(super) fn describe(error: &HelperError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Runs helpers with the variables they are given.
#[derive(Clone, Debug)]
pub(super) struct Helper {
    variables: Vec<(String, SecretString)>,
    patience: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl Helper {
    pub(super) fn new(environment: &Environment) -> Self {
        let variables = environment
            .iter()
            .filter(|(name, _)| {
                PASSED.contains(name) || PASSED_PREFIXES.iter().any(|it| name.starts_with(it))
            })
            .map(|(name, value)| (name.to_owned(), value.to_owned().into()))
            .collect();
        Self { variables, patience: TIMEOUT }
    }

    /// Asks `docker-credential-<name>` for `server`; `None` where it has nothing.
    pub(super) async fn credential(
        &self,
        name: &str,
        server: &str,
    ) -> Result<Option<Credential>, HelperError> {
        let name_is_good = !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !name_is_good {
            return Err(HelperError::Name { name: name.into() });
        }
        let output = tokio::time::timeout(self.patience, self.run(name, server))
            .await
            .map_err(|_| HelperError::TimedOut { name: name.into(), after: self.patience })?
            .map_err(|source| HelperError::Run { name: name.into(), source })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            // The protocol knows this one error, by its text.
            if said.contains("credentials not found") {
                return Ok(None);
            }
            let message = said.lines().next().unwrap_or("it said nothing").to_owned();
            return Err(HelperError::Failed { name: name.into(), message });
        }
        let answer: Answer = serde_json::from_slice(&output.stdout)
            .map_err(|_| HelperError::Answer { name: name.into() })?;
        Ok(Some(if answer.username == IDENTITY_USER {
            Credential::Identity { token: answer.secret.into() }
        } else {
            Credential::basic(answer.username, answer.secret)
        }))
    }

    async fn run(&self, name: &str, server: &str) -> io::Result<std::process::Output> {
        use secrecy::ExposeSecret;

        let program = format!("docker-credential-{name}");
        let path = self.variables.iter().find(|(name, _)| name == "PATH");
        // `Command` looks in this process's PATH; the one we were given decides.
        let program = path
            .and_then(|(_, path)| {
                std::env::split_paths(path.expose_secret())
                    .map(|directory| directory.join(&program))
                    .find(|file| file.is_file())
            })
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is not in PATH"))?;
        let mut child = Command::new(program)
            .arg("get")
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value.expose_secret())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A helper that ends without reading has still answered.
        match stdin.write_all(server.as_bytes()).await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => drop(stdin),
        }
        child.wait_with_output().await
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Write as _, path::Path, process};

    use super::*;

    /// Writes a program in a process of its own: one that this process has open for writing while another thread starts a
    /// child is busy (ETXTBSY) until that child is another program.
    fn write(program: &Path, text: &str) {
        let mut shell = process::Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(program)
            .stdin(process::Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }

    async fn ask(script: &str, name: &str) -> Result<Option<String>, HelperError> {
        ask_for(TIMEOUT, script, name).await
    }

    async fn ask_for(
        patience: Duration,
        script: &str,
        name: &str,
    ) -> Result<Option<String>, HelperError> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("docker-credential-test");
        write(&program, &format!("#!/bin/sh\n{script}\n"));
        let path = format!("{}:/usr/bin:/bin", directory.path().display());
        let environment: Environment = [("PATH", path)].into_iter().collect();
        let helper = Helper { patience, ..Helper::new(&environment) };
        let credential = helper.credential(name, "example.com").await?;
        Ok(credential.map(|credential| match credential {
            Credential::Basic { username, .. } => username,
            Credential::Identity { .. } => "identity".into(),
            Credential::Bearer { .. } => "bearer".into(),
        }))
    }

    #[tokio::test]
    async fn a_helper_is_asked_by_its_protocol() {
        let script = r#"read server; printf '{"Username":"%s-%s","Secret":"s"}' "$1" "$server""#;
        assert_eq!(ask(script, "test").await.unwrap().as_deref(), Some("get-example.com"));
        let identity = r#"printf '{"Username":"<token>","Secret":"s"}'"#;
        assert_eq!(ask(identity, "test").await.unwrap().as_deref(), Some("identity"));
        let none = "echo credentials not found in native keychain; exit 1";
        assert_eq!(ask(none, "test").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_helper_that_waits_for_a_person_is_given_up() {
        let patience = Duration::from_millis(50);
        let error = ask_for(patience, "exec sleep 100", "test").await.unwrap_err();
        assert_eq!(error.to_string(), "`docker-credential-test` did not answer within 50ms");
    }

    #[tokio::test]
    async fn a_helper_that_fails_says_so_without_its_answer() {
        let error = ask("echo the store is locked; exit 1", "test").await.unwrap_err();
        assert_eq!(error.to_string(), "`docker-credential-test` failed: the store is locked");
        let error = ask("echo s3cret", "test").await.unwrap_err();
        assert_eq!(error.to_string(), "the answer of `docker-credential-test` cannot be read");
        assert!(matches!(ask("", "../test").await, Err(HelperError::Name { .. })));
        let error = ask("", "absent").await.unwrap_err();
        assert_eq!(describe(&error), "failed to run `docker-credential-absent`: it is not in PATH");
    }
}
