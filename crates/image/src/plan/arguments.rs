//! Values of `ARG`s: given by the caller, predefined, or from before the first `FROM`.

use std::collections::BTreeMap;

use notes_dockerfile::{Dockerfile, Instruction, Variables, Work};
use notes_oci::Platform;

use super::{Error, Options, Problem};

/// Variables that reach `RUN` without being declared, and leave no trace in the image
/// (<https://docs.docker.com/reference/dockerfile/#predefined-args>).
const PROXIES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// The argument that says when the image was made.
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// The argument that names the host that commands see (docker's reference, "`BuildKit` built-in build args").
const HOST_NAME: &str = "BUILDKIT_SANDBOX_HOSTNAME";

/// The arguments of a build.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// What the caller gave or offers.
    given: BTreeMap<String, String>,
    /// What `ARG`s before the first `FROM` declare, and the platform arguments.
    global: BTreeMap<String, String>,
}

impl Arguments {
    /// Evaluates the `ARG`s before the first `FROM`; later ones see earlier ones.
    pub(super) fn global(
        dockerfile: &Dockerfile,
        options: &Options,
        work: &Work,
    ) -> Result<Self, Error> {
        let mut given = options.offers.clone();
        given.extend(options.arguments.clone());
        let mut global = predefined(dockerfile, options);
        for (name, value) in &mut global {
            if let Some(given) = given.get(name) {
                value.clone_from(given);
            }
        }
        let mut arguments = Self { given, global };
        for global in &dockerfile.arguments {
            for declaration in &global.arg.declarations {
                let name = declaration.name.raw().to_owned();
                let value = match (arguments.given(&name), &declaration.default) {
                    (Some(given), _) => Some(given.to_owned()),
                    (None, Some(default)) => Some(default.expand_within(&arguments, work)?.text),
                    (None, None) => None,
                };
                match value {
                    Some(value) => arguments.global.insert(name, value),
                    None => arguments.global.remove(&name),
                };
            }
        }
        Ok(arguments)
    }

    /// Returns the value that the caller gave to `name`.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// Returns the proxy settings among the given arguments, under both spellings.
    pub(crate) fn proxies(&self) -> Vec<(String, String)> {
        let mut proxies = Vec::new();
        for name in PROXIES {
            let lower = name.to_ascii_lowercase();
            let Some(value) = self.given.get(name).or_else(|| self.given.get(&lower)) else {
                continue;
            };
            proxies.push((name.to_owned(), value.clone()));
            proxies.push((lower, value.clone()));
        }
        proxies
    }

    /// Returns the time in seconds since 1970 that an argument says the image was made at: one that was given, or one before the
    /// first `FROM` (<https://reproducible-builds.org/specs/source-date-epoch/>).
    pub(crate) fn created(&self) -> Result<Option<i64>, Problem> {
        let text = self.given.get(EPOCH).or_else(|| self.global.get(EPOCH));
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let number = text.parse::<i64>().ok().filter(|seconds| *seconds >= 0);
        number.map(Some).ok_or_else(|| Problem::Epoch { text: text.clone() })
    }

    /// Returns the host name that commands are to see.
    pub(crate) fn host_name(&self) -> Option<&str> {
        self.given.get(HOST_NAME).map(String::as_str)
    }

    /// Tells whether `name` is a proxy setting.
    pub(crate) fn is_proxy(name: &str) -> bool {
        PROXIES.contains(&name.to_ascii_uppercase().as_str())
    }

    /// Returns the arguments among those given in `options` that nothing declares.
    pub(super) fn unused(dockerfile: &Dockerfile, options: &Options) -> Vec<String> {
        let globals = dockerfile.arguments.iter().map(|global| &global.arg);
        let locals =
            dockerfile.stages.iter().flat_map(|stage| &stage.statements).filter_map(|statement| {
                match &statement.instruction {
                    Instruction::Arg(arg) => Some(arg),
                    _ => None,
                }
            });
        let declared: Vec<&str> = globals
            .chain(locals)
            .flat_map(|arg| &arg.declarations)
            .map(|declaration| declaration.name.raw())
            .collect();
        let predefined = predefined(dockerfile, options);
        let known = |name: &&String| {
            declared.contains(&name.as_str())
                || predefined.contains_key(*name)
                || Self::is_proxy(name)
                || [EPOCH, HOST_NAME].contains(&name.as_str())
        };
        options.arguments.keys().filter(|name| !known(name)).cloned().collect()
    }
}

impl Variables for Arguments {
    fn value(&self, name: &str) -> Option<String> {
        self.global.get(name).cloned()
    }
}

/// Returns the platform arguments: there from the start, but a stage must declare them to see them.
fn predefined(dockerfile: &Dockerfile, options: &Options) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (prefix, platform) in [("TARGET", &options.platform), ("BUILD", &Platform::native())] {
        let parts = [
            ("PLATFORM", platform.to_string()),
            ("OS", platform.os.clone()),
            ("ARCH", platform.architecture.clone()),
            ("VARIANT", platform.variant.clone().unwrap_or_default()),
            ("OSVERSION", String::new()),
        ];
        values.extend(parts.map(|(name, value)| (format!("{prefix}{name}"), value)));
    }
    let last = dockerfile.stages.last().and_then(|stage| stage.name.as_ref());
    let last = last.map_or("default", |name| name.as_str());
    let stage = options.target.as_deref().unwrap_or(last);
    values.insert("TARGETSTAGE".into(), stage.to_owned());
    values
}
