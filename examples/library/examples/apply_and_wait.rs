//! A pinned image runs in a cluster: `cargo run --example apply_and_wait -- HOST/app@sha256:… NAME NAMESPACE`.

#![expect(clippy::print_stdout, reason = "the result of the example")]

use notes_k8s_deploy::{
    Cluster, Provenance, Release, Silent, deploy, kubeconfig, release, render, rollout::Outcome,
};
use notes_oci::{Pinned, Reference};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [image, name, namespace] = arguments.as_slice() else {
        return Err("IMAGE NAME NAMESPACE".into());
    };
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "installed twice")?;
    let image: Pinned = image.parse::<Reference>()?.try_into()?;
    let app = render::App::new(name, namespace, 8000.try_into()?);
    let at = "2026-01-01T00:00:00Z".parse()?;
    let (commit, short) = (image.digest.hex(), image.digest.short());
    let provenance = Provenance { commit, short, subject: None, by: None, pipeline: None, at };
    let (app_name, namespace) = (app.name.clone(), app.namespace.clone());
    let options = release::Options { app: app_name, namespace, containers: vec![], provenance };
    let release = Release::prepare(render::render(&app, &image), image, options)?;
    let access = kubeconfig::load(&kubeconfig::Sources::from_env()).await?;
    let cluster = Cluster::connect(access)?;
    let deployed = deploy::deploy(&cluster, &release, &deploy::Options::default(), &Silent).await?;
    match deployed.outcome {
        Outcome::Failed { diagnoses } => diagnoses.iter().for_each(|it| println!("{}", it.summary)),
        _ => println!("it runs"),
    }
    Ok(())
}
