//! What carries a job out on this machine.

use std::{collections::BTreeMap, sync::Arc};

use notes_console::{Failure, Kind, Session, Ui, Verbosity};
use notes_gitinfo::naming;
use notes_image::{
    Plan, Store,
    build::{self, Built, Resources, Reuse},
    cache::{CacheMount, LayerCache, MountUse, SharedCache, StepIndex},
    plan::Base,
};
use notes_oci::{Image, ImageIndex, ImageSource as _, Platform};
use notes_registry::{Remote, Retag};
use notes_sandbox::{Cancel, Sandbox};

use super::Job;
use crate::{
    blocking,
    caches::Caches,
    download::Downloads,
    failure::{self, Source},
    product::Product,
    record::{self, Before, Manner},
    redaction::Redaction,
    registry,
    reporter::{BuildLines, Bytes, Elapsed},
    repositories::Clones,
    settings::Settings,
};

/// What a build needs of the machine.
pub(in crate::commands) struct Engine {
    pub(in crate::commands) remote: Remote,
    pub(in crate::commands) store: Store,
    pub(in crate::commands) sandbox: Sandbox,
    /// Where results of steps are kept; usually the store.
    pub(in crate::commands) memory: Arc<dyn LayerCache>,
    /// The caches that are read.
    pub(in crate::commands) caches: Option<Arc<Caches>>,
    pub(in crate::commands) cancel: Cancel,
}

/// What a build made.
pub(in crate::commands) struct Made {
    pub(in crate::commands) product: Product,
    /// What the steps made, of all platforms.
    pub(super) index: StepIndex,
    /// One per plan.
    builds: Vec<Built>,
}

impl Made {
    /// Returns the cache mounts of the steps, of all platforms.
    pub(super) fn mounts(&self) -> BTreeMap<CacheMount, MountUse> {
        let mut mounts = BTreeMap::new();
        for (mount, used) in self.builds.iter().flat_map(|built| &built.mounts) {
            let before = mounts.entry(mount.clone()).or_insert(*used);
            *before = (*used).max(*before);
        }
        mounts
    }
}

impl Engine {
    /// Prepares what a build needs. To be called before any thread exists: what follows may run in name spaces of its own.
    pub(in crate::commands) fn enter(
        session: &Session,
        settings: &Settings,
        retag: Retag,
    ) -> Result<Self, Failure> {
        let Settings { mirrors, insecure, isolation, store, .. } = settings;
        let remote = registry::remote(session, &mirrors.value.0, &insecure.value.0, retag)?;
        let options =
            notes_sandbox::Options { isolation: isolation.value, files: Some(store.value.clone()) };
        let sandbox = notes_sandbox::enter(&options).map_err(failure::enter)?;
        let store = Store::open(&store.value).map_err(failure::store)?;
        let cancel = Cancel::new().map_err(|error| Failure::new(Kind::Internal, error))?;
        let memory = Arc::new(store.clone());
        Ok(Self { remote, store, sandbox, memory, caches: None, cancel })
    }

    /// Builds the image of each platform.
    pub(in crate::commands) async fn build(&self, job: &Job, ui: &Ui) -> Result<Made, Failure> {
        let _section = ui.section("build", "Building the image");
        self.check_triggers(job).await?;
        let mut builds = Vec::with_capacity(job.plans.len());
        let mut index = StepIndex::default();
        for plan in &job.plans {
            let built = self.build_one(job, ui, plan).await?;
            index = index.merged(built.index.clone());
            builds.push(built);
        }
        let images = builds.iter().map(|built| built.image.clone());
        Ok(Made { product: product(job, images.collect())?, index, builds })
    }

    /// After a failure: removes blobs of the store that are damaged, so that they are made anew. Tells whether there were some.
    pub(super) async fn repair(&self, ui: &Ui) -> Result<bool, Failure> {
        let store = self.store.clone();
        let discarded = blocking(move || store.discard_damaged()).await;
        let discarded = discarded.map_err(|error| failure::path(self.store.root(), error))?;
        for path in &discarded {
            let path = path.display();
            ui.warning(format_args!("the blob `{path}` is damaged: it is removed, and made again"));
        }
        Ok(!discarded.is_empty())
    }

