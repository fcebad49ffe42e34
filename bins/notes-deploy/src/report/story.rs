//! All that a report tells, without secrets.

use jiff::Timestamp;
use notes_console::Failure;
use notes_k8s_deploy::{
    ObjectId, Release,
    diagnosis::Diagnosis,
    evidence::{Evidence, Moment},
    rollout::Outcome,
};

use super::case::{self, Case, End};

/// How a deploy ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// How its rollout ended, or its migration, where it came so far.
    pub(crate) outcome: Option<Outcome>,
    /// The object that the cluster refused.
    pub(crate) refused: Option<ObjectId>,
    /// Why the command fails.
    pub(crate) failure: Option<Failure>,
    /// How far it came.
    pub(crate) stage: Stage,
}

/// How far a deploy came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The migration did not end well; nothing of the release was applied.
    Migration,
    /// It came to applying the release, or was stopped somewhere.
    #[default]
    Release,
}

impl Ending {
    /// Returns what the command ends with.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// Why a deploy failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The exit code.
    pub(crate) code: u8,
    /// In one sentence.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hints: Vec<String>,
}

/// All that a report tells.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// What was deployed.
    pub(crate) release: Release,
    /// When the deploy began and when it ended.
    pub(crate) begun: Timestamp,
    pub(crate) ended: Timestamp,
    /// Why it failed.
    pub(crate) problem: Option<Problem>,
    /// What was done about it.
    pub(crate) afterwards: Option<String>,
    /// What was wrong.
    pub(crate) diagnoses: Vec<Diagnosis>,
    /// How each object ended.
    pub(crate) cases: Vec<Case>,
    /// What happened.
    pub(crate) timeline: Vec<Moment>,
    /// What the cluster knows.
    pub(crate) evidence: Evidence,
}

impl Story {
    /// Puts together what is known at the end of a deploy.
    pub(crate) fn new(
        release: &Release,
        ending: &Ending,
        begun: Timestamp,
        timeline: Vec<Moment>,
        evidence: Evidence,
    ) -> Self {
        let hide = |text: &str| evidence.redactor.text(text);
        let problem = ending.failure.as_ref().map(|failure| Problem {
            code: failure.kind().code(),
            message: hide(&failure.to_string()),
            hints: failure.hints().iter().map(|hint| hide(hint)).collect(),
        });
        let hidden = |diagnosis: &Diagnosis| Diagnosis {
            summary: hide(&diagnosis.summary),
            evidence: diagnosis.evidence.iter().map(|line| hide(line)).collect(),
            ..diagnosis.clone()
        };
        let diagnoses = match &ending.outcome {
            Some(Outcome::Failed { diagnoses } | Outcome::TimedOut { diagnoses, .. }) => {
                diagnoses.iter().map(hidden).collect()
            }
            _ => Vec::new(),
        };
        let timeline: Vec<Moment> = timeline
            .into_iter()
            .map(|moment| Moment { text: hide(&moment.text), ..moment })
            .collect();
        let mut release = release.clone();
        release.provenance.subject = release.provenance.subject.as_deref().map(hide);
        let mut story = Self {
            release,
            begun,
            ended: Timestamp::now(),
            problem,
            afterwards: None,
            diagnoses,
            cases: Vec::new(),
            timeline,
            evidence,
        };
        story.cases = story.judge(ending);
        story
    }

    /// Adds what was done after the failure.
    pub(crate) fn with_afterwards(mut self, text: &str, timeline: Vec<Moment>) -> Self {
        let hide = |text: &str| self.evidence.redactor.text(text);
        self.timeline = timeline
            .into_iter()
            .map(|moment| Moment { text: hide(&moment.text), ..moment })
            .collect();
        self.afterwards = Some(hide(text));
        self
    }

    fn judge(&self, ending: &Ending) -> Vec<Case> {
        let mut cases: Vec<Case> = self
            .release
            .objects()
            .map(|object| {
                let id = object.id();
                Case::of(&id, &self.timeline, self.problem_of(&id, ending))
            })
            .collect();
        let is_told = cases.iter().any(|case| matches!(case.end, End::Failed { .. }));
        if let Some(problem) = self.problem.as_ref().filter(|_| !is_told) {
            let details = [problem.message.clone()]
                .into_iter()
                .chain(problem.hints.iter().map(|hint| format!("hint: {hint}")));
            cases.push(Case {
                place: self.release.namespace.clone(),
                name: format!("release {}", self.release.provenance.short),
                seconds: case::seconds(Some(self.begun), Some(self.ended)),
                end: End::Failed {
                    cause: format!("Exit{}", problem.code),
                    message: problem.message.clone(),
                    details: details.collect(),
                },
            });
        }
        cases
    }

    /// Returns what is wrong with one object.
    fn problem_of(&self, id: &ObjectId, ending: &Ending) -> Option<End> {
        if ending.refused.as_ref() == Some(id) {
            let problem = self.problem.as_ref()?;
            return Some(End::Failed {
                cause: "Rejected".into(),
                message: problem.message.clone(),
                details: problem.hints.iter().map(|hint| format!("hint: {hint}")).collect(),
            });
        }
        if let Some(diagnosis) = self.diagnoses.iter().find(|diagnosis| diagnosis.workload == *id) {
            return Some(case::failed(diagnosis));
        }
        let Some(Outcome::TimedOut { waiting_for, .. }) = &ending.outcome else { return None };
        let (_, message) = waiting_for.iter().find(|(object, _)| object == id)?;
        Some(End::Failed {
            cause: "TimedOut".into(),
            message: message.clone(),
            details: vec![message.clone()],
        })
    }
}
