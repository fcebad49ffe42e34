//! The environment as a value, and every variable the two binaries read, with what it is for.
//!
//! A binary takes one [`Environment::of_process`] at its start and passes it on, so that tests pass their own and no
//! function depends on what the shell happened to hold.

use std::collections::BTreeMap;

/// A variable that is read somewhere: its name and, for `--help` and the docs, what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name as it is exported.
    pub name: &'static str,
    /// One line that says what it sets.
    pub purpose: &'static str,
}

macro_rules! variables {
    ($($(#[$chapter:meta])* $constant:ident = $name:literal, $purpose:literal;)+) => {
        $(
            $(#[$chapter])*
            #[doc = $purpose]
            pub const $constant: Variable = Variable { name: $name, purpose: $purpose };
        )+
        /// All variables, in the order of this file.
        pub const ALL: &[Variable] = &[$($constant),+];
    };
}

variables! {
    // Ours. NB: `NOTES_BUILD_IMAGE`, `_DIGEST`, `_REF` and `_COMMIT` are what `notes-build --dotenv` hands to later jobs;
    // they are results and therefore no settings of notes-build.
    NOTES_FILE = "NOTES_FILE", "The notes.toml to read instead of the one found upwards from here.";
    NOTES_IMAGE = "NOTES_IMAGE", "The repository to push to or deploy from (`image`).";
    NOTES_MIRRORS = "NOTES_MIRRORS", "Mirrors as `host=mirror[/path]`, separated by commas (`registry.mirrors`).";
    NOTES_INSECURE_REGISTRIES = "NOTES_INSECURE_REGISTRIES", "Registries spoken to in plain HTTP, separated by commas (`registry.insecure`).";
    NOTES_BUILD_DOCKERFILE = "NOTES_BUILD_DOCKERFILE", "The Dockerfile (`build.dockerfile`).";
    NOTES_BUILD_CONTEXT = "NOTES_BUILD_CONTEXT", "The directory of the build context (`build.context`).";
    NOTES_BUILD_TARGET = "NOTES_BUILD_TARGET", "The stage to build (`build.target`).";
    NOTES_BUILD_PLATFORM = "NOTES_BUILD_PLATFORM", "The platform to build for (`build.platform`).";
    NOTES_BUILD_TAG_LENGTH = "NOTES_BUILD_TAG_LENGTH", "How many digits of the commit the tag has (`build.tag-length`).";
    NOTES_BUILD_STORE = "NOTES_BUILD_STORE", "Where layers and the step cache are kept (`build.store`).";
    NOTES_BUILD_CACHE_FROM = "NOTES_BUILD_CACHE_FROM", "Build caches to read, separated by commas (`build.cache-from`).";
    NOTES_BUILD_CACHE_TO = "NOTES_BUILD_CACHE_TO", "The build cache to write, with its options, such as `REF,mode=max` (`build.cache-to`).";
    NOTES_BUILD_ISOLATION = "NOTES_BUILD_ISOLATION", "How RUN is isolated (`build.isolation`).";
    NOTES_BUILD_RUN_TIMEOUT = "NOTES_BUILD_RUN_TIMEOUT", "How long one RUN may take, such as `10m` (`build.run-timeout`).";
    NOTES_BUILD_REF = "NOTES_BUILD_REF", "The pinned image to deploy, as `notes-build --dotenv` wrote it.";
    NOTES_DEPLOY_NAME = "NOTES_DEPLOY_NAME", "The name of the Deployment (`deploy.name`).";
    NOTES_DEPLOY_NAMESPACE = "NOTES_DEPLOY_NAMESPACE", "The namespace to deploy to (`deploy.namespace`).";
    NOTES_DEPLOY_REPLICAS = "NOTES_DEPLOY_REPLICAS", "How many pods run (`deploy.replicas`).";
    NOTES_DEPLOY_PORT = "NOTES_DEPLOY_PORT", "The port the container listens on (`deploy.port`).";
    NOTES_DEPLOY_SERVICE = "NOTES_DEPLOY_SERVICE", "The name of the Service (`deploy.service`).";
    NOTES_DEPLOY_MANIFESTS = "NOTES_DEPLOY_MANIFESTS", "A directory or file of manifests to use instead of rendered ones (`deploy.manifests`).";
    NOTES_DEPLOY_CONTEXT = "NOTES_DEPLOY_CONTEXT", "The kubeconfig context (`deploy.context`).";
    NOTES_DEPLOY_TIMEOUT = "NOTES_DEPLOY_TIMEOUT", "How long a rollout may take, such as `5m` (`deploy.timeout`).";
    NOTES_DEPLOY_CREATE_NAMESPACE = "NOTES_DEPLOY_CREATE_NAMESPACE", "Whether the namespace is created: auto, always or never (`deploy.create-namespace`).";
    NOTES_DEPLOY_MIGRATE = "NOTES_DEPLOY_MIGRATE", "The command that has to end well before a rollout, a line for a shell (`deploy.migrate.command`).";
    NOTES_DEPLOY_REPORT = "NOTES_DEPLOY_REPORT", "The directory for what is known about a deploy (`deploy.report`).";

    NOTES_DEPLOY_PRUNE = "NOTES_DEPLOY_PRUNE", "Whether objects go that a release no longer has: auto, always or never (`deploy.prune`).";
    NOTES_DEPLOY_WAIT_FOR_LOCK = "NOTES_DEPLOY_WAIT_FOR_LOCK", "How long another deploy is waited for, such as `10m` (`deploy.wait-for-lock`).";
    NOTES_DEPLOY_ROLLBACK = "NOTES_DEPLOY_ROLLBACK", "Whether a release that fails is rolled back: auto (in CI), always or never (`deploy.rollback`).";

    // Credentials and clusters.
    DOCKERHUB_USERNAME = "DOCKERHUB_USERNAME", "The Docker Hub user.";
    DOCKERHUB_PASSWORD = "DOCKERHUB_PASSWORD", "The Docker Hub password or access token.";
    CI_REGISTRY = "CI_REGISTRY", "GitLab's registry, to which the next two belong.";
    CI_REGISTRY_USER = "CI_REGISTRY_USER", "The user of GitLab's registry.";
    CI_REGISTRY_PASSWORD = "CI_REGISTRY_PASSWORD", "The password of GitLab's registry.";
    CI_REGISTRY_IMAGE = "CI_REGISTRY_IMAGE", "The project's repository in GitLab's registry.";
    DOCKER_CONFIG = "DOCKER_CONFIG", "The directory of docker's config.json.";
    DOCKER_AUTH_CONFIG = "DOCKER_AUTH_CONFIG", "The text of a docker config.json.";
    KUBECONFIG = "KUBECONFIG", "The cluster: a kubeconfig's path, its YAML, or that in base64.";
    KUBE_CONTEXT = "KUBE_CONTEXT", "The kubeconfig context, as GitLab sets it.";

    // The commit and the job, as the CI systems tell them.
    CI_COMMIT_SHA = "CI_COMMIT_SHA", "GitLab: the commit the job runs for.";
    GITHUB_SHA = "GITHUB_SHA", "GitHub: the commit the job runs for.";
    GIT_COMMIT = "GIT_COMMIT", "Jenkins: the commit the job runs for.";
    CI_PIPELINE_URL = "CI_PIPELINE_URL", "GitLab: the pipeline, recorded with a release.";
    CI_JOB_URL = "CI_JOB_URL", "GitLab: the job, recorded with a release.";
    GITLAB_USER_LOGIN = "GITLAB_USER_LOGIN", "GitLab: who started the job, recorded with a release.";
    GITHUB_ACTOR = "GITHUB_ACTOR", "GitHub: who started the job, recorded with a release.";
    CI_JOB_TIMEOUT = "CI_JOB_TIMEOUT", "GitLab: the seconds the job may take.";
    CI_JOB_STARTED_AT = "CI_JOB_STARTED_AT", "GitLab: when the job started.";
    GITLAB_CI = "GITLAB_CI", "Set in GitLab jobs: log sections are written its way.";
    GITHUB_ACTIONS = "GITHUB_ACTIONS", "Set in GitHub jobs: log groups are written its way.";
    CI = "CI", "Set in most CI systems: no bars, no questions.";

    // The terminal and the user's directories.
    NO_COLOR = "NO_COLOR", "Any value: no colours (no-color.org).";
    FORCE_COLOR = "FORCE_COLOR", "Any value but 0: colours even off a terminal.";
    CLICOLOR_FORCE = "CLICOLOR_FORCE", "Any value but 0: colours even off a terminal.";
    TERM = "TERM", "`dumb`: neither colours nor bars.";
    HOME = "HOME", "The home directory.";
    XDG_CACHE_HOME = "XDG_CACHE_HOME", "The directory below which the store `notes` lies; `~/.cache` without it.";
    SSH_AUTH_SOCK = "SSH_AUTH_SOCK", "The socket of the SSH agent that `notes-build --ssh default` takes.";

    // Proxies, which a build also passes on to RUN.
    HTTP_PROXY = "HTTP_PROXY", "The proxy for http:// addresses.";
    HTTPS_PROXY = "HTTPS_PROXY", "The proxy for https:// addresses.";
    NO_PROXY = "NO_PROXY", "Hosts that are reached without a proxy.";
    SSL_CERT_FILE = "SSL_CERT_FILE", "The file of trusted certificate authorities.";
}

/// A snapshot of environment variables.
///
/// ```
/// use notes_console::environment::{self, Environment};
///
/// let environment = Environment::from_iter([("NO_COLOR", "1"), ("CI", "")]);
/// assert_eq!(environment.value(environment::NO_COLOR), Some("1"));
/// assert_eq!(environment.value(environment::CI), None, "an empty variable is one that is not set");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes the environment of this process. Variables that are not UTF-8 are left out: none of ours may be.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// Returns the value of `variable`; empty counts as not set, as CI systems export what they do not know as "".
    pub fn value(&self, variable: Variable) -> Option<&str> {
        self.named(variable.name)
    }

    /// Returns the value of the variable called `name`, for names that a file or a flag gave.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all variables, for libraries that look for their own.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once() {
        let mut names: Vec<_> = ALL.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
