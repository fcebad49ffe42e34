//! What the crate makes of a text, against what `BuildKit`'s own frontend made of it. `buildkit/` holds the Go program that
//! asked `BuildKit`, and the answers; nothing here needs Go.

#[path = "buildkit/corpora.rs"]
mod corpora;
#[path = "buildkit/fixtures.rs"]
mod fixtures;
#[path = "buildkit/shape.rs"]
mod shape;