    /// Checks that no base image triggers a command for another platform: what it triggers is in its config, which is read
    /// before anything is built.
    async fn check_triggers(&self, job: &Job) -> Result<(), Failure> {
        let machine = Platform::native();
        let images = job.contexts.images(self.remote.clone());
        let name = job.settings.dockerfile.value.to_string();
        let source = Source { name: &name, text: &job.text };
        for plan in &job.plans {
            for stage in plan.foreign_bases(&machine) {
                let Base::Image(reference) = &stage.base else { continue };
                // The build says what is wrong with an image that cannot be had.
                let Ok(image) = images.image(reference, &stage.platform).await else { continue };
                let on_build = &image.config().config.on_build;
                plan.check_triggers(stage, on_build, &machine).map_err(|it| source.plan(it))?;
            }
        }
        Ok(())
    }

    async fn build_one(&self, job: &Job, ui: &Ui, plan: &Plan) -> Result<Built, Failure> {
        let Self { remote, store, sandbox, memory, cancel, caches } = self;
        let redaction = Redaction::of(job.secrets.values());
        let platform = (job.plans.len() > 1).then(|| plan.platform.clone());
        let images = job.contexts.images(remote.clone()).with_digests(job.bases.clone());
        let resources = Resources {
            sandbox: Some(sandbox.clone()),
            contexts: job.trees.clone(),
            secrets: job.secrets.clone(),
            agents: job.agents.clone(),
            cancel: cancel.clone(),
            cache: Arc::clone(memory),
            shared: caches.clone().map(|caches| caches as Arc<dyn SharedCache>),
            fetch: Some(Arc::new(Downloads(remote.clone()))),
            repositories: Some(Arc::new(Clones::new(remote.clone()))),
            reporter: Arc::new(BuildLines::new(ui.clone(), platform, redaction.clone())),
            ..Resources::new(Arc::clone(&job.context), images, store.clone())
        };
        let mut labels = naming::labels(&job.project.revision, &job.tag);
        labels.extend(job.settings.labels.value.0.clone());
        let options = build::Options {
            created: job.project.revision.time.as_second(),
            labels,
            annotations: job.annotations.manifest.clone(),
            run_timeout: job.settings.run_timeout(),
            reuse: job.reuse,
            ..build::Options::default()
        };
        let built = notes_image::build(plan, &resources, &options).await;
        built.map_err(|error| failed(job, ui, error, &redaction))
    }

    /// Notes what was done, for `explain`.
    pub(super) fn record(&self, job: &Job, made: &Made) {
        for (plan, built) in job.plans.iter().zip(&made.builds) {
            let manner = self.manner(job, &plan.platform);
            record::write(&job.settings, &job.project, &plan.platform, built, manner);
        }
    }

    /// Returns how a build was carried out, for `explain`.
    fn manner(&self, job: &Job, platform: &Platform) -> Manner {
        let mut caches = Vec::new();
        let mut elsewhere = Before::default();
        if job.reuse == Reuse::Cache {
            caches.push("the store".to_owned());
            let shared = self.caches.iter().flat_map(|caches| caches.asked());
            for (reference, index) in shared {
                caches.push(reference.to_string());
                let traces = index.traces(platform);
                if elsewhere.steps.is_empty() && !traces.is_empty() {
                    let name = format!("the build in {reference}");
                    elsewhere = Before { name, steps: traces.to_vec() };
                }
            }
        }
        Manner { isolation: self.sandbox.isolation().to_string(), caches, elsewhere }
    }
}

/// Returns what the images are together.
fn product(job: &Job, images: Vec<Image>) -> Result<Product, Failure> {
    if let [image] = images.as_slice() {
        return Ok(Product::Image(image.clone().into()));
    }
    let index = ImageIndex::new(images).map_err(|error| Failure::new(Kind::Usage, error))?;
    Ok(Product::Index(index.with_annotations(job.annotations.index.clone())))
}

fn failed(job: &Job, ui: &Ui, error: build::Error, redaction: &Redaction) -> Failure {
    let unseen = ui.verbosity() == Verbosity::Quiet;
    let lines = if unseen { error.output() } else { &[] };
    let output: Vec<_> = lines.iter().map(|line| redaction.apply(line).into_owned()).collect();
    let name = job.settings.dockerfile.value.to_string();
    let source = Source { name: &name, text: &job.text };
    source.build(error, &job.ignore, &job.settings).with_output(output)
}

/// Says what was built.
pub(super) fn summarize(ui: &Ui, product: &Product, elapsed: Elapsed) {
    let size = product.images().iter().flat_map(Image::layers).map(notes_oci::Layer::size).sum();
    let count =
        |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let parts = match product {
        Product::Image(image) => count(image.layers().len(), "layer"),
        Product::Index(index) => count(index.images().len(), "platform"),
    };
    let digest = product.digest();
    ui.step("Built", format_args!("{digest} ({parts}, {}) in {elapsed}", Bytes(size)));
}
