//! Deploys a pinned image, verifies the rollout, explains a failure.

fn main() {}
