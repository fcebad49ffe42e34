//! A command whose user name space has a single id, and that is to believe that it has all of them.
//!
//! The kernel refuses every other id there (`user_namespaces(7)`), and with it `apt-get`, `dpkg` and `useradd`. So calls that
//! give files to others, or make processes others, wait for an answer from init (`seccomp_unotify(2)`):
//!
//! - a file's owner is written down beside it ([`OWNER_ATTRIBUTE`](crate::changes::OWNER_ATTRIBUTE)), where who packs a layer
//!   reads it, and who looks at the file is told of it;
//! - a process that becomes somebody is told that it is, and what it makes is given to them.
//!
//! It acts as root all the same. What takes no attribute, links and pipes, stays root's: that is counted, and said when the
//! command has ended.

mod call;
mod filter;
mod identity;
mod owner;
mod process;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::sys::SingleThreaded;
use crate::sys::seccomp::{self, Answer, Call};

use call::Request;
use identity::Identities;
use owner::Owners;

/// Tells whether `/proc` shows the processes of the command: in a container whose own is covered, it is the container's.
pub(crate) fn is_possible() -> bool {
    let own = std::process::id().to_string();
    std::fs::read_link("/proc/self").is_ok_and(|number| number.as_os_str() == own.as_str())
}

/// In the process that becomes the command: has its calls wait, and hands over where they do. A kernel that does not offer it,
/// or a container that does so itself, leaves the command with the single id that it has.
pub(crate) fn begin(alone: SingleThreaded, to: &UnixStream) -> io::Result<()> {
    let Ok(listener) = seccomp::listen(alone, &filter::program()) else { return Ok(()) };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut messages = SendAncillaryBuffer::new(&mut space);
    let listener = [listener.as_fd()];
    messages.push(SendAncillaryMessage::ScmRights(&listener));
    sendmsg(to, &[IoSlice::new(b"x")], &mut messages, SendFlags::empty())?;
    Ok(())
}

/// In init: answers until all processes are gone. Returns the books, which are empty where nothing waits.
pub(crate) fn serve(from: &UnixStream) -> io::Result<Books> {
    let books = Books::default();
    if let Some(listener) = receive(from)? {
        let books = books.clone();
        thread::Builder::new().spawn(move || {
            // Without anybody who answers, calls fail with ENOSYS.
            let _ = answer_all(&listener, &books);
        })?;
    }
    Ok(books)
}

/// Waits for the listener; `None` where the other side has none.
fn receive(from: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut messages = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut messages, RecvFlags::CMSG_CLOEXEC)?;
    let mut listeners = messages.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok(listeners.next())
}

fn answer_all(listener: &OwnedFd, books: &Books) -> io::Result<()> {
    loop {
        let mut events = [PollFd::new(listener, PollFlags::IN)];
        match poll(&mut events, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if events[0].revents().contains(PollFlags::HUP) {
            return Ok(());
        }
        if let Some(call) = seccomp::receive(listener)? {
            seccomp::answer(listener, &call, books.lock().answer(&call));
        }
    }
}

/// Who is who, and whose is what; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books(Arc<Mutex<Pretence>>);

impl Books {
    /// Writes down what is still to be, when the command has ended. Returns how many owners could not be kept.
    pub(crate) fn close(&self) -> usize {
        let mut pretence = self.lock();
        pretence.owners.settle(None);
        pretence.owners.lost
    }

    fn lock(&self) -> MutexGuard<'_, Pretence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Pretence {
    identities: Identities,
    owners: Owners,
}

impl Pretence {
    fn answer(&mut self, call: &Call) -> Answer {
        // Whoever makes a call has ended the one before.
        self.owners.settle(Some(call.thread));
        let Some(request) = Request::of(call) else { return Answer::Continue };
        let answer = match request {
            Request::Own { place, user, group } => {
                let identity = self.identities.of(call.thread);
                self.owners.give(call.thread, &place, (user, group), &identity)
            }
            Request::Make { place } => {
                let identity = self.identities.of(call.thread);
                self.owners.expect(call.thread, &place, &identity)
            }
            Request::Become(change) => self.identities.change(call.thread, change),
            Request::Ask(question) => self.identities.answer(call.thread, question),
            Request::Look { place, into, form } => Owners::show(call.thread, &place, into, form),
            Request::Move => Ok(Answer::Continue),
        };
        answer.unwrap_or_else(|error| Answer::Error(error.raw_os_error().unwrap_or(libc::EIO)))
    }
}
