//! `notes-build verify`: builds the commit that an image names once more, and compares.

mod difference;

use std::{collections::BTreeMap, sync::Arc};

use notes_console::{Failure, Kind, Session, print_result, settings::Origin, signal};
use notes_image::build::Reuse;
use notes_oci::{Digest, Image, ImageSource as _, Platform, Reference};
use notes_registry::{Remote, Retag};

use super::build::{Engine, Job};
use crate::{
    block_on,
    cli::{BuildArguments, VerifyArguments},
    contexts::ImagesError,
    failure,
    project::Project,
    settings::Settings,
};
use difference::Difference;

/// The label that names the commit (image-spec, annotations.md).
const REVISION: &str = "org.opencontainers.image.revision";
/// The label with the image's tag.
const VERSION: &str = "org.opencontainers.image.version";
/// The label with the repository's address, which another clone may have another way to.
const SOURCE: &str = "org.opencontainers.image.source";

/// Verifies, and prints the pinned name of what is as it should be.
pub(crate) fn run(session: &Session, arguments: &VerifyArguments) -> Result<(), Failure> {
    let reference: Reference = arguments.reference.parse().map_err(failure::reference)?;
    refuse(&arguments.build)?;
    let here = Project::open(&arguments.build, &session.environment, &session.current)?;
    let settings =
        Settings::resolve(&here, &arguments.build, &session.environment, &session.current)?;
    let engine = Engine::enter(session, &settings, Retag::Refuse)?;
    let cancel = engine.cancel.clone();
    let verification = Verification {
        session,
        arguments: &arguments.build,
        reference,
        here,
        settings,
        // It keeps nothing: the next build is not to take from it what may be wrong.
        engine: Engine { memory: Arc::new(()), ..engine },
    };
    block_on(signal::unless_stopped(verification.all(), move || cancel.cancel()))
}

/// Refuses what would choose something that the image says, or write something.
fn refuse(arguments: &BuildArguments) -> Result<(), Failure> {
    let said = "the image says that";
    let nothing = "nothing is written by `verify`";
    let flags = [
        (arguments.commit.is_some(), "--commit", said),
        (arguments.worktree, "--worktree", said),
        (!arguments.tags.is_empty(), "--tag", nothing),
        (!arguments.outputs.is_empty(), "--output", nothing),
        (!arguments.cache_to.is_empty(), "--cache-to", nothing),
        (!arguments.cache_from.is_empty(), "--cache-from", "no cache is asked by `verify`"),
    ];
    match flags.into_iter().find(|(given, ..)| *given) {
        None => Ok(()),
        Some((_, flag, why)) => {
            let message = format!("`{flag}` means nothing to `verify`");
            Err(Failure::message(Kind::Usage, message).with_hint(why))
        }
    }
}

/// An image that is to be what its commit builds.
struct Verification<'a> {
    session: &'a Session,
    arguments: &'a BuildArguments,
    reference: Reference,
    /// The repository at hand.
    here: Project,
    settings: Settings,
    engine: Engine,
}

impl Verification<'_> {
    async fn all(self) -> Result<(), Failure> {
        for platform in self.settings.platforms.value.iter() {
            let image = self.image(platform).await?;
            self.one(&image, platform).await?;
            let pinned = self.reference.pin(image.digest());
            print_result(pinned).map_err(|error| Failure::new(Kind::Internal, error))?;
        }
        Ok(())
    }

    async fn image(&self, platform: &Platform) -> Result<Image, Failure> {
        let image = self.remote().image(&self.reference, platform).await;
        let image = image.map_err(|error| failure::image(ImagesError::Remote(error)))?;
        let found = &image.config().platform;
        if platform.accepts(found) {
            return Ok(image);
        }
        let message = format!("`{}` is for {found}, not for {platform}", self.reference);
        Err(Failure::message(Kind::Configuration, message)
            .with_hint(format!("say so: `--platform {found}`")))
    }

    fn remote(&self) -> &Remote {
        &self.engine.remote
    }

    async fn one(&self, image: &Image, platform: &Platform) -> Result<(), Failure> {
        let commit = self.commit(image)?;
        let job = self.job(image, platform, &commit)?;
        let ui = &self.session.ui;
        let made = self.engine.build(&job, ui).await?;
        let [rebuilt] = made.product.images() else {
            unreachable!("one platform was asked for");
        };
        let short = &job.project.revision.short;
        if rebuilt.digest() == image.digest() {
            ui.step("Verified", format_args!("{} is what commit {short} builds", self.reference));
            return Ok(());
        }
        let difference = Difference::between(image, rebuilt).await?;
        let message = format!(
            "`{}` is not what commit {short} builds: {difference}",
            self.reference.pin(image.digest())
        );
        Err(Failure::message(Kind::Differs, message)
            .with_hints(difference.hint())
            .with_hint(format!("the rebuilt image has digest {}", rebuilt.digest())))
    }

    /// Returns the commit that the image names, which is in the repository at hand.
    fn commit(&self, image: &Image) -> Result<String, Failure> {
        let labels = &image.config().config.labels;
        let reference = &self.reference;
        let configuration = |message| Failure::message(Kind::Configuration, message);
        let Some(commit) = labels.get(REVISION) else {
            let message = format!("`{reference}` does not say which commit it was built from");
            return Err(configuration(message)
                .with_hint(format!("it has no label `{REVISION}`, which notes-build sets")));
        };
        if labels.get(VERSION).is_some_and(|version| version.ends_with("-dirty")) {
            let message = format!("`{reference}` was built from files that were not committed");
            return Err(configuration(message));
        }
        let is_id =
            [40, 64].contains(&commit.len()) && commit.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_id {
            let message = format!("`{reference}` names `{commit}`, which is no id of a commit");
            return Err(configuration(message));
        }
        if self.here.repository.revision(commit).is_err() {
            let message = format!(
                "`{reference}` was built from commit {commit}, which is not in this repository"
            );
            return Err(configuration(message)
                .with_hint(format!("in a shallow clone, `git fetch origin {commit}` gets it")));
        }
        Ok(commit.clone())
    }

    /// Prepares the build as it was: with the commit, the tag, the address and the base that the image records, and with the
    /// settings of the commit for the rest.
    fn job(&self, image: &Image, platform: &Platform, commit: &str) -> Result<Job, Failure> {
        let mut arguments =
            BuildArguments { commit: Some(commit.into()), no_push: true, ..self.arguments.clone() };
        if self.settings.platforms.value.are_several() {
            arguments.platforms = vec![platform.to_string()];
        }
        let mut job = Job::prepare(self.session, &arguments)?;
        let labels = &image.config().config.labels;
        job.reuse = Reuse::Nothing;
        job.bases = base(image);
        if let Some(version) = labels.get(VERSION) {
            job.tag.clone_from(version);
        }
        job.project.revision.remote = None;
        if let Some(source) = labels.get(SOURCE)
            && job.settings.labels.origin == Origin::Default
        {
            job.settings.labels.value.0.insert(SOURCE.into(), source.clone());
        }
        Ok(job)
    }
}

/// Returns the digest of the base that the image records, by its name: the tag may have moved since.
fn base(image: &Image) -> BTreeMap<String, Digest> {
    let annotation = |name: &str| {
        image.manifest().annotations.get(&format!("org.opencontainers.image.base.{name}"))
    };
    let digest = annotation("digest").and_then(|digest| digest.parse().ok());
    annotation("name").cloned().zip(digest).into_iter().collect()
}
