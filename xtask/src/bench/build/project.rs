//! The repositories that are built.

use std::{
    cell::Cell,
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use notes_oci::Digest;

use super::scenario::Scenario;
use crate::bench::{Result, registry::Registry};
use crate::{output, program, workspace};

/// The Dockerfile of the Django application, whose base is put in.
const DJANGO: &str = include_str!("django.Dockerfile");
/// The files of the large context, 8 MB each, that no instruction takes.
const LARGE_FILES: usize = 250;
const LARGE_FILE: u64 = 8_000_000;
const STAGES: usize = 8;

/// A repository: its name, what writes its files on a base, and what is measured with it.
type Kind = (&'static str, fn(&Project, &str, &Path) -> Result<()>, &'static [Scenario]);

const PROJECTS: [Kind; 3] = [
    (
        "django",
        Project::write_django,
        &[Scenario::Cold, Scenario::Unchanged, Scenario::Source, Scenario::Requirements],
    ),
    (
        "context",
        |project, base, _| project.write_large_context(base),
        &[Scenario::Context, Scenario::ContextSource],
    ),
    ("stages", |project, base, _| project.write_stages(base), &[Scenario::Stages]),
];

/// A repository, checked out in a directory.
pub(super) struct Project {
    name: &'static str,
    directory: PathBuf,
    /// No two changes are the same.
    changes: Cell<usize>,
}

impl Project {
    /// Makes the repositories that `scenarios` need, each with its part of them.
    pub(super) fn all(
        directory: &Path,
        registry: &Registry,
        cache: &Path,
        scenarios: &[Scenario],
    ) -> Result<Vec<(Self, Vec<Scenario>)>> {
        let mut projects = Vec::new();
        for (name, write, all) in PROJECTS {
            let wanted = all.iter().filter(|scenario| scenarios.contains(scenario));
            let Some(last) = wanted.max() else { continue };
            let project = Self::create(name, directory)?;
            write(&project, &registry.base(), cache)?;
            project.git(&["add", "--all"])?;
            project.git(&["commit", "--quiet", "--message", "first"])?;
            // A scenario begins where the one before it ends, so that those before are needed too.
            projects.push((project, all.iter().copied().filter(|one| one <= last).collect()));
        }
        Ok(projects)
    }

    fn create(name: &'static str, parent: &Path) -> Result<Self> {
        let project = Self { name, directory: parent.join(name), changes: Cell::new(0) };
        fs::create_dir_all(&project.directory)?;
        project.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(project)
    }

    /// Returns its name, which is the repository's in the registry.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns where it is checked out.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the change of a scenario and commits it; returns the short id of the commit.
    pub(super) fn prepare(&self, scenario: Scenario) -> Result<String> {
        let changed = match scenario {
            Scenario::Source => Some("notes/bench.py"),
            Scenario::ContextSource => Some("source/main.py"),
            Scenario::Requirements => Some("requirements.txt"),
            _ => None,
        };
        if let Some(file) = changed {
            let change = self.changes.get() + 1;
            self.changes.set(change);
            let path = self.directory.join(file);
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            writeln!(file, "# change {change}")?;
            self.git(&["add", "--all"])?;
            self.git(&["commit", "--quiet", "--message", &format!("change {change}")])?;
        }
        self.git(&["rev-parse", "--short=7", "HEAD"])
    }

    fn write_django(&self, base: &str, cache: &Path) -> Result<()> {
        let app = workspace::root().join("examples/notes-app");
        program::run(Command::new("cp").arg("--archive").arg(app.join(".")).arg(&self.directory))?;
        copy(&wheels(&app.join("requirements.txt"), cache)?, &self.directory.join("wheels"))?;
        let dockerfile = DJANGO.replace("FROM BASE", &format!("FROM {base}"));
        Ok(fs::write(self.directory.join("Dockerfile"), dockerfile)?)
    }

    fn write_large_context(&self, base: &str) -> Result<()> {
        output::say("making a context of 2 GB");
        let (source, large) = (self.directory.join("source"), self.directory.join("large"));
        fs::create_dir(&source)?;
        fs::create_dir(&large)?;
        for name in ["main.py", "settings.py", "urls.py"] {
            fs::write(source.join(name), format!("# {name}\n"))?;
        }
        for number in 0..LARGE_FILES {
            let mut random = fs::File::open("/dev/urandom")?.take(LARGE_FILE);
            io::copy(&mut random, &mut fs::File::create(large.join(format!("{number}.bin")))?)?;
        }
        // They do not compress; git need not try.
        self.git(&["config", "core.compression", "0"])?;
        let dockerfile = format!(
            "FROM {base}\nWORKDIR /app\nCOPY source source\nRUN python -m compileall -q source\n"
        );
        Ok(fs::write(self.directory.join("Dockerfile"), dockerfile)?)
    }

    fn write_stages(&self, base: &str) -> Result<()> {
        fs::write(self.directory.join("input.txt"), "input\n")?;
        Ok(fs::write(self.directory.join("Dockerfile"), stages(base))?)
    }

    fn git(&self, arguments: &[&str]) -> Result<String> {
        crate::bench::git(&self.directory, arguments)
    }
}

/// Stages that do not need each other, and a last one that takes a file of each: 40 steps, as builders number them.
fn stages(base: &str) -> String {
    let mut text = String::new();
    for stage in 1..STAGES {
        let _ = writeln!(text, "FROM {base} AS stage{stage}");
        let _ = writeln!(text, "COPY input.txt /work/input{stage}");
        for step in 1..=2 {
            let _ = writeln!(text, "RUN seq {step}00000 >> /work/output{stage}");
        }
    }
    let _ = writeln!(text, "FROM {base}");
    for stage in 1..STAGES {
        let _ = writeln!(text, "COPY --from=stage{stage} /work/output{stage} /output/");
    }
    for step in 1..=4 {
        let _ = writeln!(text, "RUN cat /output/* | sha256sum > /sum{step}");
    }
    text
}

/// The wheels of `requirements` for the base's Python, downloaded once.
fn wheels(requirements: &Path, cache: &Path) -> Result<PathBuf> {
    let key = Digest::of(fs::read_to_string(requirements)?);
    let directory = cache.join("wheels").join(key.short());
    if directory.exists() {
        return Ok(directory);
    }
    output::say("downloading the wheels of the Django app, once");
    let draft = directory.with_extension("partial");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--only-binary=:all:", "--python-version=3.13", "--dest"]).arg(&draft);
    program::run(pip.arg("--requirement").arg(requirements))?;
    fs::rename(&draft, &directory)?;
    Ok(directory)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    program::run(Command::new("cp").arg("--recursive").arg(from).arg(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_40_steps_in_8_stages() {
        let text = stages("base");
        assert_eq!(text.lines().filter(|line| line.starts_with("FROM")).count(), STAGES);
        assert_eq!(text.lines().count(), 40);
    }
}
