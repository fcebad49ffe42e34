//! The bases of a Dockerfile: Docker Hub's where it can be reached, else made from Debian's packages.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path, time::Duration};

use notes_oci::{ImageSink as _, Reference};
use notes_registry::{Environment, Options, Remote, Retag, Retry};
use notes_testkit::base::{self, Recipe};

use super::Result;

/// How long Docker Hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Puts each base that Docker Hub does not give into `registry`, under its own name.
pub(super) async fn provide(
    dockerfile: &Path,
    registry: SocketAddr,
    cache: &Path,
    say: &dyn Fn(&str),
) -> Result<()> {
    for base in bases(&fs::read_to_string(dockerfile)?) {
        let reference: Reference = base.parse()?;
        if is_reachable(&reference).await {
            say(&format!("base: {base} from its own registry"));
            continue;
        }
        let recipe = Recipe::of(&reference).ok_or_else(|| {
            format!("`{base}` cannot be pulled, and Debian's packages do not make one like it")
        })?;
        let image = base::make(&recipe, cache, &mut |line| say(line)).await?;
        let tag = reference.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let mirrored = format!("{registry}/{}{tag}", reference.repository).parse()?;
        let remote = Remote::new(Options { retag: Retag::Allow, ..Options::default() })?;
        let pinned = remote.write(&image, &mirrored).await?;
        say(&format!("base: {base} made from Debian packages, as {pinned}"));
    }
    Ok(())
}

async fn is_reachable(reference: &Reference) -> bool {
    let environment = Environment::read();
    let options = Options { retry: Retry::never(), ..Options::from_environment(&environment) };
    let Ok(remote) = Remote::new(options) else { return false };
    matches!(tokio::time::timeout(PATIENCE, remote.resolve(reference)).await, Ok(Ok(_)))
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
