//! Manifests and a pinned image become a release, a rollout and a verdict.
