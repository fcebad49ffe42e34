//! Sources to a client configuration.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};

use super::{
    Error, Form, ServiceAccount, Sources,
    decode::{Decoded, decode},
};

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A way into a cluster. Its Debug form shows no credential.
#[derive(Clone)]
pub struct Access {
    pub(crate) config: Config,
    /// In which form it was found.
    pub form: Form,
    /// The context used; none for a service account.
    pub context: Option<String>,
    /// What a person should know: a plugin that will be run, certificates that are not checked.
    pub notices: Vec<String>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("server", &self.server())
            .field("form", &self.form)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Returns the URL of the API server.
    pub fn server(&self) -> String {
        self.config.cluster_url.to_string().trim_end_matches('/').to_owned()
    }

    /// Returns the context's namespace, `default` where it names none.
    pub fn namespace(&self) -> &str {
        &self.config.default_namespace
    }
}

/// Finds the kubeconfig and chooses a context. Reads files, asks nobody.
///
/// Without any source this is an error: falling back to `localhost:8080`, as kubectl does, hides a missing variable.
///
/// # Errors
///
/// Says which mistake was made, and never a part of the content.
pub async fn load(sources: &Sources) -> Result<Access, Error> {
    let (config, form) = match (&sources.flag, &sources.variable, &sources.default_file) {
        (Some(path), ..) => read_files(std::slice::from_ref(path))?,
        (None, Some(value), _) => match decode(value, Path::exists)? {
            Decoded::Paths(paths) => read_files(&paths)?,
            Decoded::Text(text, form) => (parse(&text, &form)?, form),
        },
        (None, None, _) if sources.service_account == ServiceAccount::Present => {
            return in_cluster();
        }
        (None, None, Some(path)) if path.exists() => read_files(std::slice::from_ref(path))?,
        _ => return Err(Error::NotFound),
    };
    let context = choose_context(&config, &form, sources.context.as_deref())?;
    let options =
        KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(config, &options)
        .await
        .map_err(|source| Error::Unusable { context: context.clone(), source: Box::new(source) })?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let notices = notices(&config);
    Ok(Access { config, form, context: Some(context), notices })
}

fn in_cluster() -> Result<Access, Error> {
    let mut config =
        Config::incluster().map_err(|source| Error::ServiceAccount { source: Box::new(source) })?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    Ok(Access { config, form: Form::ServiceAccount, context: None, notices: Vec::new() })
}

/// Reads and merges files; the first to say something wins. Of several, those that are missing are passed over.
fn read_files(paths: &[PathBuf]) -> Result<(Kubeconfig, Form), Error> {
    let form = Form::Files(paths.to_vec());
    let mut merged: Option<Kubeconfig> = None;
    for path in paths.iter().filter(|path| paths.len() == 1 || path.exists()) {
        let config = read_file(path)?;
        merged = Some(match merged {
            None => config,
            Some(first) => {
                first.merge(config).map_err(|_| Error::Malformed { form: form.clone(), line: 1 })?
            }
        });
    }
    let missing = || Error::MissingFile { path: paths[0].clone() };
    Ok((merged.ok_or_else(missing)?, form))
}

fn read_file(path: &Path) -> Result<Kubeconfig, Error> {
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::MissingFile { path: path.into() },
        _ => Error::Read { path: path.into(), source },
    })?;
    // Checked first, because the error of `read_from` quotes the lines around a mistake, and those hold keys.
    parse(&text, &Form::Files(vec![path.into()]))?;
    // This one makes relative paths in the file relative to the file.
    Kubeconfig::read_from(path)
        .map_err(|_| Error::Malformed { form: Form::Files(vec![path.into()]), line: 1 })
}

fn parse(text: &str, form: &Form) -> Result<Kubeconfig, Error> {
    let text = text.trim_start_matches('\u{feff}');
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    let malformed = |line| Error::Malformed { form: form.clone(), line };
    serde_saphyr::from_multiple_with_options::<Kubeconfig>(text, options)
        .map_err(|error| malformed(error.location().map_or(1, |location| location.line())))?
        .into_iter()
        .try_fold(Kubeconfig::default(), Kubeconfig::merge)
        .map_err(|_| malformed(1))
}

