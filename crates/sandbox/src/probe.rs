//! Which rung this machine offers, found by trying.

use crate::enter::{EnterError, Options};
use crate::ids::Ids;
use crate::init;
use crate::isolation::Isolation;
use crate::trials::{self, Offer, Way};

/// What a machine offers: the answer of [`probe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The best rung that was tried with success.
    pub isolation: Isolation,
    /// Why it is this one, in words for a person.
    pub reason: String,
    /// The user ids there would be.
    pub ids: Ids,
    /// Every better rung, best first, and why it is not offered.
    pub refused: Vec<Refusal>,
}

/// Why a rung is not offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rung.
    pub isolation: Isolation,
    /// The attempt that failed, and how.
    pub reason: String,
    /// What would allow it, where that is known.
    pub remedy: Option<String>,
}

impl Probe {
    /// Returns what would allow a better rung, where that is known: one of several ways.
    pub fn remedy(&self) -> Option<String> {
        let known: Vec<_> =
            self.refused.iter().filter_map(|refusal| refusal.remedy.as_deref()).collect();
        (!known.is_empty()).then(|| known.join("; or "))
    }

    /// A machine that offers nothing.
    pub(crate) fn nothing(refused: Vec<Refusal>) -> Self {
        let reason = refused.first().map_or_else(String::new, |first| first.reason.clone());
        Self { isolation: Isolation::None, reason, ids: Ids::Single, refused }
    }
}

/// Finds the best rung this machine offers, by trying it in a child; nothing changes for this
/// process.
///
/// # Errors
///
/// [`EnterError::NotInitialised`] when the program does not call [`init`](crate::init).
pub fn probe(options: &Options) -> Result<Probe, EnterError> {
    if !init::was_called() {
        return Err(EnterError::NotInitialised);
    }
    Ok(climb(options).0)
}

/// Tries rungs in their order until one works, and returns how that one is entered.
pub(crate) fn climb(options: &Options) -> (Probe, Option<Way>) {
    let mut refused = Vec::new();
    for isolation in options.ladder().into_iter().filter(|rung| *rung != Isolation::None) {
        match trials::attempt(isolation, options.files.as_deref()) {
            Ok(Offer { reason, ids, way }) => {
                return (Probe { isolation, reason, ids, refused }, Some(way));
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    (Probe::nothing(refused), None)
}
