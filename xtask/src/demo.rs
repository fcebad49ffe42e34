//! `cargo xtask demo`: the whole road on real parts, from HEAD to a note that is written and read back.
//!
//! What takes long on a fresh machine runs beside what the next step needs: Kubernetes is built while cargo builds
//! `notes-build` and the image is built and pushed.

mod app;
pub(crate) mod bases;
pub(crate) mod database;
mod markdown;
mod notes;
mod service;

use std::{
    error::Error,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::Instant,
};

use notes_testkit::{
    cache,
    cluster::{Cluster, ClusterError, Provider},
};

use crate::{cargo, cli::DemoOptions, cluster, output, program, workspace};
use service::Service;

pub(crate) use app::App;

/// What a step of the demo may end with.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The address of the registry, so that an image has the same name in each run; another port where it is taken.
const REGISTRY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);
/// The namespace of the pipeline, which a person makes before the first deploy, with a Secret in it.
const NAMESPACE: &str = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"notesapp"}}"#;
/// The port of this machine that the app answers on.
const PORT: u16 = 8000;

/// Runs the demo, and takes down what it started unless it is to be kept.
pub(crate) fn run(options: &DemoOptions) -> std::result::Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let programs = if options.built { Programs::Built } else { Programs::ToBuild };
    let demo = Demo::new(options.app, runtime.handle().clone(), programs)?;
    if options.down {
        demo.take_down(Found::default());
        return Ok(ExitCode::SUCCESS);
    }
    let found = demo.found();
    let working = demo.clone();
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = tokio::task::spawn_blocking(move || working.run()) => Some(ended),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let code = match ended {
        Some(Ok(Ok(()))) => ExitCode::SUCCESS,
        Some(Ok(Err(error))) => {
            crate::report(error.as_ref());
            ExitCode::FAILURE
        }
        Some(Err(panic)) => return Err(panic.into()),
        None => ExitCode::from(130),
    };
    if options.keep && code == ExitCode::SUCCESS {
        output::say("kept running; `cargo xtask demo --down` takes it down");
    } else {
        demo.take_down(found);
    }
    // A step that was interrupted may still be running on its thread.
    runtime.shutdown_background();
    Ok(code)
}

/// Runs the example's own pipeline with the runner that needs no server, on the registry and the cluster of the demo:
/// `tests/gitlab-ci/run.sh`, whose lines go to `line`. Returns whether it succeeded.
pub(crate) fn pipeline(
    programs: Programs,
    mut line: impl FnMut(&str),
) -> std::result::Result<bool, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let demo = Demo::new(App::NotesApp, runtime.handle().clone(), programs)?;
    let found = demo.found();
    let ended = demo.pipeline(&mut line);
    demo.take_down(found);
    ended.map_err(|error| -> Box<dyn Error> { error })
}

/// Whether the two programs are as the sources say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Somebody has built them. They are used as they are: another choice of packages is another choice of their
    /// dependencies' features, and would build most of them again.
    Built,
    /// They are to be built first.
    ToBuild,
}

/// What ran before the demo did, and is left as it was.
#[derive(Clone, Copy, Default)]
struct Found {
    cluster: bool,
    registry: bool,
    database: bool,
}

/// Where the app runs: the cluster, and the database of its pods where they have one.
struct Ground {
    cluster: Cluster,
    database_url: Option<String>,
}

#[derive(Clone)]
struct Demo {
    runtime: tokio::runtime::Handle,
    cache: PathBuf,
    /// Where the two binaries are: where this program is.
    binaries: PathBuf,
    programs: Programs,
    app: App,
    started: Instant,
}

impl Demo {
    fn new(app: App, runtime: tokio::runtime::Handle, programs: Programs) -> io::Result<Self> {
        let binaries = cargo::programs()?;
        let (cache, started) = (cache::directory(), Instant::now());
        Ok(Self { runtime, cache, binaries, programs, app, started })
    }

