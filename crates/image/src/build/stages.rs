//! The stages of a build: each begins as soon as those that it needs are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use notes_dockerfile::Statement;
use notes_oci::ImageSource;
use notes_sandbox::RunError;

use super::{
    Error, Problem,
    builder::{Builder, lock, triggers},
    schedule::Schedule,
    state::State,
};
use crate::{
    plan::{self, Base, Stage},
    report::StepReport,
};

/// How many stages are built at a time: one that waits for a server does not hold up the others, and one that packs has cores.
const AT_ONCE: usize = 4;

/// How long what runs beside a step that failed may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a stage's turn.
enum Turn {
    Built(Box<State>, Vec<StepReport>),
    /// A trigger of its base names stages that are not built yet.
    Needs(BTreeSet<usize>),
}

impl<'a, S: ImageSource> Builder<'a, S> {
    /// Builds the stages, each as soon as those that it needs are there.
    pub(super) async fn build_stages(&self) -> Result<Vec<StepReport>, Error> {
        let mut schedule = Schedule::default();
        for stage in &self.plan.stages {
            schedule.add(stage.index, self.needs(stage, &[]).map_err(|it| it.at(stage.from.span))?);
        }
        let (mut running, mut steps) = (FuturesUnordered::new(), BTreeMap::new());
        loop {
            while running.len() < AT_ONCE
                && let Some(stage) = schedule.next().and_then(|index| self.plan.any_stage(index))
            {
                running.push(async move { (stage, self.turn(stage).await) });
            }
            let Some((stage, turn)) = running.next().await else { break };
            match turn {
                Ok(Turn::Built(built, reports)) => {
                    lock(&self.stages).insert(stage.index, *built);
                    steps.insert(stage.index, reports);
                    schedule.finish(stage.index);
                }
                Ok(Turn::Needs(more)) => {
                    let unknown = more.iter().filter(|index| !schedule.knows(**index)).copied();
                    let unknown: Vec<_> =
                        unknown.filter_map(|it| self.plan.any_stage(it)).collect();
                    for spare in unknown {
                        let needs = self.needs(spare, &[]);
                        schedule.add(spare.index, needs.map_err(|it| it.at(stage.from.span))?);
                    }
                    schedule.add(stage.index, more);
                }
                Err(error) => return Err(self.stop((stage.index, error), running).await),
            }
        }
        Ok(steps.into_values().flatten().collect())
    }

    /// Ends what still runs after a failure. Of several failures it returns that of the first stage.
    async fn stop(
        &self,
        first: (usize, Error),
        mut running: FuturesUnordered<impl Future<Output = (&'a Stage, Result<Turn, Error>)>>,
    ) -> Error {
        lock(&self.cancel).cancel();
        let mut failures = vec![first];
        let rest = async {
            while let Some((stage, turn)) = running.next().await {
                failures.extend(turn.err().map(|error| (stage.index, error)));
            }
        };
        // What waits for a lock or a server is left alone.
        let _ = tokio::time::timeout(PATIENCE, rest).await;
        let ended = |error: &Error| {
            matches!(&error.problem, Problem::Run { source: RunError::Cancelled { .. } })
        };
        let first = failures.into_iter().min_by_key(|(index, error)| (ended(error), *index));
        first.expect("one failed").1
    }

    /// Builds a stage whose turn it is, unless what it stands on names stages that nobody knew to be needed.
    async fn turn(&self, stage: &Stage) -> Result<Turn, Error> {
        let missing = self.missing(stage).await.map_err(|it| it.at(stage.from.span))?;
        if !missing.is_empty() {
            return Ok(Turn::Needs(missing));
        }
        let (built, reports) = self.stage(stage).await?;
        Ok(Turn::Built(Box::new(built), reports))
    }

    /// Returns the stages that must be built before `stage` and are not. The plan knows those that its instructions name; what
    /// triggers name is known only now.
    async fn missing(&self, stage: &Stage) -> Result<BTreeSet<usize>, Problem> {
        let on_build = match &stage.base {
            Base::Stage(index) => self.finished(*index).map(|base| base.config.config.on_build),
            Base::Image(reference) => {
                let image = self.lookup(reference, &stage.platform).await?;
                Some(image.config().config.on_build.clone())
            }
            Base::Scratch | Base::Context(_) => None,
        };
        let needs = self.needs(stage, &triggers(&on_build.unwrap_or_default())?)?;
        let stages = lock(&self.stages);
        Ok(needs.into_iter().filter(|index| !stages.contains_key(index)).collect())
    }

    /// Returns the stages that `stage` takes files from, with the triggers of its base.
    fn needs(&self, stage: &Stage, triggers: &[Statement]) -> Result<BTreeSet<usize>, Problem> {
        let statements = triggers.iter().chain(&stage.steps);
        let needs = plan::needs(stage, statements, &self.plan.names)
            .map_err(|error| Problem::Plan { source: Box::new(error) })?;
        Ok(needs.into_iter().collect())
    }

    pub(super) fn finished(&self, index: usize) -> Option<State> {
        lock(&self.stages).get(&index).cloned()
    }
}
