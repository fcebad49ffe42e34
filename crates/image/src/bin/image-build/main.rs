//! Builds an image from a directory: the whole of the crate from a command line, without settings and registries.
//!
//! Reads a request as JSON from standard input, prints an answer as JSON. The tests of the crate use it to build as another
//! user, in another directory, and in a process that can be killed.

mod servers;

use std::{
    collections::BTreeMap, error::Error, io, io::Write, path::PathBuf, sync::Arc, time::Duration,
};

use notes_dockerfile::{Dockerfile, Ignore, Severity, render};
use notes_image::{
    Plan, Store, build,
    build::{Options, Resources},
    context::{Directory, Ignoring},
    plan::{self, Context},
    report::{Reporter, StepName, StepReport},
    tree::Tree,
};
use notes_oci::{ImageSink, Layout, Platform};
use notes_sandbox::{Isolation, Secret};
use serde::{Deserialize, Serialize};

use servers::{Files, Forge, Repository};

/// What is to be built.
#[derive(Deserialize)]
struct Request {
    dockerfile: String,
    #[serde(default)]
    ignore: String,
    context: PathBuf,
    store: PathBuf,
    /// A layout with the base images.
    bases: PathBuf,
    /// The layout that the image is written to.
    to: PathBuf,
    name: String,
    created: i64,
    /// The rung of isolation; the best one when absent.
    #[serde(default)]
    isolation: Option<Isolation>,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    arguments: BTreeMap<String, String>,
    #[serde(default)]
    offers: BTreeMap<String, String>,
    /// How many seconds a command may take.
    #[serde(default)]
    run_timeout: Option<u64>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Sockets of SSH agents by id.
    #[serde(default)]
    agents: BTreeMap<String, PathBuf>,
    /// What is behind URLs.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Git repositories by address.
    #[serde(default)]
    repositories: BTreeMap<String, Repository>,
    /// Directories as further contexts, by name.
    #[serde(default)]
    contexts: BTreeMap<String, PathBuf>,
    /// Images as further contexts, by name.
    #[serde(default)]
    images: BTreeMap<String, String>,
}

/// What became of it.
#[derive(Serialize)]
struct Answer {
    image: String,
    steps: Vec<StepReport>,
    output: Vec<String>,
}

/// Keeps what commands write, and warnings.
#[derive(Default)]
struct Output(std::sync::Mutex<Vec<String>>);

impl Reporter for Output {
    fn output(&self, _: &StepName, line: &str) {
        self.0.lock().expect("no holder panics").push(line.to_owned());
    }

    fn warning(&self, text: &str) {
        self.0.lock().expect("no holder panics").push(format!("warning: {text}"));
    }
}

fn main() -> std::process::ExitCode {
    notes_sandbox::init();
    let answer = answer();
    let (text, code) = match answer {
        Ok(text) => (text, 0),
        Err(text) => (text, 1),
    };
    let printed = io::stdout().lock().write_all(text.as_bytes());
    std::process::ExitCode::from(u8::from(printed.is_err()).max(code))
}

fn answer() -> Result<String, String> {
    let request: Request =
        serde_json::from_reader(io::stdin().lock()).map_err(|error| error.to_string())?;
    let options = notes_sandbox::Options {
        isolation: request.isolation,
        ..notes_sandbox::Options::default()
    };
    let sandbox = notes_sandbox::enter(&options).map_err(|it| chain(&it))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let answer = runtime.block_on(carry_out(&request, sandbox))?;
    serde_json::to_string(&answer).map_err(|error| error.to_string())
}

async fn carry_out(request: &Request, sandbox: notes_sandbox::Sandbox) -> Result<Answer, String> {
    let source = &request.dockerfile;
    let report = |error: &dyn Error, span, hint: Option<String>| match span {
        Some(span) => {
            let hint = hint.as_deref();
            render(Severity::Error, &chain(error), "Dockerfile", source, span, hint)
        }
        None => chain(error),
    };
    let dockerfile = Dockerfile::parse(source).map_err(|error| error.render("Dockerfile"))?;
    let options = plan::Options {
        target: request.target.clone(),
        arguments: request.arguments.clone(),
        offers: request.offers.clone(),
        platform: Platform::native(),
        chooser: plan::Chooser::Nobody,
        contexts: further(request)?,
    };
    let plan = Plan::new(&dockerfile, &options)
        .map_err(|error| report(&error, error.span, error.hint()))?;
    let ignore = Ignore::parse(&request.ignore).map_err(|error| chain(&error))?;
    let context = Arc::new(Ignoring::new(Directory::new(&request.context), ignore));
    let store = Store::open(&request.store).map_err(|error| chain(&error))?;
    let bases = Layout::open(&request.bases).await.map_err(|error| chain(&error))?;
    let output = Arc::new(Output::default());
    let secrets = request.secrets.iter();
    let resources = Resources {
        sandbox: Some(sandbox),
        reporter: Arc::clone(&output) as Arc<dyn Reporter>,
        secrets: secrets.map(|(id, text)| (id.clone(), Secret::new(text.as_bytes()))).collect(),
        agents: request.agents.clone(),
        fetch: Some(Arc::new(Files(request.files.clone()))),
        repositories: Some(Arc::new(Forge(request.repositories.clone()))),
        contexts: request
            .contexts
            .iter()
            .map(|(name, path)| (name.clone(), Arc::new(Directory::new(path)) as Arc<dyn Tree>))
            .collect(),
        ..Resources::new(context, bases, store)
    };
    let options = Options {
        created: request.created,
        run_timeout: request.run_timeout.map(Duration::from_secs),
        ..Options::default()
    };
    let built = build(&plan, &resources, &options).await.map_err(|error| {
        let text = report(&error, error.span, error.hint());
        format!("{text}{}", error.output().join("\n"))
    })?;
    let to = Layout::create(&request.to).await.map_err(|error| chain(&error))?;
    let name = request.name.parse().map_err(|error| chain(&error))?;
    let pinned = to.write(&built.image, &name).await.map_err(|error| chain(&error))?;
    let output = output.0.lock().expect("no holder panics").clone();
    Ok(Answer { image: pinned.to_string(), steps: built.steps, output })
}

/// Returns what `FROM` and `--from` can name beside stages and images.
fn further(request: &Request) -> Result<BTreeMap<String, Context>, String> {
    let files = request.contexts.keys().map(|name| Ok((name.clone(), Context::Files)));
    let images = request.images.iter().map(|(name, image)| {
        let image = image.parse().map_err(|error| chain(&error))?;
        Ok((name.clone(), Context::Image(image)))
    });
    files.chain(images).collect()
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
