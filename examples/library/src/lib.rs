//! One small program per library, under `examples/`, run by `tests/programs.rs`.
