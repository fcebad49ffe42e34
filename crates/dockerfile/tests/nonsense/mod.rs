//! Dockerfiles that nobody writes, as long as one likes: what makes a careless parser, linter or planner take the square of it.

use std::time::{Duration, Instant};

/// What is odd about a Dockerfile, and how it is made with about as many bytes.
pub(crate) type Kind = (&'static str, fn(usize) -> String);

pub(crate) const KINDS: &[Kind] = &[
    // Lines.
    ("one word", |size| lots(size, "x")),
    ("blank lines", |size| lots(size, "\n")),
    ("line ends", |size| lots(size, "\r")),
    ("continuations", |size| below("FROM a\nRUN ", size, "\\\n")),
    ("joined lines", |size| below("FROM a\nRUN ", size, "a \\\n")),
    ("blank continuations", |size| below("FROM a\nRUN a \\\n", size, "\n")),
    ("comments", |size| below("FROM a\n", size, "# c\n")),
    ("comments inside", |size| below("FROM a\nRUN a \\\n", size, "# c\n")),
    ("checks above", |size| below("FROM a\n", size, "# check=skip=all\nRUN x\n")),
    ("a comment far above", |size| {
        let blank = lots(size / 2, "\n");
        below(&format!("FROM a\n# c\n{blank}"), size / 2, "RUN x\n")
    }),
    ("directives", |size| lots(size, "# x=y\n")),
    ("check", |size| format!("# check={}\nFROM a", lots(size, "skip=a;"))),
    ("rules that are none", |size| {
        let names = lots(size / 2, "a,");
        below(&format!("# check=skip={names}\nFROM scratch\n"), size / 2, "USER $x\n")
    }),
    // Instructions.
    ("instructions", |size| below("FROM a\n", size, "RUN x\n")),
    ("unknown instructions", |size| below("FROM a\n", size, "XRUN x\n")),
    ("triggers", |size| below("FROM a\n", size, "ONBUILD ")),
    ("triggers of commands", |size| below("FROM a\n", size, "ONBUILD RUN x\n")),
    ("pairs", |size| below("FROM a\nENV ", size, "a=b ")),
    ("names", |size| numbered("FROM a\n", size, |n| format!("ENV a{n}=b\n"))),
    ("names of arguments", |size| numbered("FROM a\n", size, |n| format!("ARG a{n} b{n}\n"))),
    ("ports", |size| below("FROM a\n", size, "EXPOSE 80/TCP 1:2\n")),
    ("paths", |size| below("FROM a\nCOPY ", size, "a ")),
    ("quotes", |size| below("FROM a\nENV a=", size, "\"")),
    ("unknown flags", |size| below("FROM a\nRUN ", size, "--x ")),
    ("flags between wide blanks", |size| {
        below("FROM a\nCOPY ", size, "--exclude=a\u{2003}") + "a b"
    }),
    ("flags", |size| below("FROM a\nCOPY ", size, "--exclude=a ") + "a b"),
    ("mounts", |size| below("FROM a\nRUN ", size, "--mount=target=/x ") + "x"),
    ("mount options", |size| below("FROM a\nRUN --mount=", size, "a,") + " x"),
    // JSON.
    ("brackets", |size| below("FROM a\nCMD ", size, "[")),
    ("strings", |size| below("FROM a\nCMD [", size, "\"a\",") + "\"a\"]"),
    ("numbers", |size| below("FROM a\nCMD [", size, "1,") + "1]"),
    ("broken strings", |size| below("FROM a\nCMD [", size, "\"a\",")),
    ("broken arrays", |size| below("FROM a\n", size, "CMD [a\n")),
    // Heredocs.
    ("heredoc words", |size| below("FROM a\nRUN ", size, "<<A ")),
    ("heredocs", |size| below("FROM a\n", size, "RUN <<A\nA\n")),
    ("heredocs of one command", |size| {
        below("FROM a\nRUN cat ", size / 2, "<<A ") + "\n" + &lots(size / 4, "A\n")
    }),
    ("files", |size| below("FROM a\n", size, "COPY <<A /a\n$b\nA\n")),
    ("open heredoc", |size| below("FROM a\nRUN <<A\n", size, "a\n")),
    ("angles", |size| below("FROM a\nRUN ", size, "<")),
    // Stages.
    ("stages", |size| lots(size, "FROM a\n")),
    ("stages of one name", |size| lots(size, "FROM a AS a\n")),
    ("stages with a directory", |size| lots(size, "FROM a\nWORKDIR a\n")),
    ("a chain of stages", |size| {
        numbered("FROM scratch AS a0\n", size, |n| format!("FROM a{} AS a{n}\nARG b{n}\n", n - 1))
    }),
    ("stages of one stage", |size| {
        let first = numbered("FROM scratch AS a\n", size / 2, |n| format!("ARG b{n}\n"));
        below(&first, size / 2, "FROM a\nARG c\nUSER $d\n")
    }),
    ("copies between stages", |size| {
        let first = numbered("", size / 2, |n| format!("FROM scratch AS a{n}\n"));
        below(&(first + "FROM scratch\n"), size / 2, "COPY --from=a1 a b\n")
    }),
    // Variables.
    ("nesting", |size| below("FROM a\nUSER ", size, "${a:-")),
    ("variables in one word", |size| numbered("FROM scratch\nUSER ", size, |n| format!("$a{n}"))),
    ("misspelt variables", |size| {
        let names =
            numbered("FROM scratch\n", size / 2, |n| format!("ARG long_name_of_it_{n:08}\n"));
        numbered(&names, size / 2, |n| format!("USER $lnog_name_of_it_{n:08}\n"))
    }),
    ("a long value", |size| {
        let long = lots(size / 2, "x");
        below(&format!("FROM a\nENV a={long}\n"), size / 2, "ENV b=$a\nUSER $a\n")
    }),
    ("a long argument", |size| {
        let long = lots(size / 2, "x");
        numbered(&format!("ARG a={long}\n"), size / 4, |n| format!("ARG b{n}=$a\n"))
            + &lots(size / 4, "FROM $a\n")
    }),
    ("values that double", |size| {
        let doubling = "ENV a=$a$a\n".repeat(24);
        numbered(&format!("FROM a\nENV a=x\n{doubling}"), size, |n| format!("ENV b{n}=$a\n"))
    }),
    ("long patterns", |size| {
        let long = lots(size / 100, "b");
        below(&format!("FROM a\nENV a={long}\n"), size, "USER ${a//*a*a*a/x}\n")
    }),
];

/// Returns `piece` as often as it fits.
pub(crate) fn lots(size: usize, piece: &str) -> String {
    piece.repeat(size / piece.len())
}

fn below(first: &str, size: usize, piece: &str) -> String {
    first.to_owned() + &lots(size, piece)
}

/// Returns `first` and about `size` bytes of pieces that differ by a number, from 1.
fn numbered(first: &str, size: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = first.to_owned();
    for number in 1.. {
        if text.len() >= first.len() + size {
            break;
        }
        text.push_str(&piece(number));
    }
    text
}

/// The time that this thread has worked, so that a busy machine does not matter: Linux counts it in nanoseconds as the first number
/// of `schedstat` (proc(5)). Elsewhere the time on the wall has to do.
pub(crate) struct Clock {
    wall: Instant,
    worked: Option<u64>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Instant::now(), worked: Self::worked() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        match self.worked.zip(Self::worked()) {
            Some((before, after)) => Duration::from_nanos(after - before),
            None => self.wall.elapsed(),
        }
    }

    fn worked() -> Option<u64> {
        let counters = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        counters.split(' ').next()?.parse().ok()
    }
}