    fn run(&self) -> Result<()> {
        let starting = cluster::provider().map(|provider| self.start_ground(provider));
        self.build_programs(&["notes-build"])?;
        let registry = self.start_registry()?;
        self.provide_bases(registry)?;
        let pinned = self.build_image(registry)?;
        self.say(&format!("pushed {pinned}"));
        self.build_programs(&["notes-deploy"])?;
        let starting = match starting {
            Ok(starting) => starting,
            Err(missing) => return self.render(&pinned, &missing),
        };
        if !starting.is_finished() {
            self.say("the image is there; waiting for the cluster");
        }
        let Ground { cluster, database_url } =
            starting.join().expect("starting a cluster does not panic")?;
        let notes_toml = self.settings(database_url.as_deref())?;
        // Where the nodes have a loopback of their own, the registry is not on it.
        cluster.mirror(&registry.to_string(), registry)?;
        self.deploy(&pinned, &notes_toml, &cluster)?;
        let url = self.forward(&notes_toml, &cluster)?;
        self.app.try_out(&url, &self.directory(), &|line| self.say(line))?;
        program::run(&mut self.deploying("status", &notes_toml, &cluster))?;
        self.say("done");
        output::result(&url);
        Ok(())
    }

    fn pipeline(&self, line: &mut dyn FnMut(&str)) -> Result<bool> {
        self.build_programs(&["notes-build", "notes-deploy"])?;
        let Ground { cluster, database_url } = self.ground(cluster::provider()?)?;
        cluster.create("/api/v1/namespaces", NAMESPACE)?;
        let secret = app::secret(database_url.as_deref());
        cluster.create("/api/v1/namespaces/notesapp/secrets", &secret)?;
        let registry = self.start_registry()?;
        cluster.mirror(&registry.to_string(), registry)?;
        self.provide_bases(registry)?;
        let mut run = Command::new(workspace::root().join("tests/gitlab-ci/run.sh"));
        run.arg(&self.binaries)
            // The embedded registry asks for no credentials, but the pipeline does.
            .envs([("DOCKERHUB_USERNAME", "someone"), ("DOCKERHUB_PASSWORD", "a-token")])
            .env("KUBECONFIG", &cluster.kubeconfig)
            .env("NOTES_IMAGE", self.repository(registry))
            .env("NOTES_MIRRORS", format!("docker.io={registry}"));
        Ok(notes_testkit::process::stream(&mut run, line)?.success())
    }

    /// Prepares the ground on a thread of its own.
    fn start_ground(&self, provider: Provider) -> thread::JoinHandle<Result<Ground>> {
        let demo = self.clone();
        thread::spawn(move || demo.ground(provider))
    }

    fn ground(&self, provider: Provider) -> Result<Ground> {
        self.say(&format!("cluster: {}", provider.name()));
        let cluster = provider.start(&mut |line| self.say(line))?;
        let database_url = match cluster.address_of_this_machine()? {
            Some(address) if self.app.has_database() => {
                Some(database::start(address, &|line| self.say(line))?)
            }
            _ => None,
        };
        Ok(Ground { cluster, database_url })
    }

    /// Builds programs of ours, those alone that the next step needs.
    fn build_programs(&self, names: &[&str]) -> Result<()> {
        if self.programs == Programs::Built {
            return Ok(());
        }
        let list = names.join(" and ");
        self.say(&format!("building {list} (minutes where nothing is built yet)"));
        cargo::build(names.iter().copied(), &[])
    }

    fn start_registry(&self) -> Result<SocketAddr> {
        let service = self.service("registry");
        if let Some(line) = service.running() {
            return Ok(line.parse()?);
        }
        let free = TcpListener::bind(REGISTRY).is_ok();
        let address = if free { REGISTRY } else { SocketAddr::new(REGISTRY.ip(), 0) };
        let mut serve = Command::new(self.binaries.join("notes-build"));
        serve.args(["serve", "--address", &address.to_string(), "--root"]);
        let address = service.start(serve.arg(self.cache.join("registry")))?.parse()?;
        self.say(&format!("registry: the embedded one, on {address}"));
        Ok(address)
    }

