//! Whether a text can be the name of an image, by the grammar of <https://pkg.go.dev/github.com/distribution/reference>.

/// Returns whether `text` is `[domain/]path[:tag][@digest]`, with the short forms of docker.
pub(super) fn is_valid(text: &str) -> bool {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A colon before the last slash belongs to a port.
    let path_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[path_start..].find(':') {
        Some(colon) => (&rest[..path_start + colon], Some(&rest[path_start + colon + 1..])),
        None => (rest, None),
    };
    let (domain, path) = match name.split_once('/') {
        Some((first, path)) if is_domain(first) => (Some(first), path),
        _ => (None, name),
    };
    domain.is_none_or(domain_is_valid)
        && path.split('/').all(component_is_valid)
        && tag.is_none_or(tag_is_valid)
        && digest.is_none_or(digest_is_valid)
        // 64 hexadecimal digits would be taken for an image's id.
        && !(domain.is_none() && tag.is_none() && is_id(text))
}

/// Docker's rule for what stands before the first slash.
fn is_domain(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first
}

fn domain_is_valid(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let port_is_valid =
        |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_valid = match address {
        Some(address) => {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        }
        None => host.split('.').all(label_is_valid),
    };
    host_is_valid && port.is_none_or(port_is_valid)
}

fn label_is_valid(label: &str) -> bool {
    let bytes = label.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Lower-case letters and digits, with single separators between them: `.`, `_`, `__` or dashes.
fn component_is_valid(component: &str) -> bool {
    let letter = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = component.split(letter).filter(|part| !part.is_empty());
    component.starts_with(letter)
        && component.ends_with(letter)
        && separators
            .into_iter()
            .all(|part| matches!(part, "." | "_" | "__") || part.bytes().all(|byte| byte == b'-'))
}

fn tag_is_valid(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn digest_is_valid(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|first: char| first.is_ascii_alphabetic())
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From distribution/reference's `TestReferenceParse` and `TestParseDockerRef`.
    #[test]
    fn names_are_told_from_what_is_none() {
        let digest = "sha256:".to_owned() + &"f".repeat(64);
        for valid in [
            "debian",
            "debian:12",
            "library/debian",
            "localhost/a",
            "localhost:5000/a/b:1",
            "example.com/a__b/c-d.e:Tag_1.2-x",
            "[2001:db8::1]:5000/a",
            "Upper.example/a",
            &format!("a@{digest}"),
            &format!("a:1@{digest}"),
        ] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in [
            "",
            ":1",
            "a:",
            "a:-x",
            "Debian",
            "a/Debian",
            "a//b",
            "/a",
            "a/",
            "a_-b",
            "a..b",
            "-a",
            "a b",
            "a@",
            "a@sha256:ff",
            "exa mple.com/a",
            "-.com/a",
            "localhost:x/a",
            &"f".repeat(64),
        ] {
            assert!(!is_valid(invalid), "{invalid}");
        }
    }
}
