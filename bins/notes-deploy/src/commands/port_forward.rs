//! `notes-deploy port-forward`.

use std::sync::Arc;

use notes_console::{Failure, Session, signal};
use notes_k8s_deploy::port_forward::{Forward, Target};

use crate::{cli::PortForwardArguments, failure, reporter::Lines, settings::AppSettings};

/// Forwards until a signal comes. The address is the result, printed once it is listened on.
pub(crate) async fn run(
    session: &Session,
    arguments: &PortForwardArguments,
) -> Result<(), Failure> {
    let settings = AppSettings::with(session, &arguments.app, None, arguments.service.as_deref())?;
    let target = Target {
        namespace: settings.namespace.value.clone(),
        service: settings.service.value.clone(),
        port: arguments.port.clone(),
    };
    let local = arguments
        .local_port
        .or_else(|| arguments.port.as_deref()?.parse().ok())
        .or_else(|| settings.notes.deploy.port.as_ref().map(|located| located.value))
        .unwrap_or(8000);
    let forwarding = async {
        let cluster = settings.connect(session).await?;
        let service = target.service.clone();
        let forward = Forward::bind(cluster, target, local).await.map_err(failure::port_forward)?;
        session
            .ui
            .step("Forwarding", format_args!("http://{} to service/{service}", forward.address()));
        super::print(format_args!("http://{}", forward.address()))?;
        forward.run(Arc::new(Lines::new(&session.ui))).await;
        Ok(())
    };
    tokio::select! {
        result = forwarding => result,
        // Ending it is what Ctrl-C is for here: no failure.
        _ = signal::received() => Ok(()),
    }
}
