//! The bases of a Dockerfile: Docker Hub's where it can be reached, else made from Debian's packages.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use notes_oci::Reference;
use notes_testkit::base::{self, Recipe};

use super::Result;
use crate::program;

/// Any answer will do, also one that asks who is there.
const DOCKER_HUB: &str = "https://registry-1.docker.io/v2/";

/// Puts each base that Docker Hub does not give into `registry`, under its own name, with the program `notes_build`.
pub(super) async fn provide(
    dockerfile: &Path,
    registry: SocketAddr,
    notes_build: &Path,
    cache: &Path,
    say: &dyn Fn(&str),
) -> Result<()> {
    if is_docker_hub_there()? {
        say("bases: from Docker Hub");
        return Ok(());
    }
    for base in bases(&fs::read_to_string(dockerfile)?) {
        let pinned = push(&base, registry, notes_build, cache, say).await?;
        say(&format!("base: {base} made from Debian packages, as {pinned}"));
    }
    Ok(())
}

/// Makes `base` from Debian's packages, now or earlier, and pushes it under its own name; returns the pinned image.
pub(crate) async fn push(
    base: &str,
    registry: SocketAddr,
    notes_build: &Path,
    cache: &Path,
    say: &dyn Fn(&str),
) -> Result<String> {
    let reference: Reference = base.parse()?;
    let recipe = Recipe::of(&reference).ok_or_else(|| {
        format!("`{base}` cannot be pulled, and Debian's packages do not make one like it")
    })?;
    let layout = base::make(&recipe, cache, &mut |line| say(line)).await?;
    let tag = reference.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let mut push = Command::new(notes_build);
    push.args(["push", "--quiet", "--allow-retag"]).arg(layout.root());
    program::result(push.arg(format!("{registry}/{}{tag}", reference.repository)))
}

fn is_docker_hub_there() -> Result<bool> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "5", "--output", "/dev/null", DOCKER_HUB]);
    let ended = curl.stdin(Stdio::null()).status();
    Ok(ended
        .map_err(|error| format!("failed to run curl (apt-get install curl): {error}"))?
        .success())
}

/// The images that a Dockerfile builds on; stages of its own are none. Good enough for our own Dockerfiles: no
/// variables in `FROM`.
fn bases(dockerfile: &str) -> Vec<String> {
    let mut stages = BTreeSet::from(["scratch".to_owned()]);
    let mut bases = Vec::new();
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace().filter(|word| !word.starts_with("--"));
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("from")) {
            continue;
        }
        let Some(base) = words.next() else { continue };
        if !stages.contains(base) && !bases.iter().any(|known| known == base) {
            bases.push(base.to_owned());
        }
        stages.extend(words.nth(1).map(str::to_owned));
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_what_is_no_stage() {
        let dockerfile = "FROM --platform=linux/amd64 node:20-slim AS build\nRUN x\nFROM build AS test\n\
                          FROM node:20-slim\nFROM python:3.13-slim\nFROM scratch\nCOPY --from=build a b\n";
        assert_eq!(bases(dockerfile), ["node:20-slim", "python:3.13-slim"]);
    }
}
