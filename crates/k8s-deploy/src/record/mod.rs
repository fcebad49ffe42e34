//! The release record: what was applied, from which commit, by whom, and how it went. It lives in the cluster.

mod history;
mod journal;
pub(crate) mod secret;

pub use self::history::{ChooseError, History};
pub(crate) use self::{history::Others, journal::Journal};
pub use crate::inventory::{Made, Proof};

use jiff::Timestamp;
use notes_oci::Pinned;
use serde::{Deserialize, Serialize};

use crate::{Object, Provenance, Release, apply::Marks};

/// How many records are kept for an application.
pub const KEPT: usize = 10;

/// One release as it was applied. Keyed by the short commit id: revision numbers of Deployments move when a template is
/// used again (kubernetes/website#26081), a commit does not. What stood is never overwritten: the same commit with other objects
/// (another variable of the pipeline, say) is another attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The application.
    pub app: String,
    /// The namespace the record is in.
    pub namespace: String,
    /// Where the release comes from.
    pub provenance: Provenance,
    /// The image, as `registry/repository@digest`.
    pub image: String,
    /// How it went.
    pub state: State,
    /// Which attempt of this commit it is, counted from one.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The begin of the last deploy after which exactly this stood; none where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Timestamp>,
    /// The objects as they were sent.
    pub objects: Vec<Object>,
    /// What the objects looked like after they were applied.
    #[serde(default, with = "marks")]
    pub marks: Marks,
    /// What the releases up to this one have made and not removed again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<Made>,
}

const fn first() -> u32 {
    1
}

/// How much of a record was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    Whole,
    /// All but the objects, which are too large: the release cannot be gone back to.
    Outline,
}

/// How a release went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It goes on; a deploy that was killed leaves this.
    Deploying,
    /// It stood.
    Deployed,
    /// It failed, in one sentence.
    Failed(String),
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Deploying => "deploying",
            Self::Deployed => "deployed",
            Self::Failed(_) => "failed",
        })
    }
}

impl Record {
    /// Returns the record of a release that begins.
    pub fn begin(release: &Release) -> Self {
        Self {
            app: release.app.clone(),
            namespace: release.namespace.clone(),
            provenance: release.provenance.clone(),
            image: release.image.to_string(),
            state: State::Deploying,
            attempt: first(),
            verified: None,
            objects: release.objects().cloned().collect(),
            marks: Marks::new(),
            made: Vec::new(),
        }
    }

    /// Returns the release that this record is of, to be applied again.
    ///
    /// # Errors
    ///
    /// Fails when somebody has edited the image away.
    pub fn release(&self) -> Result<Release, notes_oci::ReferenceError> {
        let image: Pinned = self.image.parse()?;
        Ok(Release::restore(
            self.app.clone(),
            self.namespace.clone(),
            image,
            self.provenance.clone(),
            self.objects.clone(),
        ))
    }

    /// What tells it from the other records of its application.
    fn key(&self) -> (&str, u32) {
        (&self.provenance.short, self.attempt)
    }

    /// Tells whether exactly this has stood once, and can be gone back to.
    pub fn has_stood(&self) -> bool {
        self.verified.is_some() && self.is_whole()
    }

    /// Tells whether the objects are there: there was room for them.
    pub fn is_whole(&self) -> bool {
        !self.objects.is_empty()
    }

    /// Tells whether `release` is what was recorded.
    pub(crate) fn is_of(&self, release: &Release) -> bool {
        self.provenance.commit == release.provenance.commit
            && self.image == release.image.to_string()
            && self.objects.iter().eq(release.objects())
    }

    /// Tells whether `release` is what was recorded, and stands since.
    pub(crate) fn holds(&self, release: &Release) -> bool {
        self.state == State::Deployed && self.is_of(release)
    }
}

/// JSON has no maps whose keys are objects.
mod marks {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{ObjectId, apply::Mark, apply::Marks};

    pub(super) fn serialize<S: Serializer>(
        marks: &Marks,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        marks.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Marks, D::Error> {
        Ok(Vec::<(ObjectId, Mark)>::deserialize(deserializer)?.into_iter().collect())
    }
}
