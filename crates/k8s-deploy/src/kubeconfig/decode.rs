//! What the value of `KUBECONFIG` is.

use std::path::{Path, PathBuf};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Error, Form};

/// What the value turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// A kubeconfig.
    Text(String, Form),
    /// Paths of kubeconfigs.
    Paths(Vec<PathBuf>),
}

/// Recognises the form of `value`. Whether a path exists decides between a short file name and base64.
pub(super) fn decode(value: &str, exists: impl Fn(&Path) -> bool) -> Result<Decoded, Error> {
    let value = unquoted(value.trim_start_matches('\u{feff}').trim());
    if value.is_empty() {
        return Err(Error::Empty);
    }
    if is_kubeconfig(value) {
        return Ok(Decoded::Text(value.into(), Form::Text));
    }
    if value.starts_with('$') {
        return Err(Error::Unexpanded);
    }
    let paths: Vec<PathBuf> =
        value.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    let is_one_line = !value.contains('\n');
    if is_one_line && paths.iter().any(|path| exists(path)) {
        return Ok(Decoded::Paths(paths));
    }
    // A path cannot be told from base64 by its letters alone (`/etc/kube/config` is both): try.
    match from_base64(value)
        .map(|text| from_base64(&text).filter(|t| is_kubeconfig(t)).unwrap_or(text))
    {
        Some(text) if is_kubeconfig(&text) => Ok(Decoded::Text(text, Form::Base64)),
        Some(text) if looks_like_path(text.trim()) => Err(Error::Base64OfPath),
        _ if is_one_line && looks_like_path(value) => Ok(Decoded::Paths(paths)),
        _ => Err(Error::Unrecognized),
    }
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
        .trim()
}

/// Tells whether the text is meant as a kubeconfig, well-formed or not: its errors are then reported by line.
fn is_kubeconfig(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.trim_start().starts_with('{')
        || ["apiVersion", "clusters", "contexts", "users", "current-context", "kind"].iter().any(
            |key| {
                text.lines().any(|line| {
                    line.starts_with(key) && line[key.len()..].trim_start().starts_with(':')
                })
            },
        )
}

fn looks_like_path(text: &str) -> bool {
    let is_printable = text.chars().all(|letter| !letter.is_control());
    let extension = Path::new(text).extension();
    let is_yaml = extension.is_some_and(|extension| extension == "yaml" || extension == "yml");
    is_printable
        && text.len() < 4096
        && (text.starts_with(['/', '.', '~']) || text.ends_with("config") || is_yaml)
}

/// Decodes either alphabet, wrapped or not, padded or not.
fn from_base64(text: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let compact: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let alphabet = if compact.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = GeneralPurpose::new(alphabet, config).decode(compact).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    // `~~~` and `???` give `+`, `/`, `-` and `_` in the two alphabets.
    const YAML: &str = "apiVersion: v1\nkind: Config\nclusters: []\nusers: [{name: ~~~???}]\n";

    fn nothing_exists(_: &Path) -> bool {
        false
    }

    #[test]
    fn every_form_of_the_text_is_recognised() {
        let one_line = BASE64_STANDARD.encode(YAML);
        let wrap = |separator: &str| {
            let chunks: Vec<_> =
                one_line.as_bytes().chunks(20).map(|c| String::from_utf8_lossy(c)).collect();
            chunks.join(separator)
        };
        for (value, form) in [
            (YAML.to_owned(), Form::Text),
            ("{\"apiVersion\": \"v1\"}".to_owned(), Form::Text),
            (format!("\u{feff}{YAML}"), Form::Text),
            (format!("\"{YAML}\""), Form::Text),
            (one_line.clone(), Form::Base64),
            (format!("{one_line}\n"), Form::Base64),
            (format!("'{one_line}'"), Form::Base64),
            (wrap("\n"), Form::Base64),
            (wrap("\r\n"), Form::Base64),
            (one_line.trim_end_matches('=').to_owned(), Form::Base64),
            (BASE64_URL_SAFE_NO_PAD.encode(YAML), Form::Base64),
            (BASE64_STANDARD.encode(&one_line), Form::Base64),
            (BASE64_STANDARD.encode("{\"kind\": \"Config\"}"), Form::Base64),
        ] {
            match decode(&value, nothing_exists) {
                Ok(Decoded::Text(text, found)) => {
                    assert_eq!(found, form, "{value}");
                    assert!(is_kubeconfig(&text), "{value}");
                }
                other => panic!("{value}: {other:?}"),
            }
        }
    }

    #[test]
    fn paths_are_told_from_text() {
        let paths = |value: &str| decode(value, |path| path == Path::new("config")).unwrap();
        assert_eq!(
            paths("/builds/x.tmp/KUBECONFIG:config"),
            Decoded::Paths(vec!["/builds/x.tmp/KUBECONFIG".into(), "config".into()])
        );
        assert_eq!(paths("config"), Decoded::Paths(vec!["config".into()]));
        assert_eq!(paths("/etc/kube/config"), Decoded::Paths(vec!["/etc/kube/config".into()]));
    }

    #[test]
    fn mistakes_are_named() {
        for (value, message) in [
            ("  \n", "`KUBECONFIG` is empty"),
            ("$KUBECONFIG", "`KUBECONFIG` holds the text of a variable that was not expanded"),
            (
                &BASE64_STANDARD.encode("/root/.kube/config\n"),
                "`KUBECONFIG` is base64 of a path, not of a kubeconfig",
            ),
            ("hello world", "`KUBECONFIG` is neither a path, nor YAML, nor base64 of it"),
            ("aGVsbG8=", "`KUBECONFIG` is neither a path, nor YAML, nor base64 of it"),
        ] {
            assert_eq!(decode(value, nothing_exists).unwrap_err().to_string(), message);
        }
    }
}
