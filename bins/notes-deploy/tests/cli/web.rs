//! The Deployment that is deployed where it does not matter what runs.

use std::fmt;

/// A Deployment called `web` with one container, as YAML.
pub(crate) struct Web<'a> {
    pub(crate) replicas: u32,
    /// What the container runs, as a YAML list.
    pub(crate) command: &'a str,
    /// After how many seconds a pod is ready.
    pub(crate) seconds: usize,
    /// What tells one release from the next.
    pub(crate) round: usize,
}

impl Default for Web<'_> {
    /// One pod that runs until it is ended, and is ready at once.
    fn default() -> Self {
        Self { replicas: 1, command: r#"["sleep", "3600"]"#, seconds: 0, round: 0 }
    }
}

impl fmt::Display for Web<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replicas, command, seconds, round } = self;
        write!(
            f,
            "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: web
        command: {command}
        env: [{{name: ROUND, value: \"{round}\"}}]
        readinessProbe: {{exec: {{command: [\"true\"]}}, initialDelaySeconds: {seconds}, periodSeconds: 1}}
"
        )
    }
}