fn choose_context(config: &Kubeconfig, form: &Form, wanted: Option<&str>) -> Result<String, Error> {
    let names: Vec<String> = config.contexts.iter().map(|context| context.name.clone()).collect();
    let current = config.current_context.as_deref().filter(|name| !name.is_empty());
    match (wanted.or(current), names.as_slice()) {
        (Some(context), _) if names.iter().any(|name| name == context) => Ok(context.into()),
        (Some(context), _) => {
            Err(Error::UnknownContext { form: form.clone(), context: context.into(), names })
        }
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Error::NoContext { form: form.clone(), names }),
    }
}

fn notices(config: &Config) -> Vec<String> {
    let AuthInfo { exec, .. } = &config.auth_info;
    let plugin = exec
        .as_ref()
        .and_then(|exec| exec.command.as_ref())
        .map(|command| format!("credentials come from the plugin `{command}`"));
    let insecure = config.accept_invalid_certs.then(|| {
        format!(
            "the certificate of {} is NOT checked (insecure-skip-tls-verify)",
            config.cluster_url
        )
    });
    plugin.into_iter().chain(insecure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443', \
                           insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {token: CANARY}}]\n";

    fn with_contexts(contexts: &[&str], more: &str) -> String {
        let contexts: Vec<_> = contexts
            .iter()
            .map(|name| format!("{{name: '{name}', context: {{cluster: c, user: u}}}}"))
            .collect();
        format!("{CLUSTER}contexts: [{}]\n{more}", contexts.join(", "))
    }

    async fn loaded(variable: &str, context: Option<&str>) -> Result<Access, Error> {
        let sources = Sources {
            variable: Some(variable.into()),
            context: context.map(Into::into),
            ..Sources::default()
        };
        load(&sources).await
    }

    #[tokio::test]
    async fn the_context_is_named_current_or_the_only_one() {
        let one = with_contexts(&["a"], "");
        assert_eq!(loaded(&one, None).await.unwrap().context.unwrap(), "a");
        let two = with_contexts(&["a", "g/p:agent"], "");
        let error = loaded(&two, None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kubeconfig from the text in KUBECONFIG has no current context"
        );
        assert_eq!(
            error.hint().unwrap(),
            "choose one with `--context` or `KUBE_CONTEXT`: a, g/p:agent"
        );
        assert_eq!(loaded(&two, Some("g/p:agent")).await.unwrap().context.unwrap(), "g/p:agent");
        let current = with_contexts(&["a", "b"], "current-context: b\n");
        assert_eq!(loaded(&current, None).await.unwrap().context.unwrap(), "b");
        assert!(matches!(loaded(&current, Some("x")).await, Err(Error::UnknownContext { .. })));
    }

    #[tokio::test]
    async fn nothing_secret_is_shown() {
        let access = loaded(&with_contexts(&["a"], ""), None).await.unwrap();
        assert!(access.notices[0].contains("NOT checked"));
        assert!(!format!("{access:?}").contains("CANARY"));
        let broken = format!("{CLUSTER}contexts: [{{name: CANARY, context: CANARY}}\n");
        let error = loaded(&broken, None).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("CANARY"), "{error:?}");
        let wrong = "apiVersion: v1\nusers: [{name: u, user: {exec: CANARY}}]\n";
        let error = loaded(wrong, None).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kubeconfig from the text in KUBECONFIG cannot be read: line 2 is not as expected"
        );
    }

    #[tokio::test]
    async fn without_a_source_it_is_an_error() {
        let error = load(&Sources::default()).await.unwrap_err();
        assert!(matches!(error, Error::NotFound));
        let missing = Sources { flag: Some("/nowhere/config".into()), ..Sources::default() };
        let error = load(&missing).await.unwrap_err();
        assert_eq!(error.to_string(), "the kubeconfig file `/nowhere/config` does not exist");
    }
}
