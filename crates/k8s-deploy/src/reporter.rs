//! What happens, told while it happens.

use crate::{
    ObjectId, Verdict, apply::Change, diagnosis::Diagnosis, lock::Holder, rollout::Standing,
};

/// Hears what happens during a deploy. Every method does nothing by default; libraries never print.
pub trait Reporter: Send + Sync {
    /// Another deploy goes on, which is waited for.
    fn waits(&self, _holder: &Holder) {}

    /// Another deploy was killed, and this one takes its place.
    fn took_over(&self, _holder: &Holder) {}

    /// An object was applied.
    fn applied(&self, _object: &ObjectId, _change: Change) {}

    /// An object was removed, for this reason.
    fn removed(&self, _object: &ObjectId, _reason: &str) {}

    /// An object that no release has any more stays where it is, for this reason.
    fn kept(&self, _object: &ObjectId, _reason: &str) {}

    /// An object stands differently than before.
    fn judged(&self, _object: &ObjectId, _verdict: &Verdict) {}

    /// All objects that are waited for, each time that anything may have changed, and what is wrong at the moment: for a table that
    /// is drawn anew. No object at all means that the rollout is over. What is news is told by the other methods.
    fn standing(&self, _objects: &[Standing], _wrong: &[Diagnosis]) {}

    /// Something is wrong, perhaps only for a while. Told once for each cause of an object.
    fn observed(&self, _diagnosis: &Diagnosis) {}

    /// A Job that is waited for has said something.
    fn logged(&self, _job: &ObjectId, _line: &str) {}

    /// Something a person should know that is no failure.
    fn warned(&self, _text: &str) {}
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Reporter for Silent {}
