//! Slow and plain models of what the crate does fast: for patterns, the regular expressions that moby and Go make of them,
//! matched by trying everything.

/// A step of a pattern.
enum Step {
    Literal(char),
    /// Anything but a slash.
    Any,
    /// Any number of anything but slashes.
    Star,
    Class(bool, Vec<(char, char)>),
    /// `.*`
    Everything,
    /// `(.*/)?`
    Directories,
}

/// How moby's `Pattern.compile` decides to match.
enum Way {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Steps(Vec<Step>),
}

/// Returns whether moby/patternmatcher excludes `path`; nothing when a pattern is malformed.
pub(crate) fn excludes(file: &str, path: &str) -> Option<bool> {
    let mut excluded = false;
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    for line in file.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let pattern = clean(relative(line.trim()).trim());
        let (include, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, &*pattern),
        };
        if pattern.is_empty() {
            return None;
        }
        let way = compile(pattern)?;
        let elements: Vec<&str> = path.split('/').collect();
        let parents = (1..=elements.len()).map(|length| elements[..length].join("/"));
        if parents.into_iter().any(|parent| matches(&way, &parent)) {
            excluded = !include;
        }
    }
    Some(excluded)
}

/// The first half of how moby reads a line, `ignorefile.ReadAll`.
fn relative(line: &str) -> String {
    let (mark, rest) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest.trim()));
    if rest.is_empty() {
        return mark.to_owned();
    }
    let cleaned = clean(rest);
    match cleaned.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => format!("{mark}{rest}"),
        _ => format!("{mark}{cleaned}"),
    }
}

/// Go's `filepath.Clean`.
fn clean(pattern: &str) -> String {
    let rooted = pattern.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in pattern.split('/').filter(|element| !matches!(*element, "" | ".")) {
        match (element, kept.last().copied()) {
            ("..", Some(last)) if last != ".." => drop(kept.pop()),
            ("..", _) if rooted => {}
            _ => kept.push(element),
        }
    }
    match (kept.is_empty(), rooted) {
        (_, true) => format!("/{}", kept.join("/")),
        (true, false) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

fn compile(pattern: &str) -> Option<Way> {
    // The syntax is that of `filepath.Match`, in which two stars are one.
    glob_steps(pattern)?;
    let mut steps = Vec::new();
    let (mut way, mut first) = ("exact", true);
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                if rest.peek().is_none() {
                    way = if way == "exact" { "prefix" } else { "steps" };
                    steps.push(Step::Everything);
                } else {
                    way = "steps";
                    steps.push(Step::Directories);
                }
                if first {
                    way = "suffix";
                }
            }
            '*' | '?' => {
                way = "steps";
                steps.push(if character == '*' { Step::Star } else { Step::Any });
            }
            '\\' => {
                way = "steps";
                steps.push(Step::Literal(rest.next()?));
            }
            '[' => {
                way = "steps";
                steps.push(class(&mut rest)?);
            }
            ']' => {
                way = "steps";
                steps.push(Step::Literal(']'));
            }
            other => steps.push(Step::Literal(other)),
        }
        first = false;
    }
    Some(match way {
        "exact" => Way::Exact(pattern.to_owned()),
        "prefix" => Way::Prefix(pattern[..pattern.len() - 2].to_owned()),
        "suffix" => Way::Suffix(pattern[2..].to_owned()),
        _ => Way::Steps(steps),
    })
}

fn matches(way: &Way, path: &str) -> bool {
    match way {
        Way::Exact(exact) => path == exact,
        Way::Prefix(prefix) => path.starts_with(prefix),
        Way::Suffix(suffix) => {
            path.ends_with(suffix) || suffix.strip_prefix('/').is_some_and(|rest| rest == path)
        }
        Way::Steps(steps) => walk(steps, &path.chars().collect::<Vec<_>>()),
    }
}

/// Returns whether Go's `filepath.Match` matches; nothing when the pattern is malformed.
pub(crate) fn glob(pattern: &str, path: &str) -> Option<bool> {
    Some(walk(&glob_steps(pattern)?, &path.chars().collect::<Vec<_>>()))
}

fn glob_steps(pattern: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        steps.push(match character {
            '*' => Step::Star,
            '?' => Step::Any,
            '\\' => Step::Literal(rest.next()?),
            '[' => class(&mut rest)?,
            other => Step::Literal(other),
        });
    }
    Some(steps)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Step> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
        let mut bound = || match rest.next()? {
            '-' | ']' => None,
            '\\' => rest.next(),
            other => Some(other),
        };
        let low = bound()?;
        let high = if rest.next_if_eq(&'-').is_some() {
            match rest.next()? {
                '-' | ']' => return None,
                '\\' => rest.next()?,
                other => other,
            }
        } else {
            low
        };
        ranges.push((low, high));
    }
    Some(Step::Class(negated, ranges))
}

/// Tries everything.
fn walk(steps: &[Step], text: &[char]) -> bool {
    let Some((step, later)) = steps.split_first() else { return text.is_empty() };
    let one = |fits: &dyn Fn(char) -> bool| {
        text.split_first().is_some_and(|(&first, rest)| fits(first) && walk(later, rest))
    };
    match step {
        Step::Literal(literal) => one(&|character| character == *literal),
        Step::Any => one(&|character| character != '/'),
        Step::Class(negated, ranges) => one(&|character| {
            ranges.iter().any(|&(low, high)| (low..=high).contains(&character)) != *negated
        }),
        Step::Star => (0..=text.len())
            .take_while(|&length| !text[..length].contains(&'/'))
            .any(|length| walk(later, &text[length..])),
        Step::Everything => (0..=text.len()).any(|length| walk(later, &text[length..])),
        Step::Directories => {
            let after = |&index: &usize| index == 0 || text[index - 1] == '/';
            (0..=text.len()).filter(after).any(|index| walk(later, &text[index..]))
        }
    }
}
