//! Two texts as unified lines, as `diff -u` writes them.

use std::fmt::Write as _;

/// How many lines are shown around a change.
const CONTEXT: usize = 3;

/// What more than this many pairs of lines would cost is not searched for what they share: all is shown as replaced.
const PAIRS: usize = 16_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Line<'a> {
    Same(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// Returns the hunks in which `after` differs from `before`; nothing where they are equal.
pub(super) fn unified(before: &str, after: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let lines = align(&before, &after);
    let changed = (0..lines.len()).filter(|at| !matches!(lines[*at], Line::Same(_)));
    let mut text = String::new();
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for at in changed {
        let (start, end) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines.len()));
        match hunks.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => hunks.push((start, end)),
        }
    }
    for (start, end) in hunks {
        write_hunk(&mut text, &lines, start, end);
    }
    text
}

fn write_hunk(text: &mut String, lines: &[Line<'_>], start: usize, end: usize) {
    let count = |lines: &[Line<'_>], skipped: fn(&Line<'_>) -> bool| {
        lines.iter().filter(|line| !skipped(line)).count()
    };
    let is_added: fn(&Line<'_>) -> bool = |line| matches!(line, Line::Added(_));
    let is_removed: fn(&Line<'_>) -> bool = |line| matches!(line, Line::Removed(_));
    let range = |skipped| {
        let (first, length) = (count(&lines[..start], skipped), count(&lines[start..end], skipped));
        // A range without lines is called by the line before it (POSIX, "Diff -u output format").
        format!("{},{length}", if length == 0 { first } else { first + 1 })
    };
    // Writing into a String does not fail.
    let _ = writeln!(text, "@@ -{} +{} @@", range(is_added), range(is_removed));
    for line in &lines[start..end] {
        let (sign, words) = match line {
            Line::Same(words) => (' ', words),
            Line::Removed(words) => ('-', words),
            Line::Added(words) => ('+', words),
        };
        text.push(sign);
        text.push_str(words);
        text.push('\n');
    }
}

/// Finds the longest common subsequence, between the common begin and the common end.
fn align<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let begin = before.iter().zip(after).take_while(|(left, right)| left == right).count();
    let rest = before.len().min(after.len()) - begin;
    let ends = before.iter().rev().zip(after.iter().rev()).take(rest);
    let end = ends.take_while(|(left, right)| left == right).count();
    let mut lines: Vec<Line<'a>> = before[..begin].iter().map(|line| Line::Same(line)).collect();
    lines.extend(middle(&before[begin..before.len() - end], &after[begin..after.len() - end]));
    lines.extend(before[before.len() - end..].iter().map(|line| Line::Same(line)));
    lines
}

fn middle<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    let removed = before.iter().map(|line| Line::Removed(line));
    let added = after.iter().map(|line| Line::Added(line));
    if before.len().saturating_mul(after.len()) > PAIRS {
        return removed.chain(added).collect();
    }
    // How many lines the rests from here on share.
    let width = after.len() + 1;
    let mut shared = vec![0_u32; (before.len() + 1) * width];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            shared[i * width + j] = if before[i] == after[j] {
                shared[(i + 1) * width + j + 1] + 1
            } else {
                shared[(i + 1) * width + j].max(shared[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < before.len() && j < after.len() {
        if before[i] == after[j] {
            lines.push(Line::Same(before[i]));
            (i, j) = (i + 1, j + 1);
        } else if shared[(i + 1) * width + j] >= shared[i * width + j + 1] {
            lines.push(Line::Removed(before[i]));
            i += 1;
        } else {
            lines.push(Line::Added(after[j]));
            j += 1;
        }
    }
    lines.extend(before[i..].iter().map(|line| Line::Removed(line)));
    lines.extend(after[j..].iter().map(|line| Line::Added(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_between_three_lines_of_what_stays() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n";
        let after = "a\nb\nc\nd\nE\nf\ng\nh\ni\nj\nk\nnew\nl\n";
        assert_eq!(unified(before, before), "");
        insta::assert_snapshot!(unified(before, after), @r"
        @@ -2,11 +2,12 @@
         b
         c
         d
        -e
        +E
         f
         g
         h
         i
         j
         k
        +new
         l
        ");
        insta::assert_snapshot!(unified("", "a\nb\n"), @r"
        @@ -0,0 +1,2 @@
        +a
        +b
        ");
    }

    /// What the lines say, with what was removed or with what was added, is each of the two texts again.
    #[test]
    fn both_texts_can_be_read_from_the_lines() {
        let words = ["a", "b", "c"];
        let mut state = 7_u64;
        for _ in 0..200 {
            let mut text = || {
                let mut lines = Vec::new();
                for _ in 0..12 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    lines.push(words[usize::try_from(state >> 62).unwrap() % 3]);
                }
                lines
            };
            let (before, after) = (text(), text());
            let lines = align(&before, &after);
            let read = |skip: fn(&Line<'_>) -> bool| -> Vec<&str> {
                let kept = lines.iter().filter(|line| !skip(line));
                kept.map(|(Line::Same(l) | Line::Removed(l) | Line::Added(l))| *l).collect()
            };
            assert_eq!(read(|line| matches!(line, Line::Added(_))), before);
            assert_eq!(read(|line| matches!(line, Line::Removed(_))), after);
        }
    }
}
