//! What a name of a repository on a server stands for.

use gix::{
    bstr::{BString, ByteSlice},
    progress::Discard,
    protocol::{LsRefsCommand, handshake::Ref, ls_refs::RefPrefixes},
};

use super::{Upstream, UpstreamError, connection::Connection, fetch};
use crate::Id;

/// What servers call a repository's own idea of where it stands.
const HEAD: &str = "HEAD";

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The commit.
    pub commit: Id,
    /// The tag object on the way to it, where the name is an annotated tag.
    pub tag: Option<Id>,
    /// The whole name, such as `refs/heads/main`; `None` where a default has none.
    pub reference: Option<String>,
}

impl Upstream {
    /// Returns what `name` stands for now, or the default branch: a branch before a tag, or what follows `refs/`. `None`
    /// where there is nothing of that name. No object is fetched.
    pub fn resolve(&self, name: Option<&str>) -> Result<Option<Tip>, UpstreamError> {
        let task = "list the branches and tags of";
        let mut connection = self.connect(task)?;
        // Servers before version 2 of the protocol say all of them in their greeting.
        let greeting = connection.handshake.refs.take();
        let refs = greeting.map_or_else(|| connection.list(name), Ok);
        let refs = refs.map_err(|error| connection.failed(self, task, error))?;
        Ok(choose(name, &refs))
    }
}

impl Connection {
    /// Asks for the branches and tags that `name` may be.
    fn list(&mut self, name: Option<&str>) -> gix::Result<Vec<Ref>> {
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(candidates(name).into_iter().map(BString::from));
        LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, fetch::agent())
            .invoke_blocking(&mut self.transport.inner, &mut Discard, false)
    }
}

/// Returns the whole names that `name` may be short for, the best first (moby/buildkit, `source/git/source.go`).
fn candidates(name: Option<&str>) -> Vec<String> {
    let Some(name) = name else { return vec![HEAD.into()] };
    let below =
        |directory: &str| format!("{directory}{}", name.strip_prefix(directory).unwrap_or(name));
    ["refs/", "refs/heads/", "refs/tags/"].map(below).into()
}

fn choose(name: Option<&str>, refs: &[Ref]) -> Option<Tip> {
    candidates(name).iter().find_map(|candidate| refs.iter().find_map(|it| tip(candidate, it)))
}

/// Returns what `reference` stands for, if `wanted` is its name.
fn tip(wanted: &str, reference: &Ref) -> Option<Tip> {
    let (name, commit, tag, reference) = match reference {
        Ref::Peeled { full_ref_name, tag, object } => {
            (full_ref_name, object, Some(*tag), full_ref_name)
        }
        Ref::Direct { full_ref_name, object } => (full_ref_name, object, None, full_ref_name),
        Ref::Symbolic { full_ref_name, target, tag, object } => {
            (full_ref_name, object, *tag, target)
        }
        Ref::Unborn { .. } => return None,
    };
    let reference = reference.to_str().ok().filter(|reference| is_safe(reference));
    let tip = Tip { commit: Id(*commit), tag: tag.map(Id), reference: reference.map(Into::into) };
    (name == wanted).then_some(tip)
}

/// Tells whether a server's name of a branch or tag can be the name of a file.
fn is_safe(reference: &str) -> bool {
    reference.starts_with("refs/") && gix::refs::FullName::try_from(reference).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> gix::ObjectId {
        gix::ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn direct(name: &str, digit: char) -> Ref {
        Ref::Direct { full_ref_name: name.into(), object: id(digit) }
    }

    #[test]
    fn a_branch_is_meant_before_a_tag() {
        let refs = [
            direct("refs/tags/x", '1'),
            direct("refs/heads/x", '2'),
            direct("refs/heads/feature/x", '3'),
            Ref::Peeled { full_ref_name: "refs/tags/v1".into(), tag: id('4'), object: id('5') },
        ];
        let found =
            |name| choose(Some(name), &refs).map(|tip| tip.commit.to_string()[..1].to_owned());
        for (name, digit) in [
            ("x", "2"),
            ("tags/x", "1"),
            ("refs/tags/x", "1"),
            ("refs/heads/x", "2"),
            ("feature/x", "3"),
            ("v1", "5"),
        ] {
            assert_eq!(found(name).as_deref(), Some(digit), "{name}");
        }
        assert_eq!(found("2222222"), None);
        assert_eq!(choose(Some("v1"), &refs).unwrap().tag, Some(Id(id('4'))));
    }

    #[test]
    fn the_default_is_what_the_server_calls_head() {
        let head = |target: &str| Ref::Symbolic {
            full_ref_name: "HEAD".into(),
            target: target.into(),
            tag: None,
            object: id('1'),
        };
        let reference = |target| choose(None, &[head(target)]).unwrap().reference;
        assert_eq!(reference("refs/heads/main").as_deref(), Some("refs/heads/main"));
        assert_eq!(reference("refs/heads/../../config"), None);
        let unborn = Ref::Unborn { full_ref_name: "HEAD".into(), target: "refs/heads/main".into() };
        assert_eq!(choose(None, &[unborn]), None);
    }
}
