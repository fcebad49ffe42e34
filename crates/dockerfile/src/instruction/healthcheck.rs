//! `HEALTHCHECK`: how a container is asked whether it works.

use std::time::Duration;

use super::Command;

/// `HEALTHCHECK NONE`, or `HEALTHCHECK [flags] CMD command`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healthcheck {
    /// What is asked.
    pub test: HealthcheckTest,
    /// `--interval`; absent and zero both mean inherit.
    pub interval: Option<Duration>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// `--start-period`.
    pub start_period: Option<Duration>,
    /// `--start-interval`.
    pub start_interval: Option<Duration>,
    /// `--retries`.
    pub retries: Option<u32>,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthcheckTest {
    /// Nothing, also if the base image has a check.
    None,
    /// A command; exit status 0 means healthy.
    Command(Command),
}
