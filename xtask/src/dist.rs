//! `cargo xtask dist`: the two binaries as a release has them.

use std::{error::Error, fs, process::ExitCode};

use crate::{cargo, output, program};

/// The binaries, and how large each may be, in bytes: a CI job downloads them each time.
const BINARIES: [(&str, u64); 2] = [("notes-build", 12_000_000), ("notes-deploy", 18_000_000)];
/// A static program has no dynamic linker. With a target that is named, the flag is not given to build scripts, which need one.
const FLAGS: &str = "-C target-feature=+crt-static";

/// Builds them, and fails where one is not static or too large.
pub(crate) fn run() -> Result<ExitCode, Box<dyn Error>> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = cargo::command();
    cargo.env("RUSTFLAGS", FLAGS).args(["build", "--release", "--target", &target]);
    for (name, _) in BINARIES {
        cargo.args(["--package", name]);
    }
    program::run(&mut cargo).map_err(|error| -> Box<dyn Error> { error })?;
    let directory = cargo::target()?.join(&target).join("release");
    let mut code = ExitCode::SUCCESS;
    for (name, limit) in BINARIES {
        let path = directory.join(name);
        let bytes = fs::read(&path)?;
        output::result(&format!("{} {:.1} MB", path.display(), megabytes(bytes.len() as u64)));
        if let Some(problem) = problem(&bytes, limit) {
            output::say(&format!("error: {name} {problem}"));
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn problem(binary: &[u8], limit: u64) -> Option<String> {
    let size = binary.len() as u64;
    if has_interpreter(binary) {
        return Some("is not static".into());
    }
    (size > limit).then(|| format!("is larger than {:.0} MB", megabytes(limit)))
}

#[expect(clippy::cast_precision_loss, reason = "it is for people, with one digit after the point")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// True where a program of 64 bits asks for a dynamic linker: it has a segment `PT_INTERP` (elf(5)).
fn has_interpreter(binary: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, size: usize| {
        let bytes = binary.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let (Some(start), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2))
    else {
        return false;
    };
    (0..count).any(|segment| number(start + segment * size, 4) == Some(INTERPRETER as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_program_is_told_from_a_static_one() {
        // This test itself is one of the first kind.
        let dynamic = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(problem(&dynamic, u64::MAX).as_deref(), Some("is not static"));
        assert_eq!(problem(b"no program at all", u64::MAX), None);
        assert_eq!(problem(&[0; 64], 10).as_deref(), Some("is larger than 0 MB"));
    }
}
