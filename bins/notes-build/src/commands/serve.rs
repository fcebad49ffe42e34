//! `notes-build serve`: the embedded registry.

use std::{
    fs,
    path::{Path, PathBuf},
};

use notes_console::{Failure, Kind, Session, print_result, signal};
use notes_registry::server::{Access, Grant, Mode, Options, ServeError, Server, Tls, User, Users};

use crate::{
    cli::{LoginKind, PasswordFile, ServeArguments},
    settings,
};

/// Serves until a signal arrives. The address is printed when requests are taken.
pub(crate) async fn run(session: &Session, arguments: &ServeArguments) -> Result<(), Failure> {
    let options = options(session, arguments)?;
    let description = describe(&options);
    let server = Server::bind(arguments.address, options).await.map_err(failed)?;
    let address = server.local_addr();
    let announced = async {
        print_result(address).map_err(|error| Failure::new(Kind::Internal, error))?;
        session.ui.step("Serving", format_args!("{description} on {address}"));
        if !address.ip().is_loopback() && arguments.tls_certificate.is_none() {
            session.ui.warning("plain HTTP on an address that other machines reach");
        }
        std::future::pending::<Result<(), Failure>>().await
    };
    // A registry is ended by a signal and by nothing else: that is no failure. Signals are heard before anybody reads the
    // address, and so may send one.
    tokio::select! {
        biased;
        _ = signal::received() => {}
        unheard = announced => return unheard,
    }
    session.ui.step("Stopping", "when the requests under way have ended, or at a second signal");
    tokio::select! {
        () = server.shutdown() => {}
        _ = signal::received() => {}
    }
    session.ui.step("Stopped", format_args!("the registry on {address}"));
    Ok(())
}

/// Turns what was typed into what is served.
fn options(session: &Session, arguments: &ServeArguments) -> Result<Options, Failure> {
    let at = |path: &PathBuf| session.current.join(path);
    let root = match &arguments.root {
        Some(root) => at(root),
        None => settings::store(None, None, &session.environment, &session.current)?
            .value
            .join("registry"),
    };
    let mode = if arguments.read_only { Mode::ReadOnly } else { Mode::ReadWrite };
    let tls = arguments.tls_certificate.as_ref().zip(arguments.tls_key.as_ref());
    let tls = tls.map(|(certificate, key)| Tls {
        certificate: at(certificate),
        key: at(key),
        client_authorities: arguments.tls_client_ca.as_ref().map(at),
    });
    Ok(Options { access: access(arguments, &session.current)?, mode, tls, ..Options::new(root) })
}

fn access(arguments: &ServeArguments, current: &Path) -> Result<Access, Failure> {
    if arguments.user.is_empty() {
        return Ok(Access::Open);
    }
    if let Some(unknown) = arguments
        .grant
        .iter()
        .find(|grant| arguments.user.iter().all(|user| user.name != grant.name))
    {
        let message = format!("`--grant` names `{}`, who is no `--user`", unknown.name);
        return Err(Failure::message(Kind::Usage, message));
    }
    let users = arguments.user.iter().map(|file| user(file, arguments, current));
    let users = users.collect::<Result<_, _>>()?;
    let users = Users { users, anonymous: arguments.anonymous.clone() };
    Ok(match arguments.login {
        LoginKind::Basic => Access::Basic(users),
        LoginKind::Token => Access::Token(users),
    })
}

fn user(file: &PasswordFile, arguments: &ServeArguments, current: &Path) -> Result<User, Failure> {
    let PasswordFile { name, path } = file;
    let text = fs::read_to_string(current.join(path)).map_err(|error| {
        Failure::message(
            Kind::Configuration,
            format!("failed to read the password of `{name}` from `{}`: {error}", path.display()),
        )
    })?;
    // As editors and `echo` leave it.
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        let message = format!("the password of `{name}` in `{}` is empty", path.display());
        return Err(Failure::message(Kind::Configuration, message));
    }
    let own = arguments.grant.iter().filter(|grant| grant.name == *name);
    let mut grants: Vec<_> = own.map(|grant| grant.grant.clone()).collect();
    if grants.is_empty() {
        grants.push(Grant::everything());
    }
    Ok(User { name: name.clone(), password: password.to_owned().into(), grants })
}

/// What is served, to whom and how, in a line.
fn describe(options: &Options) -> String {
    let mode = match options.mode {
        Mode::ReadWrite => "",
        Mode::ReadOnly => ", read-only",
    };
    let tls = match &options.tls {
        None => "",
        Some(Tls { client_authorities: None, .. }) => ", over TLS",
        Some(_) => ", over TLS with client certificates",
    };
    let access = match &options.access {
        Access::Basic(users) => format!(", to {} by password", people(users)),
        Access::Token(users) => format!(", to {} by token", people(users)),
        _ => String::new(),
    };
    format!("{}{mode}{access}{tls}", options.root.display())
}

fn people(users: &Users) -> String {
    let count = match users.users.len() {
        1 => "1 user".to_owned(),
        count => format!("{count} users"),
    };
    if users.anonymous.is_empty() { count } else { format!("{count} and everybody") }
}

fn failed(error: ServeError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}
