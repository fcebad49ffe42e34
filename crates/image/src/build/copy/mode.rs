//! `--chmod`: octal, or symbolic as in chmod(1).

/// A mode to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Exactly these bits.
    Octal(u32),
    /// Changes to the bits that are there.
    Symbolic(Vec<Clause>),
}

/// `go+rX`: whom, how, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The bits of those who are named.
    who: u32,
    operator: Operator,
    /// Bits as they would be for everybody.
    permissions: u32,
    execute: Execute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

/// Whether `X` is among the permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Execute {
    AsWritten,
    WhereSensible,
}

impl Mode {
    /// Parses `0755`, `u=rwX,go=rX` and the like; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(bits) = notes_dockerfile::parse_mode(text) {
            return Some(Self::Octal(bits));
        }
        text.split(',').map(Clause::parse).collect::<Option<_>>().map(Self::Symbolic)
    }

    /// Returns what `mode` becomes.
    pub(crate) fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Octal(bits) => *bits,
            Self::Symbolic(clauses) => {
                clauses.iter().fold(mode, |mode, clause| clause.apply(mode, is_directory))
            }
        }
    }
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let at = text.find(['+', '-', '='])?;
        let (names, rest) = text.split_at(at);
        let who = names.chars().try_fold(0, |who, name| {
            Some(
                who | match name {
                    'u' => 0o4700,
                    'g' => 0o2070,
                    'o' => 0o1007,
                    'a' => 0o7777,
                    _ => return None,
                },
            )
        })?;
        let operator = match rest.as_bytes()[0] {
            b'+' => Operator::Add,
            b'-' => Operator::Remove,
            _ => Operator::Set,
        };
        let mut execute = Execute::AsWritten;
        let permissions = rest[1..].chars().try_fold(0, |bits, name| {
            Some(
                bits | match name {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    's' => 0o6000,
                    't' => 0o1000,
                    'X' => {
                        execute = Execute::WhereSensible;
                        0
                    }
                    _ => return None,
                },
            )
        })?;
        let who = if names.is_empty() { 0o7777 } else { who };
        Some(Self { who, operator, permissions, execute })
    }

    fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        let executable = is_directory || mode & 0o111 != 0;
        let execute = match self.execute {
            Execute::WhereSensible if executable => 0o111,
            _ => 0,
        };
        let bits = (self.permissions | execute) & self.who;
        match self.operator {
            Operator::Add => mode | bits,
            Operator::Remove => mode & !bits,
            Operator::Set => (mode & !(self.who & 0o777)) | bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_chmod_reads_them() {
        for (text, before, is_directory, after) in [
            ("0755", 0o644, false, 0o755),
            ("4755", 0o644, false, 0o4755),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o600, true, 0o755),
            ("+x", 0o644, false, 0o755),
            ("go-rwx", 0o755, false, 0o700),
            ("u+s", 0o755, false, 0o4755),
            ("a=r", 0o755, false, 0o444),
        ] {
            let mode = Mode::parse(text).unwrap();
            assert_eq!(mode.apply(before, is_directory), after, "{text} on {before:o}");
        }
        for text in ["", "rwx", "99999", "8", "u=q", "z+x"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
