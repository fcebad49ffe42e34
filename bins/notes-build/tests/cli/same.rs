//! The same commit gives the same digest whoever builds it, where, and how its commands are isolated.

use std::{
    fmt, fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use notes_testkit::{process, skip};

use crate::{containers, world::World};

/// Steps whose results depend on modes, times, owners, order and environment.
const DOCKERFILE: &str = "FROM busybox:1 AS tools
RUN busybox mkdir /tools && echo tool > /tools/one && busybox chmod 4750 /tools/one
FROM busybox:1
WORKDIR /srv/app
COPY app .
COPY --chown=7:8 --chmod=640 app/main.py owned.py
COPY --from=tools /tools /tools
ADD app/tool /bin/
RUN umask > umask; busybox env | busybox sort > environment; ls -R /srv /tools > listed; busybox stat -c '%n %a' * /tools/* > modes; \
    busybox ln main.py hard; busybox rm link; busybox mkdir -p new/deep; busybox mkfifo pipe
RUN busybox rm -r new && busybox mkdir new && echo > new/file; busybox stat -c %Y owned.py > seconds
ENV A=1
CMD [\"sh\"]
";

/// One who builds, and what is around them.
#[derive(Clone, Copy)]
struct Surroundings {
    user: u32,
    umask: &'static str,
    zone: &'static str,
    locale: &'static str,
    isolation: &'static str,
    /// Where the clone and the store lie, below a directory of the test's.
    place: &'static str,
}

const ALL: [Surroundings; 6] = [
    Surroundings {
        user: 0,
        umask: "0022",
        zone: "UTC",
        locale: "C",
        isolation: "namespaces",
        place: "a",
    },
    Surroundings {
        user: 0,
        umask: "0077",
        zone: "Asia/Tokyo",
        locale: "C.UTF-8",
        isolation: "namespaces",
        place: "builds/gitlab runner/0/team/app",
    },
    Surroundings {
        user: 0,
        umask: "0022",
        zone: "America/New_York",
        locale: "C.UTF-8",
        isolation: "chroot",
        place: "b",
    },
    Surroundings {
        user: 0,
        umask: "0000",
        zone: "UTC",
        locale: "de_DE.UTF-8",
        isolation: "chroot",
        place: "ünïcode",
    },
    Surroundings {
        user: 1000,
        umask: "0022",
        zone: "Asia/Tokyo",
        locale: "C",
        isolation: "namespaces",
        place: "c",
    },
    Surroundings {
        user: 1000,
        umask: "0077",
        zone: "UTC",
        locale: "de_DE.UTF-8",
        isolation: "namespaces",
        place: "d/e/f",
    },
];

impl fmt::Display for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, umask, zone, locale, isolation, place } = self;
        write!(f, "uid {user}, umask {umask}, {zone}, {locale}, {isolation}, in `{place}`")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_builds_where_and_how_does_not_show() {
    let test = "who_builds_where_and_how_does_not_show";
    if !process::is_root() {
        return skip(test, "only root can build as others");
    }
    let Some(world) = World::with_base(test).await else { return };
    world.repository.write("app/main.py", "print()\n");
    world.repository.write("app/tool", "#!/bin/sh\n");
    make_executable(&world.repository.path().join("app/tool"));
    std::os::unix::fs::symlink("main.py", world.repository.path().join("app/link")).unwrap();
    world.commit(DOCKERFILE);
    let programs = tempfile::tempdir().unwrap();
    let program = installed(&programs);
    let mut digests = Vec::new();
    for surroundings in &ALL {
        let output = build(&world, &program, surroundings);
        let built = world.normalize(&output);
        if built.stderr.contains("is not offered here") {
            return skip(test, &format!("{surroundings}: {}", built.stderr.trim()));
        }
        digests.push((surroundings, built.digest().to_owned()));
    }
    let (_, first) = &digests[0];
    for (surroundings, digest) in &digests {
        assert_eq!(digest, first, "{surroundings}, and {}", ALL[0]);
    }
}

/// A copy of the program where everybody finds it.
fn installed(programs: &tempfile::TempDir) -> PathBuf {
    open_up(programs.path());
    let program = programs.path().join("notes-build");
    fs::copy(env!("CARGO_BIN_EXE_notes-build"), &program).unwrap();
    program
}

/// Clones the repository as one person does, and builds there.
fn build(world: &World, program: &Path, surroundings: &Surroundings) -> Output {
    let Surroundings { user, umask, zone, locale, isolation, place } = surroundings;
    let home = tempfile::tempdir().unwrap();
    let clone = home.path().join(place);
    fs::create_dir_all(&clone).unwrap();
    own(home.path(), &clone, *user);
    let script = format!(
        "umask {umask}; git clone --quiet \"$FROM\" clone && cd clone && \
         exec {} -v --no-push --isolation {isolation} --store \"$HOME/store\"",
        program.display()
    );
    let mut command = if *user == SUBORDINATE {
        let ids = home.path().join("ids");
        fs::write(&ids, format!("{user}:100000:70000\n")).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", WITH_IDS, "sh"]).arg(ids);
        command.args([&user.to_string(), &script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", &script]).uid(*user).gid(*user);
        command
    };
    command.current_dir(&clone).env_clear().stdin(Stdio::null());
    command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", home.path())
        .env("FROM", bare(world));
    command.env("TZ", zone).env("LC_ALL", locale).env("LANG", locale);
    command.env("NOTES_MIRRORS", format!("docker.io={}", world.registry.registry()));
    tokio::task::block_in_place(|| command.output()).unwrap()
}

/// A bundle of the repository, which everybody may clone.
fn bare(world: &World) -> PathBuf {
    let bundle = world.home().join("bundle");
    if !bundle.exists() {
        open_up(world.home());
        world.repository.git(&["bundle", "create", "--quiet", bundle.to_str().unwrap(), "--all"]);
        fs::set_permissions(&bundle, fs::Permissions::from_mode(0o644)).unwrap();
    }
    bundle
}

/// Gives the directories from `home` down to `inner` to a user.
fn own(home: &Path, inner: &Path, user: u32) {
    for directory in inner.ancestors().take_while(|directory| directory.starts_with(home)) {
        std::os::unix::fs::chown(directory, Some(user), Some(user)).unwrap();
    }
}

fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Lets everybody go through a directory.
fn open_up(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What an ordinary user with a single id runs, on a base of Debian's packages: programs that make users, give files away, and
/// become others.
const PACKAGES: &str = "FROM python:3.13-slim AS tools
WORKDIR /src
COPY wheel.py package.py ./
RUN python3 wheel.py /wheels && python3 package.py /debs && dpkg-deb --root-owner-group --build /debs/tiny /debs/tiny.deb

FROM python:3.13-slim
RUN useradd --create-home --uid 1234 --groups staff worker && groupadd --gid 4321 extra && rm -f /var/log/*.log /etc/*-
RUN --mount=type=bind,from=tools,source=/wheels,target=/wheels \
    pip install --root-user-action=ignore --no-index /wheels/tiny-1.0-py3-none-any.whl && python3 -c 'import tiny'
COPY --from=tools /debs/tiny.deb /tmp/
RUN dpkg -i /tmp/tiny.deb && dpkg -L tiny && dpkg -r tiny && rm /var/log/*.log
RUN apt-get install -y --no-install-recommends /tmp/tiny.deb && tiny && rm -r /var/log/* /var/cache/apt/* /tmp/tiny.deb
RUN mkdir -p /srv/app/deep && echo 1 > /srv/app/deep/file && chown -R worker:extra /srv/app && \
    su worker -c 'id -un > /srv/app/who; mkdir /srv/app/made; echo > /srv/app/made/file'
COPY --chown=worker wheel.py /srv/app/
RUN chown :extra /srv/app/wheel.py && chown :staff /srv/app/deep && echo more >> /srv/app/deep/file
COPY tree.py /tmp/
RUN python3 /tmp/tree.py make /opt/app without-devices
RUN python3 /tmp/tree.py change /opt/app
RUN python3 /tmp/tree.py check /opt/app && rm /tmp/tree.py
";

/// One whom nobody has given ids, and one who has some for as long as a build (`newuidmap` wants a name).
const SINGLE: u32 = 54_321;
const SUBORDINATE: u32 = 65534;
/// Gives the user `$2` the ids of the file `$1`, in a mount name space of its own, and runs what follows as that user.
const WITH_IDS: &str = "mount --bind \"$1\" /etc/subuid && mount --bind \"$1\" /etc/subgid && \
    exec setpriv --reuid=$2 --regid=$2 --clear-groups -- sh -c \"$3\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_user_installs_packages() {
    let test = "an_ordinary_user_installs_packages";
    if !process::is_root() {
        return skip(test, "only root can build as others");
    }
    let Some(world) = World::new(test).await else { return };
    let Some(_) = containers::push_base(&world, test).await else { return };
    containers::add_workloads(&world);
    world.commit(PACKAGES);
    let programs = tempfile::tempdir().unwrap();
    let program = installed(&programs);
    let root = Surroundings { place: "root", ..ALL[0] };
    let first = world.normalize(&build(&world, &program, &root));
    for user in [SINGLE, SUBORDINATE] {
        let surroundings = Surroundings { user, place: "user", ..ALL[0] };
        let built = world.normalize(&build(&world, &program, &surroundings));
        if built.stderr.contains("is not offered here") {
            return skip(test, built.stderr.trim());
        }
        let ids = if user == SINGLE { "a single user id" } else { "70001 user ids" };
        assert!(built.stderr.contains(ids), "{built}");
        assert_eq!(built.digest(), first.digest(), "{surroundings}: {built}\n{first}");
    }
}
