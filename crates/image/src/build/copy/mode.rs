//! `--chmod`: octal, or symbolic as in chmod(1).

/// A mode to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Exactly these bits.
    Octal(u32),
    /// Changes to the bits that are there, one after the other.
    Symbolic(Vec<Change>),
}

/// One of the changes of `go+rX-w`: whom, how, what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The bits of those who are named.
    who: u32,
    operator: Operator,
    permissions: Permissions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Permissions {
    /// Bits as they would be for everybody.
    Bits(u32, Execute),
    /// What the user (6), the group (3) or the others (0) have: so far their bits are shifted.
    Of(u32),
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
        let clauses = text.split(',').map(clause).collect::<Option<Vec<_>>>()?;
        Some(Self::Symbolic(clauses.concat()))
    }

    /// Returns what `mode` becomes.
    pub(crate) fn apply(&self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Octal(bits) => *bits,
            Self::Symbolic(changes) => {
                changes.iter().fold(mode, |mode, change| change.apply(mode, is_directory))
            }
        }
    }
}

/// Parses `ug+r-w`: who, and one change or more.
fn clause(text: &str) -> Option<Vec<Change>> {
    let (names, mut rest) = text.split_at(text.find(OPERATORS)?);
    let who = if names.is_empty() { 0o7777 } else { who(names)? };
    let mut changes = Vec::new();
    while let Some(operator) = rest.chars().next() {
        let end = rest[1..].find(OPERATORS).map_or(rest.len(), |at| at + 1);
        let operator = match operator {
            '+' => Operator::Add,
            '-' => Operator::Remove,
            _ => Operator::Set,
        };
        changes.push(Change { who, operator, permissions: Permissions::parse(&rest[1..end])? });
        rest = &rest[end..];
    }
    Some(changes)
}

const OPERATORS: [char; 3] = ['+', '-', '='];

fn who(names: &str) -> Option<u32> {
    names.chars().try_fold(0, |who, name| {
        Some(
            who | match name {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            },
        )
    })
}

impl Permissions {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "u" => return Some(Self::Of(6)),
            "g" => return Some(Self::Of(3)),
            "o" => return Some(Self::Of(0)),
            _ => {}
        }
        let mut execute = Execute::AsWritten;
        let bits = text.chars().try_fold(0, |bits, name| {
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
        Some(Self::Bits(bits, execute))
    }

    /// Returns the bits as they would be for everybody.
    fn bits(self, mode: u32, is_directory: bool) -> u32 {
        match self {
            Self::Of(shift) => ((mode >> shift) & 0o7) * 0o111,
            Self::Bits(bits, Execute::WhereSensible) if is_directory || mode & 0o111 != 0 => {
                bits | 0o111
            }
            Self::Bits(bits, _) => bits,
        }
    }
}

impl Change {
    fn apply(self, mode: u32, is_directory: bool) -> u32 {
        let bits = self.permissions.bits(mode, is_directory) & self.who;
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
            ("g=u", 0o640, false, 0o660),
            ("go=u,o-w", 0o750, true, 0o775),
            ("u+x-w", 0o644, false, 0o544),
            ("o=", 0o755, false, 0o750),
        ] {
            let mode = Mode::parse(text).unwrap();
            assert_eq!(mode.apply(before, is_directory), after, "{text} on {before:o}");
        }
        for text in ["", "rwx", "99999", "8", "u=q", "z+x", "u=ug", "u"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
