//! What the rules must know of the base images.

use std::collections::BTreeMap;

use notes_console::{Chain, Failure, Session};
use notes_dockerfile::lint::{Base, BaseShell};
use notes_image::plan::{self, Plan, Stage};
use notes_oci::{Image, ImageSource as _, Platform, Reference};
use notes_registry::{PullError, Retag};

use crate::{
    block_on,
    contexts::{Contexts, Images, ImagesError},
    registry,
    settings::Settings,
};

/// What is known of the base images of one plan, by the number of the stage.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// What the rules must know.
    pub(super) described: BTreeMap<usize, Base>,
    /// What they trigger.
    pub(super) triggers: BTreeMap<usize, Vec<String>>,
}

impl Bases {
    /// Checks that a machine of the platform `machine` can run what they trigger. A build for one platform may be done elsewhere.
    pub(super) fn check_triggers(
        &self,
        plan: &Plan,
        machine: &Platform,
    ) -> Result<(), plan::Error> {
        plan.stages.iter().try_for_each(|stage| match self.triggers.get(&stage.index) {
            Some(triggers) => plan.check_triggers(stage, triggers, machine),
            None => Ok(()),
        })
    }
}

/// Asks the registries for the config of every base image of each plan; no layer is read. An image that cannot be had is named,
/// and the rules say about its stage what they can say without it.
pub(super) fn known(
    session: &Session,
    settings: &Settings,
    contexts: &Contexts,
    plans: &[Plan],
    offline: bool,
) -> Result<Vec<Bases>, Failure> {
    let is_image = |stage: &Stage| matches!(stage.base, plan::Base::Image(_));
    if offline || !plans.iter().flat_map(|plan| &plan.stages).any(is_image) {
        return Ok(plans.iter().map(|_| Bases::default()).collect());
    }
    let (mirrors, insecure) = (&settings.mirrors.value.0, &settings.insecure.value.0);
    let remote = registry::remote(session, mirrors, insecure, Retag::Refuse)?;
    let (sources, found) = (contexts.images(remote), BTreeMap::new());
    let mut lookup = Lookup { session, sources, found };
    block_on(async {
        let mut bases = Vec::with_capacity(plans.len());
        for plan in plans {
            bases.push(lookup.bases(plan).await);
        }
        Ok(bases)
    })
}

/// Where base images are looked up.
struct Lookup<'a> {
    session: &'a Session,
    sources: Images,
    /// What was looked up, by name and platform: many stages begin with the same image, and one that is missing is said once.
    found: BTreeMap<(String, String), Found>,
}

/// What became of looking an image up.
#[derive(Clone)]
enum Found {
    Image(Box<Image>),
    /// It is there, for this platform instead.
    Other(String),
    Nothing,
}

impl Lookup<'_> {
    async fn bases(&mut self, plan: &Plan) -> Bases {
        let mut bases = Bases::default();
        for stage in &plan.stages {
            let plan::Base::Image(reference) = &stage.base else { continue };
            let described = match self.image(reference, &stage.platform).await {
                Found::Image(image) => {
                    bases.triggers.insert(stage.index, image.config().config.on_build.clone());
                    described(&image, &stage.platform)
                }
                Found::Other(platform) => {
                    let wanted = stage.platform.to_string();
                    Base { platform, wanted, ..Base::default() }
                }
                Found::Nothing => continue,
            };
            bases.described.insert(stage.index, described);
        }
        bases
    }

    async fn image(&mut self, reference: &Reference, platform: &Platform) -> Found {
        let key = (reference.to_string(), platform.to_string());
        if let Some(found) = self.found.get(&key) {
            return found.clone();
        }
        let found = match self.sources.image(reference, platform).await {
            Ok(image) => Found::Image(image.into()),
            Err(ImagesError::Remote(PullError::NoPlatform { offered, .. }))
                if !offered.is_empty() =>
            {
                Found::Other(offered[0].to_string())
            }
            Err(error) => {
                let ui = &self.session.ui;
                let error = Chain(&error);
                ui.warning(format_args!("{error}; its platform and variables are unknown"));
                ui.hint("`--offline` checks without looking at base images");
                Found::Nothing
            }
        };
        self.found.insert(key, found.clone());
        found
    }
}

fn described(image: &Image, wanted: &Platform) -> Base {
    let config = image.config();
    let pairs = config.config.env.iter().filter_map(|pair| pair.split_once('='));
    let own = config.config.shell.as_ref().is_some_and(|words| !words.is_empty());
    Base {
        environment: Some(pairs.map(|(name, value)| (name.into(), value.into())).collect()),
        shell: if own { BaseShell::Own } else { BaseShell::Default },
        platform: config.platform.to_string(),
        wanted: wanted.to_string(),
    }
}
