//! A stage as far as it is built.

use notes_oci::{Config, History, Image, Layer, Platform};

use crate::{
    cache::{CacheKey, KeyBuilder},
    plan::Scope,
};

/// What new files are dated from where the base image states no time: the first moment that zip archives know.
pub(super) const EPOCH: i64 = 315_532_800;

/// How many seconds each layer has for itself. Many, and files of a base that was made a moment ago lie hours in the future
/// (`make` and `tar` complain, HTTP forbids such a `Last-Modified`); few, and two versions of a file get the same time often.
const SLOT: u16 = 1 << 8;

/// `PATH` where a base image sets none (moby/buildkit, `util/system/path.go`).
pub(super) const PATH: &str = notes_sandbox::DEFAULT_PATH;

/// What a stage has become after some steps.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) config: Config,
    pub(super) layers: Vec<Layer>,
    pub(super) scope: Scope,
    /// What the base image is dated; layers on it are younger.
    base_time: i64,
    /// How many layers the base image has.
    base_layers: usize,
    /// Whether `CMD` was given in this stage: then `ENTRYPOINT` keeps it.
    pub(super) command: Command,
}

/// Where the default command comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Inherited,
    Given,
}

impl State {
    /// Starts from an image.
    pub(super) fn of_image(image: &Image) -> Self {
        let mut config = image.config().clone();
        let base_time = config.created.as_deref().and_then(parse_time).unwrap_or(EPOCH);
        if !config.config.env.iter().any(|variable| variable.starts_with("PATH=")) {
            config.config.env.push(format!("PATH={PATH}"));
        }
        let scope = Scope::of_image(&config.config.env);
        let layers = image.layers().to_vec();
        complete(&mut config.history, layers.len());
        let base_layers = layers.len();
        let command = Command::Inherited;
        Self { config, layers, scope, base_time, base_layers, command }
    }

    /// Starts from nothing.
    pub(super) fn scratch(platform: Platform) -> Self {
        let mut state = Self::of_image(&Image::scratch(platform));
        state.config.config.working_dir = "/".into();
        state
    }

    /// Starts from an earlier stage, whose arguments a stage inherits.
    pub(super) fn of_stage(&self) -> Self {
        Self { command: Command::Inherited, ..self.clone() }
    }

    /// Tells whether an `ARG` of the stage declares `name`.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.scope.declares(name)
    }

    /// Returns the working directory.
    pub(super) fn directory(&self) -> &str {
        match self.config.config.working_dir.as_str() {
            "" => "/",
            directory => directory,
        }
    }

    /// Returns what shell forms are handed to.
    pub(super) fn shell(&self) -> Vec<String> {
        let default = || vec!["/bin/sh".into(), "-c".into()];
        self.config.config.shell.clone().unwrap_or_else(default)
    }

    /// Returns the identity of the files so far, and of the time that counts on them.
    pub(super) fn chain(&self) -> CacheKey {
        let mut key = KeyBuilder::new("chain").with("base time", self.base_time.to_string());
        for layer in &self.layers {
            key = key.with("layer", layer.diff_id().to_string());
        }
        key.finish().0
    }

    /// Returns what new files of the layer with this key are dated: after all layers below it, and at another moment where
    /// other inputs went in. See the crate's documentation, "Times".
    pub(super) fn time(&self, key: &CacheKey) -> i64 {
        let own = i64::try_from(self.layers.len() - self.base_layers).unwrap_or(0);
        self.base_time + own * i64::from(SLOT) + key.below(SLOT)
    }

    /// Returns the same for a layer that must not depend on what is below it.
    pub(super) fn independent_time(key: &CacheKey) -> i64 {
        EPOCH + key.below(SLOT)
    }

    /// Adds the history of a step, if it has one, and its layer.
    pub(super) fn push(&mut self, created: &str, created_by: Option<String>, layer: Option<Layer>) {
        if created_by.is_some() {
            self.config.history.push(History {
                created: Some(created.into()),
                created_by,
                empty_layer: layer.is_none(),
                ..History::default()
            });
        }
        self.layers.extend(layer);
    }
}

/// Makes a history have as many steps with a layer as there are layers: some builders write none, or forget some
/// (moby/buildkit, `exporter/containerimage/writer.go`, `normalizeLayersAndHistory`).
fn complete(history: &mut Vec<History>, layers: usize) {
    let mut known = history.iter().filter(|entry| !entry.empty_layer).count();
    for entry in history.iter_mut().filter(|entry| !entry.empty_layer) {
        if known > layers {
            entry.empty_layer = true;
            known -= 1;
        }
    }
    history.resize_with(history.len() + layers.saturating_sub(known), History::default);
}

fn parse_time(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.as_second()).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_has_one_step_per_layer() {
        let step = |empty_layer| History { empty_layer, ..History::default() };
        for (before, layers, after) in [
            (vec![], 2, vec![false, false]),
            (vec![false, true], 2, vec![false, true, false]),
            (vec![false, false, true], 1, vec![true, false, true]),
            (vec![false], 1, vec![false]),
        ] {
            let mut history: Vec<_> = before.into_iter().map(step).collect();
            complete(&mut history, layers);
            let empty: Vec<_> = history.iter().map(|entry| entry.empty_layer).collect();
            assert_eq!(empty, after);
        }
    }
}
