//! Which revision is this? A commit, its names and its tree, read without a git binary.
