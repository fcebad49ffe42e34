//! `docs/dockerfile-differences.md`: the list of differences, for people.

use std::fmt::Write as _;

use super::known::{Known, List};

/// Where it is, below the root of the workspace.
pub(crate) const PAGE: &str = "docs/dockerfile-differences.md";

const HEAD: &str = "\
# Where notes-build differs from other builders

`cargo xtask compare dockerfile` builds each fixture of `tests/fixtures/dockerfiles` and `crates/image/tests/fixtures` with notes-build,
with BuildKit (in Debian's docker) and with buildah, and compares the files and the config of the images. What differs is listed here with
its reason. A difference that is not listed fails the comparison; so does one that is listed and not seen any more.

This page is written by `cargo xtask compare dockerfile --docs` from `tests/fixtures/dockerfile-differences.toml`. Not compared are times,
histories, and how files are spread over layers.
";

/// Returns the page.
pub(crate) fn page(list: &List) -> String {
    let mut page = HEAD.to_owned();
    for (heading, from_buildkit) in [("From BuildKit", true), ("From buildah alone", false)] {
        let _ = write!(page, "\n## {heading}\n");
        let of_heading = |known: &&Known| known.is_from_buildkit() == from_buildkit;
        let mut known = list.known().iter().filter(of_heading).peekable();
        if known.peek().is_none() {
            page.push_str("\nNone.\n");
        }
        for known in known {
            let _ = write!(
                page,
                "\n### {}\n\n{}\n\n{}\n",
                known.title,
                known.reason.trim(),
                seen(known)
            );
        }
    }
    page
}

/// Says where a difference shows.
fn seen(known: &Known) -> String {
    let builders: Vec<_> = known.builders.iter().map(ToString::to_string).collect();
    let fixtures: Vec<_> = known
        .cases
        .keys()
        .map(|name| match name.as_str() {
            "*" => "every fixture".to_owned(),
            name => format!("`{name}`"),
        })
        .collect();
    format!("Differs from: {}. Seen in: {}.", builders.join(", "), fixtures.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn the_page_says_what_the_list_says() {
        let list = List::read(workspace::root()).unwrap();
        let written = std::fs::read_to_string(workspace::root().join(PAGE)).unwrap();
        assert!(written == page(&list), "run `cargo xtask compare dockerfile --docs`");
    }
}
