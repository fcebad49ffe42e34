//! `RUN --mount`.

use crate::error::{Fault, Reason, shortened};
use crate::fields::fields;
use crate::suggestion::nearest;
use crate::{
    Access, BindMount, CacheMount, Escape, Mount, MountKind, SecretMount, Sharing, Span, Spanned,
    SshMount, TmpfsMount, Word,
};

const KINDS: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];

/// Returns the options of a type, aliases left out.
fn known(kind: &str) -> &'static [&'static str] {
    match kind {
        "bind" => &["type", "target", "from", "source", "readonly", "readwrite"],
        "cache" => &[
            "type",
            "target",
            "id",
            "from",
            "source",
            "sharing",
            "mode",
            "uid",
            "gid",
            "readonly",
            "readwrite",
        ],
        "tmpfs" => &["type", "target", "size"],
        "secret" => &["type", "id", "source", "target", "env", "required", "mode", "uid", "gid"],
        _ => &["type", "id", "target", "required", "mode", "uid", "gid"],
    }
}

/// Parses the value of one `--mount`.
pub(super) fn mount(value: &Spanned<String>, escape: Escape) -> Result<Mount, Fault> {
    let mut options = Options::read(value, escape)?;
    let kind = options.kind()?;
    options.only_known(kind)?;
    let mount = match kind {
        "bind" => MountKind::Bind(BindMount {
            target: options.target()?,
            from: options.from()?,
            source: options.word("source")?,
            access: options.access(Access::ReadOnly)?,
        }),
        "cache" => MountKind::Cache(CacheMount {
            target: options.target()?,
            id: options.word("id")?,
            from: options.from()?,
            source: options.word("source")?,
            sharing: options.sharing()?,
            mode: options.word("mode")?,
            uid: options.word("uid")?,
            gid: options.word("gid")?,
            access: options.access(Access::ReadWrite)?,
        }),
        "tmpfs" => {
            MountKind::Tmpfs(TmpfsMount { target: options.target()?, size: options.word("size")? })
        }
        "secret" => MountKind::Secret(options.secret()?),
        _ => MountKind::Ssh(SshMount {
            id: options.word("id")?,
            target: options.word("target")?,
            required: options.required()?,
            mode: options.word("mode")?,
            uid: options.word("uid")?,
            gid: options.word("gid")?,
        }),
    };
    Ok(Mount { kind: mount, span: value.span })
}

/// The `key=value` pairs of a mount that are not yet taken, keys in lower case and without aliases.
struct Options {
    kind: &'static str,
    escape: Escape,
    span: Span,
    pairs: Vec<(String, Option<String>, Span)>,
}

impl Options {
    fn read(value: &Spanned<String>, escape: Escape) -> Result<Self, Fault> {
        let syntax = || {
            let reason = Reason::MountSyntax { value: shortened(value) };
            Fault::new(reason, value.span)
        };
        let mut pairs: Vec<(String, Option<String>, Span)> = Vec::with_capacity(4);
        for (field, start) in fields(value).ok_or_else(syntax)? {
            // Quotes were taken out of the flag: then a place within it is not known any more.
            let exact = value.span.len() == value.value.len();
            let place = Span::new(value.span.start + start, value.span.start + start + field.len());
            let span = if exact { place } else { value.span };
            let (key, setting) = match field.split_once('=') {
                Some((key, setting)) => (key, Some(setting.to_owned())),
                None => (field.as_str(), None),
            };
            let key = canonical(key.to_ascii_lowercase());
            if pairs.iter().any(|(known, ..)| *known == key) {
                return Err(Fault::new(Reason::MountRepeated { key: shortened(&key) }, span));
            }
            if pairs.len() > 20 {
                return Err(syntax());
            }
            pairs.push((key, setting, span));
        }
        Ok(Self { kind: "bind", escape, span: value.span, pairs })
    }

    fn take(&mut self, key: &'static str) -> Option<(Option<String>, Span)> {
        let index = self.pairs.iter().position(|(name, ..)| name == key)?;
        let (_, value, span) = self.pairs.swap_remove(index);
        Some((value, span))
    }

    fn value(&mut self, key: &'static str) -> Result<Option<Spanned<String>>, Fault> {
        match self.take(key) {
            None => Ok(None),
            Some((Some(value), span)) => Ok(Some(Spanned::new(value, span))),
            Some((None, span)) => Err(Fault::new(Reason::MountValue { key: key.to_owned() }, span)),
        }
    }

    fn word(&mut self, key: &'static str) -> Result<Option<Word>, Fault> {
        let escape = self.escape;
        Ok(self.value(key)?.map(|Spanned { value, span }| Word::new(value, escape, span)))
    }

