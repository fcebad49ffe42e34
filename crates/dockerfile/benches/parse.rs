//! How long a realistic Dockerfile of a thousand lines takes to parse, and ten megabytes of nonsense to be parsed and checked or
//! refused: `cargo bench -p notes-dockerfile`.
//!
//! Fails when a limit is not kept, so that it can stand in a pipeline.

#[path = "../tests/nonsense/mod.rs"]
mod nonsense;

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use notes_dockerfile::{Dockerfile, lint};

const LINES: usize = 1_000;
const RUNS: usize = 51;
const LIMIT: Duration = Duration::from_millis(1);
/// The bytes of each nonsense.
const NONSENSE: usize = 10_000_000;
const NONSENSE_LIMIT: Duration = Duration::from_secs(1);
/// What is right has millions of instructions then, and may have as many findings.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// One stage of a service as people write them, 40 lines.
const STAGE: &str = r#"
# build-N compiles the wheels
FROM --platform=$BUILDPLATFORM python:${PYTHON_VERSION:-3.13}-slim AS build-N
ARG PIP_INDEX_URL
ARG EXTRA_N="a b" OTHER_N=${PYTHON_VERSION}
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    APP_HOME=/srv/app-N
WORKDIR $APP_HOME
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=bind,source=packages.txt,target=/tmp/packages.txt \
    apt-get update && \
    # what the compiler needs
    apt-get install --yes --no-install-recommends \
        build-essential \
        libpq-dev \
        $(cat /tmp/packages.txt) && \
    rm -rf /var/lib/apt/lists/*
COPY --chown=app:app requirements.txt requirements-N.txt ./
RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf,required=true \
    python -m pip wheel --wheel-dir /wheels -r requirements-N.txt

COPY <<"SETTINGS" /srv/settings-N.toml
[service]
name = "service-N"
# not a comment of the Dockerfile
port = 8000
SETTINGS
RUN <<SCRIPT
set -eu
for file in *.py; do
    python -m compileall "$file"
done
SCRIPT
LABEL org.opencontainers.image.title="service N" org.opencontainers.image.vendor="notes"
EXPOSE 8000 8443/tcp
VOLUME ["/data/N"]
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=3s --retries=5 CMD ["python", "-m", "health", "--port", "8000"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["gunicorn", "--bind", "0.0.0.0:8000"]
CMD ["notes.wsgi", "--workers", "4"]
"#;

fn main() -> ExitCode {
    let kept = realistic_is_fast().and_then(|fast| Ok(nonsense_is_fast()? && fast));
    if matches!(kept, Ok(true)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn realistic_is_fast() -> io::Result<bool> {
    let source = realistic();
    let parse = median(|| drop(black_box(Dockerfile::parse(black_box(&source)))));
    let file = Dockerfile::parse(&source).expect("the benchmark's text is right");
    let options = lint::Options::default();
    let check = median(|| drop(black_box(lint::check(black_box(&file), &options))));
    let (lines, size) = (source.lines().count(), source.len());
    writeln!(
        io::stdout(),
        "parse, {lines} lines, {size} bytes: median {parse:?} of {RUNS} (limit {LIMIT:?})\n\
         check, the same: median {check:?} of {RUNS}"
    )?;
    Ok(parse < LIMIT)
}

fn nonsense_is_fast() -> io::Result<bool> {
    let mut fast = true;
    writeln!(
        io::stdout(),
        "nonsense, {NONSENSE} bytes of each, processor time (limits {NONSENSE_LIMIT:?}, {CHECK_LIMIT:?}):"
    )?;
    for (name, kind) in nonsense::KINDS {
        let source = kind(NONSENSE);
        let (parse, file) = timed(|| Dockerfile::parse(&source));
        let (check, found) = match &file {
            Ok(file) => {
                let (check, report) = timed(|| lint::check(file, &lint::Options::default()));
                (check, format!("{} findings", report.findings.len()))
            }
            Err(error) => (Duration::ZERO, error.reason.to_string()),
        };
        let kept = parse < NONSENSE_LIMIT && check < CHECK_LIMIT;
        let mark = if kept { "" } else { "  TOO SLOW" };
        writeln!(io::stdout(), "  {name}: parse {parse:?}, check {check:?}, {found}{mark}")?;
        fast &= kept;
    }
    Ok(fast)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let clock = nonsense::Clock::start();
    let done = work();
    (clock.elapsed(), done)
}

fn realistic() -> String {
    let mut text = String::from("# syntax=docker/dockerfile:1\nARG PYTHON_VERSION=3.13\n");
    let mut number = 0;
    while text.lines().count() < LINES {
        number += 1;
        let stage = STAGE.replace("-N", &format!("-{number}")).replace("_N", &format!("_{number}"));
        write!(text, "{stage}").expect("a string can be written to");
    }
    text
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}
