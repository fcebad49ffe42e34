//! Where the credential of each registry comes from; never a value.

use std::collections::BTreeSet;

use notes_console::Session;
use notes_oci::{Reference, Registry, Repository};
use notes_registry::{Environment, Keychain, Mirror};

use crate::settings::Settings;

/// A registry, or a repository or its parent in one.
type Place = (Registry, Option<Repository>);

/// Says it for the registries that the settings name, Docker Hub, and those that some place has a credential for.
pub(super) async fn say(session: &Session, settings: Option<&Settings>) {
    let environment: Environment = session.environment.iter().collect();
    let keychain = Keychain::from_environment(&environment);
    let places: BTreeSet<Place> = [(Registry::docker_hub(), None)]
        .into_iter()
        .chain(keychain.subjects())
        .chain(settings.into_iter().flat_map(named))
        .collect();
    let (mut searched, mut warnings) = (BTreeSet::new(), BTreeSet::new());
    for (registry, repository) in places {
        let path = repository.iter().map(|repository| format!("/{repository}"));
        let name = format!("{registry}{}", path.collect::<String>());
        let source = match keychain.find(&registry, repository.as_ref()).await {
            Err(error) => error.to_string(),
            Ok(lookup) => {
                warnings.extend(lookup.warnings);
                if let Some(found) = lookup.found {
                    found.source
                } else {
                    searched.insert(lookup.searched.join(", "));
                    "none".into()
                }
            }
        };
        session.ui.step("Credential", format_args!("{name}: {source}"));
    }
    for places in searched.iter().filter(|places| !places.is_empty()) {
        session.ui.step("", format_args!("searched {places}"));
    }
    for warning in &warnings {
        session.ui.warning(warning);
    }
}

/// Returns where bases come from instead of their own registry, and where the image goes.
fn named(settings: &Settings) -> Vec<Place> {
    let mirrors = settings.mirrors.value.0.iter().filter_map(|text| text.parse::<Mirror>().ok());
    let image = settings.image.value.as_deref().and_then(|name| name.parse::<Reference>().ok());
    mirrors
        .map(|mirror| (mirror.host, None))
        .chain(image.map(|image| (image.registry, Some(image.repository))))
        .collect()
}
