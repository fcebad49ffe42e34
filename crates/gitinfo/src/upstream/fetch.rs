//! The objects of one commit, fetched into a git directory of their own.

use std::{fs, io::BufRead, num::NonZeroU32, path::Path, sync::atomic::AtomicBool};

use gix::{
    DynNestedProgress,
    odb::pack::{Bundle, bundle::write::Options as WriteOptions},
    progress::Discard,
    protocol::{
        command::Feature,
        fetch::{
            Arguments, Context, Negotiate, Options, Response, Shallow, Tags,
            negotiate::{Action, Round, one_round},
        },
    },
};

use super::{AGENT, Upstream, UpstreamError};
use crate::{Id, Repository, skeleton};

/// Returns how this program calls itself in front of a server.
pub(super) fn agent() -> Feature {
    ("agent", Some(AGENT.into()))
}

impl Upstream {
    /// Fetches `object`, a commit or a tag of one, with its files and without its history, into the empty directory `into`,
    /// and returns the repository that this is. It ends with an error soon after `stop` is set.
    pub fn fetch(
        &self,
        object: Id,
        into: &Path,
        stop: &AtomicBool,
    ) -> Result<Repository, UpstreamError> {
        let task = "fetch a commit of";
        skeleton::write(into, object, None)
            .map_err(|(path, source)| UpstreamError::Write { path, source })?;
        let mut connection = self.connect(task)?;
        let packs = into.join("objects/pack");
        let receive =
            |pack: &mut dyn BufRead, progress: &mut dyn DynNestedProgress, stop: &AtomicBool| {
                receive(pack, &packs, object, progress, stop).map(|()| true)
            };
        let shallow = Shallow::DepthAtRemote(NonZeroU32::MIN);
        let options = Options {
            shallow_file: into.join("shallow"),
            shallow: &shallow,
            tags: Tags::None,
            reject_shallow_remote: false,
        };
        let context = Context {
            handshake: &mut connection.handshake,
            transport: &mut connection.transport.inner,
            user_agent: agent(),
            trace_packetlines: false,
        };
        gix::protocol::fetch(&mut One(object), receive, Discard, stop, context, options).map_err(
            |error| {
                if is_refused(&error) {
                    return UpstreamError::NoCommit { address: self.address(), id: object };
                }
                connection.failed(self, task, error)
            },
        )?;
        Repository::open(into).map_err(|source| UpstreamError::Open { source })
    }
}

/// Tells whether a server says that it has not what is wanted. It has no other way to say so than these words (git,
/// `upload-pack.c`).
fn is_refused(error: &gix::Error) -> bool {
    format!("{error:?}").contains("not our ref")
}

/// Writes a pack and its index.
fn receive(
    pack: &mut dyn BufRead,
    packs: &Path,
    object: Id,
    progress: &mut dyn DynNestedProgress,
    stop: &AtomicBool,
) -> gix::error::Result<()> {
    let base = None::<gix::OdbHandle>;
    let (kind, options) = (object.0.kind(), WriteOptions::default());
    let written =
        Bundle::write_to_directory(pack, Some(packs), progress, stop, base, kind, options)?;
    // The mark that keeps git from throwing the pack away before something refers to it.
    written.keep_path.iter().try_for_each(fs::remove_file).map_err(gix::Error::from_error)
}

/// The negotiation of somebody who has nothing and wants one object.
struct One(Id);

impl Negotiate for One {
    fn mark_complete_and_common_ref(&mut self) -> gix::error::Result<Action> {
        Ok(Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _: &[bool]) -> bool {
        arguments.want(self.0.0);
        true
    }

    fn one_round(
        &mut self,
        _: &mut one_round::State,
        _: &mut Arguments,
        _: Option<&Response>,
    ) -> gix::error::Result<(Round, bool)> {
        let round = Round {
            haves_sent: 0,
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
