//! Where settings come from: a setting of each, with all that may set it.

use notes_console::{
    Environment, Failure, Kind,
    environment::{self, Variable},
    settings::{Candidates, FromText, List, Located, Seconds, Setting},
};
use notes_gitinfo::SHORT_LENGTH;
use notes_oci::Platform;
use notes_sandbox::{Isolation, UnknownIsolation};

use super::{Many, Platforms};
use crate::{caches, cli::BuildArguments, failure, project::Project};

/// Caches that are written. A variable holds one: its options have commas.
struct Written(List);

impl FromText for Written {
    const EXPECTED: &'static str = "a reference with its options";

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(List(vec![text.into()])))
    }
}

/// The command line, the environment and the file.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) project: &'a Project,
    pub(super) arguments: &'a BuildArguments,
    pub(super) environment: &'a Environment,
}

impl Sources<'_> {
    pub(super) fn image(&self) -> Result<Setting<Option<String>>, Failure> {
        let candidates = self.text(
            Candidates::new("image").flag("--image", self.arguments.image.clone()),
            environment::NOTES_IMAGE,
            self.project.notes.image.as_ref(),
        )?;
        let job = environment::CI_REGISTRY_IMAGE;
        let derived = self.environment.value(job).map(str::to_lowercase);
        Ok(candidates.derived(job.name, derived).optional())
    }

    pub(super) fn target(&self) -> Result<Setting<Option<String>>, Failure> {
        let given = self.arguments.target.clone();
        let candidates = self.text(
            Candidates::new("build.target").flag("--target", given),
            environment::NOTES_BUILD_TARGET,
            self.project.notes.build.target.as_ref(),
        )?;
        Ok(candidates.optional())
    }

    pub(super) fn platforms(&self) -> Result<Setting<Platforms>, Failure> {
        let given = &self.arguments.platforms;
        let given = (!given.is_empty()).then(|| given.join(","));
        let candidates = self.text(
            Candidates::new("build.platform").flag("--platform", given),
            environment::NOTES_BUILD_PLATFORM,
            self.project.notes.build.platform.as_ref(),
        )?;
        let platforms = candidates.or(Platform::native().to_string());
        platforms.try_map(|platforms| Platforms::parse(&platforms))
    }

    pub(super) fn isolation(&self) -> Result<Setting<Option<Isolation>>, Failure> {
        let given = self.arguments.isolation.clone();
        let candidates = self.text(
            Candidates::new("build.isolation").flag("--isolation", given),
            environment::NOTES_BUILD_ISOLATION,
            self.project.notes.build.isolation.as_ref(),
        )?;
        candidates
            .optional()
            .try_map(|name| name.map(|name| name.parse()).transpose())
            .map_err(|error: UnknownIsolation| Failure::new(Kind::Usage, error))
    }

    pub(super) fn cache_from(&self) -> Result<Setting<Many<caches::Source>>, Failure> {
        let given = &self.arguments.cache_from;
        let caches = list("build.cache-from", "--cache-from", given)
            .environment(self.environment, environment::NOTES_BUILD_CACHE_FROM)
            .map_err(failure::variable)?
            .file(self.project.notes.build.cache_from.clone())
            .or(List::default());
        caches.try_map(|List(texts)| Many::parse(&texts, caches::Source::parse))
    }

    pub(super) fn cache_to(&self) -> Result<Setting<Many<caches::Target>>, Failure> {
        let given = &self.arguments.cache_to;
        let given = (!given.is_empty()).then(|| Written(List(given.clone())));
        let caches = Candidates::new("build.cache-to")
            .flag("--cache-to", given)
            .environment(self.environment, environment::NOTES_BUILD_CACHE_TO)
            .map_err(failure::variable)?
            .file(self.project.notes.build.cache_to.clone().map(|it| it.map(Written)))
            .or(Written(List::default()));
        caches.try_map(|Written(List(texts))| Many::parse(&texts, caches::Target::parse))
    }

    pub(super) fn tag_length(&self) -> Result<Setting<u8>, Failure> {
        let default = u8::try_from(SHORT_LENGTH).expect("seven fits");
        Candidates::new("build.tag-length")
            .flag("--tag-length", self.arguments.tag_length)
            .environment(self.environment, environment::NOTES_BUILD_TAG_LENGTH)
            .map_err(failure::variable)
            .map(|it| it.file(self.project.notes.build.tag_length.clone()).or(default))
    }

    pub(super) fn tags(&self) -> Setting<List> {
        list("build.tags", "--tag", &self.arguments.tags)
            .file(self.project.notes.build.tags.clone())
            .or(List::default())
    }

    pub(super) fn run_timeout(&self) -> Result<Setting<Option<Seconds>>, Failure> {
        let candidates = Candidates::new("build.run-timeout")
            .flag("--run-timeout", self.arguments.run_timeout)
            .environment(self.environment, environment::NOTES_BUILD_RUN_TIMEOUT)
            .map_err(failure::variable)?;
        Ok(candidates.file(self.project.notes.build.run_timeout.clone()).optional())
    }

    pub(super) fn mirrors(&self) -> Result<Setting<List>, Failure> {
        let candidates = list("registry.mirrors", "--mirror", &self.arguments.mirrors)
            .environment(self.environment, environment::NOTES_MIRRORS)
            .map_err(failure::variable)?;
        Ok(candidates.file(self.project.notes.registry.mirrors.clone()).or(List::default()))
    }

    pub(super) fn insecure(&self) -> Result<Setting<List>, Failure> {
        let candidates = list("registry.insecure", "--insecure-registry", &self.arguments.insecure)
            .environment(self.environment, environment::NOTES_INSECURE_REGISTRIES)
            .map_err(failure::variable)?;
        Ok(candidates.file(self.project.notes.registry.insecure.clone()).or(List::default()))
    }

    fn text(
        &self,
        candidates: Candidates<String>,
        variable: Variable,
        file: Option<&Located<String>>,
    ) -> Result<Candidates<String>, Failure> {
        let candidates = candidates.file(file.cloned());
        candidates.environment(self.environment, variable).map_err(failure::variable)
    }
}

fn list(key: &'static str, flag: &'static str, values: &[String]) -> Candidates<List> {
    let given = (!values.is_empty()).then(|| List(values.to_vec()));
    Candidates::new(key).flag(flag, given)
}
