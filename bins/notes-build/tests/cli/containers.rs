//! The binary inside real containers, as CI jobs run it: docker's default profile and capabilities, as root and as an ordinary
//! user, and with no capability at all.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Output};

use notes_oci::{ImageSink as _, ImageSource as _, Platform, Reference};
use notes_registry::Remote;
use notes_testkit::{base, cache, docker::Engine, process, skip};

use crate::world::{Ran, World};

const BASE: &str = "python:3.13-slim";
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/fixtures/workloads");
/// A word that is in no file of the base.
const SECRET: &str = "hush-4711-0815";
/// The flags of `docker run` for the jobs there are.
const ORDINARY_USER: [&str; 2] = ["--user", "1000"];
const RESTRICTED: [&str; 6] =
    ["--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

/// A place where jobs run in containers of Debian's base image.
struct Jobs {
    world: World,
    engine: Engine,
    image: String,
    /// The directory of the binary: what docker binds must be readable for whoever runs in the container.
    program: tempfile::TempDir,
}

impl Jobs {
    /// Makes one with the workloads committed, or says why `test` is skipped.
    async fn new(test: &str) -> Option<Self> {
        let engine = match Engine::running() {
            Ok(engine) => engine,
            Err(reason) => {
                skip(test, &reason);
                return None;
            }
        };
        if !process::is_root() {
            skip(test, "the base image is made by root");
            return None;
        }
        let mut world = World::new(test).await?;
        let pushed = push_base(&world, test).await?;
        world.set("NOTES_MIRRORS", &format!("docker.io={}", world.registry.registry()));
        world.set("TOKEN", SECRET);
        let program = tempfile::tempdir().unwrap();
        open_up(program.path());
        fs::copy(env!("CARGO_BIN_EXE_notes-build"), program.path().join("notes-build")).unwrap();
        let image = pushed.to_string();
        let pull = || engine.output(&["pull", "--quiet", &image]);
        tokio::task::block_in_place(pull).unwrap();
        add_workloads(&world);
        world.repository.commit("Workloads");
        open_up(world.repository.path());
        Some(Self { world, engine, image, program })
    }

    /// Runs a shell script in a container with the repository at `/repo` and the binary in the `PATH`.
    fn run(&self, flags: &[&str], script: &str) -> Ran {
        let mut docker = self.engine.client();
        docker.args(["run", "--rm", "--network=host", "--workdir=/repo", "--env=HOME=/tmp/home"]);
        docker.args(["--volume"]).arg(volume(self.program.path(), "/job"));
        docker.arg("--volume").arg(volume(self.world.repository.path(), "/repo"));
        let mirror = format!("NOTES_MIRRORS=docker.io={}", self.world.registry.registry());
        docker
            .arg(format!("--env=TOKEN={SECRET}"))
            .arg("--env")
            .arg(mirror)
            .args(flags)
            .arg(&self.image);
        docker.args(["sh", "-c", &format!("PATH=$PATH:/job; mkdir /tmp/home; {script}")]);
        let output: Output = tokio::task::block_in_place(|| docker.output()).unwrap();
        self.world.normalize(&output)
    }

    /// The command that builds and pushes.
    fn build(&self, more: &str) -> String {
        format!("notes-build --image {} --secret id=token,env=TOKEN {more}", self.world.image())
    }

    /// Builds on this machine, with name spaces.
    fn build_here(&self, arguments: &[&str]) -> Ran {
        let own = ["--isolation", "namespaces", "--secret", "id=token,env=TOKEN"];
        tokio::task::block_in_place(|| self.world.build(&[&own[..], arguments].concat()))
    }
}

/// Pushes Debian's base image to the registry of the world, or says why `test` is skipped.
pub(crate) async fn push_base(world: &World, test: &str) -> Option<Reference> {
    let reference = BASE.parse().unwrap();
    let recipe = base::Recipe::of(&reference).expect("Debian has it");
    let layout = match base::make(&recipe, &cache::directory(), &mut |_| {}).await {
        Ok(layout) => layout,
        Err(error) => {
            skip(test, &error.to_string());
            return None;
        }
    };
    let base = layout.image(&reference, &Platform::native()).await.unwrap();
    let pushed = world.registry.reference(&format!("library/{BASE}"));
    let remote = Remote::new(notes_registry::Options::default()).unwrap();
    remote.write(&base, &pushed).await.unwrap();
    Some(pushed)
}

/// Adds the files of the workloads to the repository of the world.
pub(crate) fn add_workloads(world: &World) {
    for entry in fs::read_dir(FIXTURE).unwrap() {
        let entry = entry.unwrap();
        let content = fs::read(entry.path()).unwrap();
        world.repository.write(entry.file_name().to_str().unwrap(), content);
    }
}

/// The value of `--volume` that shows a directory of this machine at `place`.
fn volume(path: &Path, place: &str) -> String {
    format!("{}:{place}:ro", path.display())
}

/// Lets everybody read what is below a directory.
fn open_up(path: &Path) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o055)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn root_in_a_default_container_builds_the_same_image_without_mounts() {
    let test = "root_in_a_default_container_builds_the_same_image_without_mounts";
    let Some(jobs) = Jobs::new(test).await else { return };
    let job = jobs.run(&["--env=TZ=Asia/Tokyo"], &format!("umask 077; {}", jobs.build("-v")));
    let digest = job.digest().to_owned();
    assert!(job.stderr.contains("isolation chroot: root may change its root directory"), "{job}");
    let here = jobs.build_here(&["--allow-retag"]);
    assert_eq!(here.digest(), digest, "{job}\n{here}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_several_builds_at_once_and_keeps_its_files() {
    let test = "a_job_runs_several_builds_at_once_and_keeps_its_files";
    let Some(jobs) = Jobs::new(test).await else { return };
    jobs.world.commit(
        "FROM python:3.13-slim\nARG NUMBER\n\
         RUN rm -rf /etc/apt /usr/share/doc /job /repo && echo $NUMBER > /etc/number && useradd someone\n\
         RUN cat /etc/number && test ! -e /etc/apt && python3 -c 'import multiprocessing as m; m.Lock()'\n",
    );
    let script = format!(
        "find / -xdev -not -path '/tmp*' -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' \
             -printf '%p %m %U %G %s %C@\\n' | sort > /tmp/before; \
         for number in 1 2 3; do {} & done; wait; \
         find / -xdev -not -path '/tmp*' -not -path '/proc*' -not -path '/sys*' -not -path '/dev*' \
             -printf '%p %m %U %G %s %C@\\n' | sort > /tmp/after; \
         cmp /tmp/before /tmp/after && ls -A /tmp /tmp/home/.cache/notes/drafts",
        jobs.build(
            "--allow-retag --tag $number --build-arg NUMBER=$number --store /tmp/home/.cache/notes"
        ),
    );
    let job = jobs.run(&[], &script);
    assert_eq!(job.status, 0, "{job}");
    assert_eq!(job.stdout.matches("REGISTRY/team/app@sha256:").count(), 3, "{job}");
    let listed = "/tmp:\nafter\nbefore\nhome\n\n/tmp/home/.cache/notes/drafts:\n";
    assert!(job.stdout.ends_with(listed), "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_copied_into_an_image_without_any_right() {
    let test = "files_are_copied_into_an_image_without_any_right";
    let Some(jobs) = Jobs::new(test).await else { return };
    jobs.world
        .commit("FROM python:3.13-slim\nWORKDIR /srv\nCOPY --chown=5:6 *.py ./\nCMD [\"x\"]\n");
    let here = jobs.build_here(&[]).digest().to_owned();
    for flags in [&ORDINARY_USER[..], &RESTRICTED, &["--cap-drop", "ALL"]] {
        let job = jobs.run(flags, &jobs.build("-v"));
        assert_eq!(job.digest(), here, "{flags:?}");
        assert!(job.stderr.contains("isolation none"), "{flags:?}: {job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_cannot_run_says_what_would_allow_it() {
    let test = "a_command_that_cannot_run_says_what_would_allow_it";
    let Some(jobs) = Jobs::new(test).await else { return };
    jobs.world.commit("FROM python:3.13-slim\nRUN true\n");
    let user = jobs.run(&ORDINARY_USER, &jobs.build("--tag 1"));
    insta::assert_snapshot!("an_ordinary_user_cannot_run", user.failure());
    let forced = jobs.run(&ORDINARY_USER, &jobs.build("--tag 1 --isolation chroot"));
    insta::assert_snapshot!("an_ordinary_user_forces_chroot", forced.failure());
    let doctor = "notes-build doctor --store /tmp/store";
    let doctors = [("root", &[][..]), ("user", &ORDINARY_USER), ("restricted", &RESTRICTED)];
    for (who, flags) in doctors {
        let said = jobs.run(flags, doctor);
        assert_eq!(said.status, 0, "{said}");
        let about = said.stderr.split("  Repository").next().unwrap();
        insta::assert_snapshot!(format!("doctor_in_a_container_for_{who}"), about);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_stopped_leaves_no_process_and_no_secret() {
    let test = "a_job_that_is_stopped_leaves_no_process_and_no_secret";
    let Some(jobs) = Jobs::new(test).await else { return };
    jobs.world.commit(
        "FROM python:3.13-slim\n\
         RUN --mount=type=secret,id=token sh -c 'trap \"\" TERM INT HUP; touch /started; sleep 1000' & \
             setsid sh -c 'sleep 1000 & sleep 1000' & sleep 1000\n",
    );
    // What is left of the command, by the name it has, and files with the secret in them.
    let script = format!(
        "{} > /dev/null 2>&1 & build=$!; \
         until find /tmp/home -name started | grep -q .; do sleep 0.1; done; \
         kill -$SIGNAL $build; wait $build; echo status $?; \
         for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline; echo; done | grep -c '^sleep'; \
         sleep 0.5; grep -rls {SECRET} /tmp/home; \
         for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline; echo; done | grep -c '^sleep 1000'",
        jobs.build("--tag 1"),
    );
    for (signal, status) in [("TERM", 143), ("INT", 130), ("KILL", 137)] {
        // A job in the background of a script ignores Ctrl-C, unless its shell has job control.
        let script = format!("set -m; SIGNAL={signal}; {script}");
        let job = jobs.run(&[], &script);
        let lines: Vec<_> = job.stdout.lines().collect();
        assert_eq!(lines.first(), Some(&format!("status {status}").as_str()), "{signal}: {job}");
        assert_eq!(lines.last(), Some(&"0"), "{signal}: {job}");
        assert!(!job.stdout.contains("/tmp/home"), "{signal}: {job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_default_container_does_not_allow_is_named() {
    let test = "what_a_default_container_does_not_allow_is_named";
    let Some(jobs) = Jobs::new(test).await else { return };
    jobs.world.commit("FROM python:3.13-slim\nRUN --network=none true\n");
    let job = jobs.run(&[], &jobs.build("--tag 1"));
    insta::assert_snapshot!("no_network_of_its_own", job.failure());
    let forced = jobs.run(&[], &jobs.build("--tag 1 --isolation namespaces"));
    insta::assert_snapshot!("namespaces_forced_in_a_container", forced.failure());
}
