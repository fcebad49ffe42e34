//! The database that all pods share: a `PostgreSQL` of its own, a process of this machine, by `examples/notes-app/dev/postgres`.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
};

use notes_testkit::cluster::{Package, install_missing};

use super::{App, Result};
use crate::program;

/// What it is made of. The programs lie in a directory of their version, which the name of the package does not tell.
const PACKAGES: [Package; 1] =
    [Package { name: "postgresql", shown_by: "/var/lib/dpkg/info/postgresql.list" }];
/// Where it lives: `PostgreSQL` is not run by root, and its user may not look into root's cache directory.
const DIRECTORY: &str = "/var/lib/notes-dev/postgres";
/// Debian's package makes and starts a server for the whole machine when it is installed, unless a file here says no.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.d";

/// Starts it, or finds it running, and returns its URL. It listens on `address`, where pods reach it.
pub(crate) fn start(address: IpAddr, say: &dyn Fn(&str)) -> Result<String> {
    install(say)?;
    fs::create_dir_all(Path::new(DIRECTORY).parent().expect("it has a parent"))?;
    say("database: PostgreSQL, for both pods");
    let mut up = Command::new(script());
    program::result(up.arg("up").arg(DIRECTORY).arg(address.to_string()))
}

/// True where it was started and not ended.
pub(crate) fn is_running() -> bool {
    Path::new(DIRECTORY).join("data/postmaster.pid").exists()
}

/// Ends it, and removes what was written.
pub(crate) fn stop() -> Result<()> {
    if !Path::new(DIRECTORY).exists() {
        return Ok(());
    }
    program::run(Command::new(script()).arg("down").arg(DIRECTORY))?;
    Ok(fs::remove_dir_all(DIRECTORY)?)
}

fn script() -> PathBuf {
    App::NotesApp.directory().join("dev/postgres")
}

/// Installs Debian's package where it is missing, without the server that it would start for the whole machine.
pub(crate) fn install(say: &dyn Fn(&str)) -> Result<()> {
    let is_new = !Path::new(SETTINGS).exists();
    let file = Path::new(SETTINGS).join("notes-dev.conf");
    if is_new {
        fs::create_dir_all(SETTINGS)?;
        fs::write(&file, "create_main_cluster = false\n")?;
    }
    let installed =
        install_missing(&PACKAGES, "the database of the example", &mut |line| say(line));
    if is_new {
        fs::remove_file(&file)?;
    }
    Ok(installed?)
}
