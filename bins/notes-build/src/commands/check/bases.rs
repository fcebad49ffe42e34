//! What the rules must know of the base images.

use std::collections::BTreeMap;

use notes_console::{Chain, Failure, Session};
use notes_dockerfile::lint::{Base, BaseShell};
use notes_image::plan::{self, Plan, Stage};
use notes_oci::{Image, ImageSource as _, Platform};
use notes_registry::{PullError, Retag};

use crate::{
    block_on,
    contexts::{Contexts, Images, ImagesError},
    registry,
    settings::Settings,
};

/// Asks the registries for the config of every base image; no layer is read. An image that cannot be had is named, and the rules
/// say about its stage what they can say without it.
pub(super) fn known(
    session: &Session,
    settings: &Settings,
    contexts: &Contexts,
    plan: &Plan,
    offline: bool,
) -> Result<BTreeMap<usize, Base>, Failure> {
    let images = plan.stages.iter().filter(|stage| matches!(stage.base, plan::Base::Image(_)));
    let images: Vec<&Stage> = images.collect();
    if offline || images.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (mirrors, insecure) = (&settings.mirrors.value.0, &settings.insecure.value.0);
    let remote = registry::remote(session, mirrors, insecure, Retag::Refuse)?;
    let sources = contexts.images(remote);
    block_on(async {
        let mut bases = BTreeMap::new();
        for stage in images {
            bases.extend(base(session, &sources, stage).await.map(|base| (stage.index, base)));
        }
        Ok(bases)
    })
}

async fn base(session: &Session, sources: &Images, stage: &Stage) -> Option<Base> {
    let plan::Base::Image(reference) = &stage.base else { return None };
    match sources.image(reference, &stage.platform).await {
        Ok(image) => Some(described(&image, &stage.platform)),
        Err(ImagesError::Remote(PullError::NoPlatform { offered, .. })) if !offered.is_empty() => {
            let platform = offered[0].to_string();
            Some(Base { platform, wanted: stage.platform.to_string(), ..Base::default() })
        }
        Err(error) => {
            session
                .ui
                .warning(format_args!("{}; its platform and variables are unknown", Chain(&error)));
            session.ui.hint("`--offline` checks without looking at base images");
            None
        }
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
