//! What the last lines of a log say about an end.

/// Whose fault an end seems to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The program's own: it will end the same way again.
    Own(Option<&'static str>),
    /// Something it needs, which may still be starting.
    Dependency(Option<&'static str>),
    /// It is made for another processor.
    WrongPlatform,
    /// The log does not say.
    Unknown,
}

impl Verdict {
    /// Returns advice, where there is some.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Own(hint) | Self::Dependency(hint) => hint.map(Into::into),
            _ => None,
        }
    }
}

/// Phrases, most specific first, and what they mean. From Python, Django, `PostgreSQL`, Node, Go and the C library.
const PHRASES: &[(&str, Verdict)] = &[
    ("exec format error", Verdict::WrongPlatform),
    (
        "password authentication failed",
        Verdict::Dependency(Some(
            "the database refuses the password; compare the Secret with the server's",
        )),
    ),
    (
        "could not translate host name",
        Verdict::Dependency(Some(
            "the host name in the database URL cannot be resolved in the cluster",
        )),
    ),
    (
        "Name or service not known",
        Verdict::Dependency(Some(
            "a host name cannot be resolved in the cluster; is the Service there?",
        )),
    ),
    (
        "getaddrinfo",
        Verdict::Dependency(Some(
            "a host name cannot be resolved in the cluster; is the Service there?",
        )),
    ),
    (
        "ImproperlyConfigured",
        Verdict::Own(Some(
            "a setting is missing or wrong; is every environment variable the settings need given to the pod?",
        )),
    ),
    (
        "ModuleNotFoundError",
        Verdict::Own(Some("a package is missing in the image; is it in requirements.txt?")),
    ),
    (
        "Cannot find module",
        Verdict::Own(Some(
            "a package is missing in the image; was it installed in the last stage?",
        )),
    ),
    ("ImportError", Verdict::Own(None)),
    ("SyntaxError", Verdict::Own(None)),
    (
        "KeyError",
        Verdict::Own(Some("is every environment variable the program needs given to the pod?")),
    ),
    (
        "Read-only file system",
        Verdict::Own(Some(
            "the root file system is read-only; write to /tmp, or mount a volume in manifests of your own",
        )),
    ),
    (
        "Permission denied",
        Verdict::Own(Some(
            "the pod does not run as root; the files must belong to its user, or be made writable",
        )),
    ),
    ("Address already in use", Verdict::Own(None)),
    (
        "unable to open database file",
        Verdict::Own(Some("the database's directory is not writable for the pod's user")),
    ),
    ("relation \"", Verdict::Own(Some("have the migrations run?"))),
    ("no such table", Verdict::Own(Some("have the migrations run?"))),
    ("command not found", Verdict::Own(None)),
    ("No such file or directory", Verdict::Own(None)),
    (
        "Connection refused",
        Verdict::Dependency(Some("something the program needs does not listen; is it running?")),
    ),
    (
        "connection refused",
        Verdict::Dependency(Some("something the program needs does not listen; is it running?")),
    ),
    (
        "ECONNREFUSED",
        Verdict::Dependency(Some("something the program needs does not listen; is it running?")),
    ),
    ("OperationalError", Verdict::Dependency(None)),
    ("timed out", Verdict::Dependency(None)),
    ("timeout", Verdict::Dependency(None)),
    ("panic:", Verdict::Own(None)),
    ("panicked at", Verdict::Own(None)),
];

/// Judges a log by the first phrase that any of its lines holds.
pub(super) fn judge(lines: &[String]) -> Verdict {
    PHRASES
        .iter()
        .find(|(phrase, _)| lines.iter().any(|line| line.contains(phrase)))
        .map_or(Verdict::Unknown, |(_, verdict)| verdict.clone())
}
