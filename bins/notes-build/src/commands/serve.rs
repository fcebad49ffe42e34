//! `notes-build serve`: the embedded registry.

use notes_console::{Failure, Kind, Session, print_result, signal};
use notes_registry::server::{Options, ServeError, Server};

use crate::{cli::ServeArguments, settings};

/// Serves until a signal arrives. The address is printed when requests are taken.
pub(crate) async fn run(session: &Session, arguments: &ServeArguments) -> Result<(), Failure> {
    let root = match &arguments.root {
        Some(root) => session.current.join(root),
        None => settings::store(None, None, &session.environment, &session.current)?
            .value
            .join("registry"),
    };
    let server = Server::bind(arguments.address, Options::new(&root)).await.map_err(failed)?;
    print_result(server.local_addr()).map_err(|error| Failure::new(Kind::Internal, error))?;
    session.ui.step("Serving", format_args!("{} on {}", root.display(), server.local_addr()));
    // A registry is ended by a signal and by nothing else: that is no failure.
    let _ = signal::received().await;
    server.shutdown().await;
    session.ui.step("Stopped", server_name(arguments));
    Ok(())
}

fn server_name(arguments: &ServeArguments) -> String {
    format!("the registry on {}", arguments.address)
}

fn failed(error: ServeError) -> Failure {
    let hint = error.hint();
    Failure::new(Kind::Configuration, error).with_hints(hint)
}