    fn provide_bases(&self, registry: SocketAddr) -> Result<()> {
        let dockerfile = self.app.directory().join("Dockerfile");
        let notes_build = self.binaries.join("notes-build");
        let say = |line: &str| self.say(line);
        let providing = bases::provide(&dockerfile, registry, &notes_build, &self.cache, &say);
        self.runtime.block_on(providing)
    }

    fn build_image(&self, registry: SocketAddr) -> Result<String> {
        let mut build = Command::new(self.binaries.join("notes-build"));
        build.args(["--image", &self.repository(registry)]);
        build.args(["--mirror", &format!("docker.io={registry}")]);
        self.say(&format!("$ {}", program::line(&build)));
        program::result(build.current_dir(self.app.directory()))
    }

    /// The app's own notes.toml; where it has a Secret in production, a copy with values of the demo's own.
    fn settings(&self, database_url: Option<&str>) -> Result<PathBuf> {
        let original = self.app.directory().join("notes.toml");
        if !self.app.has_database() {
            return Ok(original);
        }
        let directory = self.directory();
        fs::create_dir_all(&directory)?;
        let path = directory.join("notes.toml");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let text = fs::read_to_string(original)?;
        file.write_all(app::with_environment(&text, database_url).as_bytes())?;
        Ok(path)
    }

    fn deploy(&self, pinned: &str, notes_toml: &Path, cluster: &Cluster) -> Result<()> {
        let mut deploy = self.deploying("deploy", notes_toml, cluster);
        deploy.args(["--image", pinned]);
        self.say(&format!("$ {}", program::line(&deploy)));
        program::run(&mut deploy)
    }

    /// Without a cluster: what would be applied, and what a deploy would need.
    fn render(&self, pinned: &str, missing: &ClusterError) -> Result<()> {
        let notes_toml = self.settings(None)?;
        let mut render = Command::new(self.binaries.join("notes-deploy"));
        render.args(["render", "--image", pinned, "--config"]).arg(notes_toml);
        output::result(&program::result(render.current_dir(self.app.directory()))?);
        self.say(&format!("not deployed: {missing}"));
        Ok(())
    }

    fn forward(&self, notes_toml: &Path, cluster: &Cluster) -> Result<String> {
        let service = self.service("port-forward");
        service.stop();
        let port = PORT.to_string();
        let mut forward = self.deploying("port-forward", notes_toml, cluster);
        Ok(service.start(forward.args(["--local-port", &port]))?)
    }

    fn deploying(&self, command: &str, notes_toml: &Path, cluster: &Cluster) -> Command {
        let mut deploy = Command::new(self.binaries.join("notes-deploy"));
        deploy.current_dir(self.app.directory()).arg(command).arg("--config").arg(notes_toml);
        deploy.arg("--kubeconfig").arg(&cluster.kubeconfig).env_remove("KUBECONFIG");
        deploy
    }

    fn found(&self) -> Found {
        let is_up = |provider: Provider| provider.status(&mut |_| {}).unwrap_or(false);
        Found {
            cluster: cluster::provider().is_ok_and(is_up),
            registry: self.service("registry").running().is_some(),
            database: database::is_running(),
        }
    }

    /// Takes down what a demo started, this one or one that was kept, but not what was `found`.
    fn take_down(&self, found: Found) {
        self.service("port-forward").stop();
        if !found.cluster
            && let Ok(provider) = cluster::provider()
            && let Err(error) = provider.stop(&mut |line| self.say(line))
        {
            crate::report(&error);
        }
        if !found.database
            && let Err(error) = database::stop()
        {
            crate::report(error.as_ref());
        }
        if !found.registry {
            self.service("registry").stop();
        }
    }

    /// The repository the app is pushed to.
    fn repository(&self, registry: SocketAddr) -> String {
        format!("{registry}/{}", self.app.repository())
    }

    fn service(&self, name: &'static str) -> Service {
        Service::new(name, &self.directory())
    }

    /// Where a demo keeps what it will look for later.
    fn directory(&self) -> PathBuf {
        self.cache.join("demo")
    }

    fn say(&self, line: &str) {
        output::say(&format!("[{:5.1} s] {line}", self.started.elapsed().as_secs_f32()));
    }
}
