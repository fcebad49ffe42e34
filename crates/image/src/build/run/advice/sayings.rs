//! What programs say when they fail.

/// What programs say, and what to do about it; the first that fits counts. What is certain stands before what is a guess.
pub(super) const SAYINGS: &[(&[&str], &str)] = &[
    (
        &["\\r': ", "^m: bad interpreter"],
        "a script has Windows line ends: write `*.sh text eol=lf` into `.gitattributes` and commit the file anew",
    ),
    (
        &["exec format error"],
        "a program is for another architecture, or a script has no `#!` line: what is copied in must be for the platform of the image",
    ),
    (
        &["externally-managed-environment"],
        "this Python is the distribution's own: make an environment with `python3 -m venv /venv` and use `/venv/bin/pip`, or begin with a `python` image",
    ),
    (
        &["unable to locate package", "has no installation candidate", "404  not found [ip:"],
        "the package lists are missing or old: write `apt-get update &&` before `apt-get install`, in the same `RUN`",
    ),
    (
        &["do you want to continue? [y/n]"],
        "nobody answers during a build: write `apt-get install --yes`",
    ),
    (
        &["unable to select packages"],
        "this release of Alpine has no package of that name, or its lists are old: `apk add --no-cache` fetches them",
    ),
    (
        &["could not open requirements file"],
        "copy the file before this step: `COPY requirements.txt ./`",
    ),
    (
        &["pg_config executable not found"],
        "psycopg2 is compiled here: take `psycopg2-binary` or `psycopg[binary]`, or install `libpq-dev` and a compiler",
    ),
    (
        &[
            "command 'gcc' failed",
            "command 'cc' failed",
            "unable to execute 'gcc'",
            "unknown compiler(s)",
        ],
        "a package is compiled and the image has no compiler: install one (`build-essential`, on Alpine `build-base`) in a stage whose wheels you copy, or take a version with ready wheels",
    ),
    (
        &["no matching distribution found"],
        "the index has no such version for this Python and platform: look at the version, at the base's Python, or at the index that pip asks",
    ),
    (
        &["existing package-lock.json", "npm error code eusage", "npm err! code eusage"],
        "commit `package-lock.json` and copy it with `package.json` before `npm ci`; where both are there they disagree, and `npm install` on your machine makes them agree",
    ),
    (
        &["open '/package.json'", "could not read package.json"],
        "copy `package.json` to the `WORKDIR` before this step",
    ),
    (
        &["gyp err! find python", "gyp err! stack error: not found: make"],
        "a native module is compiled here: install `python3`, `make` and `g++` in a stage whose `node_modules` you copy",
    ),
    (
        &["javascript heap out of memory"],
        "node's heap is full: set `NODE_OPTIONS=--max-old-space-size=…`, in megabytes, within the memory of the job",
    ),
    (
        &["the secret_key setting must not be empty", "keyerror: 'secret_key'"],
        "only the deployment has this setting: give the step a placeholder, `RUN SECRET_KEY=none python manage.py …`, which stays out of the image",
    ),
    (
        &["permission denied (publickey"],
        "the server wants a key: write `RUN --mount=type=ssh` and give an agent with `--ssh`",
    ),
    (
        &["host key verification failed"],
        "the image does not know the server: write its line into `/etc/ssh/ssh_known_hosts` before",
    ),
    (
        &["no space left on device"],
        "the disk is full: prune the store, or name one on a larger disk",
    ),
    (
        &[
            "certificate verify failed",
            "unable to get local issuer certificate",
            "self-signed certificate",
            "self signed certificate",
            "certificate signed by unknown authority",
        ],
        "the image does not know who signed the server's certificate: install `ca-certificates`, or copy your own authority's in and run `update-ca-certificates`",
    ),
];

/// What programs say when a name or a host cannot be reached.
pub(super) const OFFLINE: [&str; 8] = [
    "temporary failure in name resolution",
    "temporary failure resolving",
    "could not resolve host",
    "name or service not known",
    "eai_again",
    "enotfound",
    "bad address '",
    "network is unreachable",
];
