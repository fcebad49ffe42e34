//! The flags of `notes-build serve`.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};
use notes_registry::server::{Action, Grant, RightsError};

/// A registry: where it listens, what it keeps, and who may use it.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    pub(crate) address: SocketAddr,
    /// Where images are kept [default: `registry` in the store].
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Let nobody push or delete; the directory may be one that cannot be written.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// The certificate to show, in PEM form, with those between it and its authority.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM form.
    #[arg(long, value_name = "FILE", requires = "tls_certificate", help_heading = "TLS")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Authorities, in PEM form: clients have to show a certificate of theirs.
    #[arg(long, value_name = "FILE", requires = "tls_certificate", help_heading = "TLS")]
    pub(crate) tls_client_ca: Option<PathBuf>,
    /// A user, and the file that holds the password; may do everything unless `--grant` says what.
    #[arg(long, value_name = "NAME=FILE", help_heading = "Users")]
    pub(crate) user: Vec<PasswordFile>,
    /// What a user may do: `ci=team/*:pull,push`. Repositories are `*`, `PREFIX/*` or one; actions are pull, push and delete.
    #[arg(
        long,
        value_name = "NAME=REPOSITORIES:ACTIONS",
        requires = "user",
        help_heading = "Users"
    )]
    pub(crate) grant: Vec<NamedGrant>,
    /// What everybody may do without a name: `*:pull`.
    #[arg(
        long,
        value_name = "REPOSITORIES:ACTIONS",
        value_parser = parse_grant,
        requires = "user",
        help_heading = "Users"
    )]
    pub(crate) anonymous: Vec<Grant>,
    /// How users show who they are.
    #[arg(long, value_name = "HOW", default_value = "basic", help_heading = "Users")]
    pub(crate) login: LoginKind,
}

/// How users show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LoginKind {
    /// Name and password come with every request.
    Basic,
    /// Name and password are exchanged for a token of five minutes.
    Token,
}

/// A user's name, and where the password stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasswordFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl FromStr for PasswordFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = named(text).ok_or("it is not `NAME=FILE`")?;
        // As RFC 7617 has it: the colon ends the name.
        if name.contains(':') || path.is_empty() {
            return Err("a name has no colon, and a file a path".into());
        }
        Ok(Self { name: name.into(), path: path.into() })
    }
}

/// What a user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedGrant {
    pub(crate) name: String,
    pub(crate) grant: Grant,
}

impl FromStr for NamedGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, grant) = named(text).ok_or("it is not `NAME=REPOSITORIES:ACTIONS`")?;
        Ok(Self { name: name.into(), grant: parse_grant(grant)? })
    }
}

fn named(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| !name.is_empty())
}

fn parse_grant(text: &str) -> Result<Grant, String> {
    let (repositories, actions) =
        text.rsplit_once(':').ok_or("it is not `REPOSITORIES:ACTIONS`")?;
    let said = |error: RightsError| error.to_string();
    Ok(Grant {
        repositories: repositories.parse().map_err(said)?,
        actions: actions
            .split(',')
            .map(Action::from_str)
            .collect::<Result<_, _>>()
            .map_err(said)?,
    })
}

#[cfg(test)]
mod tests {
    use notes_registry::server::Repositories;

    use super::*;

    #[test]
    fn users_and_grants_are_read() {
        let user: PasswordFile = "ci=/run/secrets/ci=1".parse().unwrap();
        assert_eq!((user.name.as_str(), user.path), ("ci", "/run/secrets/ci=1".into()));
        let grant: NamedGrant = "ci=team/*:pull,push".parse().unwrap();
        assert_eq!(grant.name, "ci");
        assert_eq!(grant.grant.actions, [Action::Pull, Action::Push]);
        assert_eq!(parse_grant("*:pull").unwrap().repositories, Repositories::All);
    }

    #[test]
    fn what_is_no_user_or_grant_is_refused() {
        for text in ["ci", "=file", "a:b=file", "ci="] {
            assert!(text.parse::<PasswordFile>().is_err(), "{text}");
        }
        for text in ["ci", "ci=team/*", "ci=team/*:read", "=*:pull", "ci=*:"] {
            assert!(text.parse::<NamedGrant>().is_err(), "{text}");
        }
    }
}
