//! Files behind URLs: what they are called, and where they lie once they are downloaded.

use std::{fs, path::PathBuf, sync::Arc};

use notes_oci::Digest;

use super::{Archives, Error, select::Selected};
use crate::{
    context::Listing,
    store::Store,
    tree::{Entry, Kind, Tree},
};

/// A file behind a URL whose content is known by its digest.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) url: String,
    /// The last part of the URL's path.
    pub(crate) name: Option<String>,
    pub(crate) digest: Digest,
    /// What the server says; `None` where the content is pinned, so that a server that says something else one day does not
    /// change the image.
    pub(crate) modified: Option<i64>,
    pub(crate) archives: Archives,
}

impl Remote {
    /// Returns what of it decides about a layer.
    pub(super) fn key(&self) -> String {
        let Self { url: _, name, digest, modified, archives } = self;
        format!("{name:?} {digest} {modified:?} {archives:?}")
    }

    /// Returns the downloaded file as a tree of one entry, mode 0600 (docker's reference, "Adding files from a URL").
    pub(super) fn tree(&self, store: &Store) -> Result<(Arc<dyn Tree>, Selected), Error> {
        let blob = store.blob_path(&self.digest);
        let path = PathBuf::from(self.name.as_deref().unwrap_or("download"));
        let size =
            fs::metadata(&blob).map_err(|source| Error::Read { path: blob.clone(), source })?.len();
        let entry = Entry {
            modified: self.modified,
            content: Some(self.digest.to_string()),
            ..Entry::new(Kind::File(size), 0o600)
        };
        let open = move |_: &std::path::Path| Ok(Box::new(fs::File::open(&blob)?) as Box<_>);
        let tree = Listing::new([(path.clone(), entry.clone())], open);
        let selected = Selected { path: path.clone(), name: path, entry, within: PathBuf::new() };
        Ok((Arc::new(tree), selected))
    }
}

/// What a source of `ADD` or `COPY` is by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A path of the context.
    Path,
    /// A file behind `http://` or `https://`.
    Url,
    /// A git repository: with another scheme, or with a path that ends in `.git`.
    Repository,
}

impl Form {
    /// Tells what `source` is (moby/buildkit, `util/gitutil/git_url.go`).
    pub(crate) fn of(source: &str) -> Self {
        let scheme = source.split_once("://").map(|(scheme, _)| scheme);
        match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("git" | "ssh") => Self::Repository,
            Some("http" | "https") if path(source).strip_suffix(".git").is_some() => {
                Self::Repository
            }
            // A file is downloaded from an address in lower case alone.
            Some("http" | "https") if scheme.is_some_and(|it| it.starts_with('h')) => Self::Url,
            _ if is_short(source) => Self::Repository,
            _ => Self::Path,
        }
    }
}

/// Tells whether `source` is `user@host:path`, git's short form of SSH.
fn is_short(source: &str) -> bool {
    let user = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let Some((before, rest)) = source.split_once('@') else { return false };
    let Some((name, _)) = rest.split_once(':') else { return false };
    !before.is_empty() && before.bytes().all(user) && !name.is_empty() && name.bytes().all(host)
}

/// Returns a URL as people may see it: without the name and the password in it.
pub(crate) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.into(),
    }
}

/// Returns the path of a URL: what stands between the host and `?` or `#`.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or("");
    rest.find('/').map_or("", |at| &rest[at..])
}

/// Returns the name that a file behind `url` has: the last part of the path, its escapes resolved.
pub(crate) fn name(url: &str) -> Option<String> {
    let last = path(url).trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let name = unescaped(last)?;
    let name = name.rsplit('/').next().unwrap_or("");
    (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

/// Resolves `%20` and the like; `None` where that is no text.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high)
                    .zip(digit(low))
                    .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart_by_their_form() {
        for (source, form) in [
            ("https://example.com/a.tar.gz", Form::Url),
            ("http://example.com", Form::Url),
            ("https://example.com/x/y.git", Form::Repository),
            ("https://example.com/x/y.git#main:sub", Form::Repository),
            ("https://example.com/x/y.git?ref=main", Form::Repository),
            ("https://example.com/x/y?file=z.git", Form::Url),
            ("git@example.com:x/y.git", Form::Repository),
            ("ssh://git@example.com/x", Form::Repository),
            ("HTTPS://example.com/x/y.git", Form::Repository),
            ("deploy@example.com:x", Form::Repository),
            ("git://example.com/x", Form::Repository),
            ("file:///srv/y.git", Form::Path),
            ("dir/a@b:c", Form::Path),
            ("github.com/x/y.git", Form::Path),
            ("a.git", Form::Path),
        ] {
            assert_eq!(Form::of(source), form, "{source}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("https://user:p@ss@host/a@b"), "https://host/a@b");
        assert_eq!(shown("https://host/a@b"), "https://host/a@b");
        assert_eq!(shown("git@host:a"), "git@host:a");
    }

    #[test]
    fn a_file_is_named_by_its_path() {
        for (url, expected) in [
            ("https://example.com/a/b%20c.txt?token=x/y#z", Some("b c.txt")),
            ("https://example.com/a/", Some("a")),
            ("https://example.com/", None),
            ("https://example.com", None),
            ("https://example.com/%2e%2e", None),
            ("https://example.com/a%2fb", Some("b")),
            ("https://example.com/100%", Some("100%")),
        ] {
            assert_eq!(name(url).as_deref(), expected, "{url}");
        }
    }
}