    /// Takes a value that decides what the tree looks like, so that it cannot wait for variables.
    fn literal(&mut self, key: &'static str) -> Result<Option<Spanned<String>>, Fault> {
        let value = self.value(key)?;
        match value {
            Some(Spanned { value, span }) if value.contains('$') => {
                Err(Fault::new(Reason::MountVariable { key }, span))
            }
            other => Ok(other),
        }
    }

    fn kind(&mut self) -> Result<&'static str, Fault> {
        let Some(value) = self.literal("type")? else { return Ok("bind") };
        let known = KINDS.into_iter().find(|kind| value.eq_ignore_ascii_case(kind));
        let expected = "`bind`, `cache`, `tmpfs`, `secret` or `ssh`";
        self.kind = known.ok_or_else(|| invalid("type", &value, expected, &KINDS))?;
        Ok(self.kind)
    }

    fn missing(&self, expected: &'static str) -> Fault {
        Fault::new(Reason::MountMissing { kind: self.kind, expected }, self.span)
    }

    fn target(&mut self) -> Result<Word, Fault> {
        let target = self.word("target")?.filter(|target| !target.raw().is_empty());
        target.ok_or_else(|| self.missing("a target"))
    }

    fn from(&mut self) -> Result<Option<Spanned<String>>, Fault> {
        self.literal("from")
    }

    fn sharing(&mut self) -> Result<Sharing, Fault> {
        let Some(value) = self.literal("sharing")? else { return Ok(Sharing::default()) };
        match value.to_ascii_lowercase().as_str() {
            "shared" => Ok(Sharing::Shared),
            "private" => Ok(Sharing::Private),
            "locked" => Ok(Sharing::Locked),
            _ => {
                let expected = "`shared`, `private` or `locked`";
                Err(invalid("sharing", &value, expected, &["shared", "private", "locked"]))
            }
        }
    }

    fn access(&mut self, default: Access) -> Result<Access, Fault> {
        let read_only = self.switch("readonly")?;
        let read_write = self.switch("readwrite")?;
        Ok(match (read_only, read_write) {
            (Some((true, _)), _) | (_, Some((false, _))) => Access::ReadOnly,
            (Some((false, _)), _) | (_, Some((true, _))) => Access::ReadWrite,
            (None, None) => default,
        })
    }

    fn required(&mut self) -> Result<Option<Span>, Fault> {
        Ok(self.switch("required")?.filter(|&(on, _)| on).map(|(_, span)| span))
    }

    fn switch(&mut self, key: &'static str) -> Result<Option<(bool, Span)>, Fault> {
        match self.take(key) {
            None => Ok(None),
            Some((None, span)) => Ok(Some((true, span))),
            Some((Some(value), span)) => {
                if let Some(on) = boolean(&value) {
                    Ok(Some((on, span)))
                } else {
                    let value = shortened(&value);
                    Err(Fault::new(Reason::NotBoolean { value }, span))
                }
            }
        }
    }

    fn secret(&mut self) -> Result<SecretMount, Fault> {
        let id = self.word("id")?;
        let source = self.word("source")?;
        if let (Some(_), Some(source)) = (&id, &source) {
            let reason = Reason::MountRepeated { key: "id".to_owned() };
            return Err(Fault::new(reason, source.span()));
        }
        let id = id.or(source);
        let target = self.word("target")?;
        let env = self.word("env")?;
        if id.is_none() && target.is_none() {
            return Err(self.missing("an id or a target"));
        }
        Ok(SecretMount {
            id,
            target,
            env,
            required: self.required()?,
            mode: self.word("mode")?,
            uid: self.word("uid")?,
            gid: self.word("gid")?,
        })
    }

    /// Fails when there is an option that this type of mount does not have.
    fn only_known(&self, kind: &'static str) -> Result<(), Fault> {
        let known = known(kind);
        let stranger = self.pairs.iter().find(|(key, ..)| !known.contains(&key.as_str()));
        let Some((key, _, span)) = stranger else { return Ok(()) };
        let suggestion = nearest(key, known.iter().copied()).map(str::to_owned);
        Err(Fault::new(Reason::MountKey { key: shortened(key), kind, suggestion }, *span))
    }
}

fn invalid(
    key: &'static str,
    value: &Spanned<String>,
    expected: &'static str,
    candidates: &[&'static str],
) -> Fault {
    let suggestion = nearest(value, candidates.iter().copied()).map(str::to_owned);
    let reason = Reason::MountInvalid { key, value: shortened(value), expected, suggestion };
    Fault::new(reason, value.span)
}

fn canonical(key: String) -> String {
    let name = match key.as_str() {
        "dst" | "destination" => "target",
        "src" => "source",
        "ro" => "readonly",
        "rw" => "readwrite",
        _ => return key,
    };
    name.to_owned()
}

/// Reads what Go's `strconv.ParseBool` reads.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
