//! One small program per library.
