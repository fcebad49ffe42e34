//! Real parts for tests: repositories, registries with faults on cue, clusters.
