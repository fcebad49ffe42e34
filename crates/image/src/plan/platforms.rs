//! What is for which platform, and what of it a machine can run.

use std::collections::BTreeMap;

use notes_dockerfile::{Instruction, Statement};
use notes_oci::Platform;

use super::{Base, Error, Plan, Problem, Stage};

impl Plan {
    /// Checks that a machine of the platform `machine` can run every command itself: nothing here emulates another.
    ///
    /// What base images trigger is not in the Dockerfile: [`check_triggers`](Self::check_triggers).
    ///
    /// # Errors
    ///
    /// The first `RUN` that is for another platform, with its place.
    pub fn check_commands(&self, machine: &Platform) -> Result<(), Error> {
        for (stage, platform) in self.foreign(machine) {
            let run = |it: &&Statement| matches!(it.instruction, Instruction::Run(_));
            let triggered = || match stage.base {
                Base::Stage(index) => self.stage(index).filter(|base| base.triggers_command()),
                _ => None,
            };
            if let Some(statement) = stage.steps.iter().find(run) {
                return Err(emulation(platform, machine).at(statement.span));
            } else if triggered().is_some() {
                return Err(emulation(platform, machine).at(stage.from.span));
            }
        }
        Ok(())
    }

    /// Returns the stages that begin with an image which is not for a machine of the platform `machine`.
    pub fn foreign_bases(&self, machine: &Platform) -> impl Iterator<Item = &Stage> {
        let foreign = self.foreign(machine).into_iter().map(|(stage, _)| stage);
        foreign.filter(|stage| matches!(stage.base, Base::Image(_)))
    }

    /// Checks that a machine of the platform `machine` can run what the triggers of a base image do in `stage`.
    ///
    /// # Errors
    ///
    /// A `RUN` that is for another platform, with the place of the `FROM`.
    pub fn check_triggers(
        &self,
        stage: &Stage,
        on_build: &[String],
        machine: &Platform,
    ) -> Result<(), Error> {
        // A trigger that cannot be read stops the build, with a better error than this one.
        let is_run = |text: &String| {
            let trigger = Statement::parse_trigger(text).map(|trigger| trigger.instruction);
            matches!(trigger, Ok(Instruction::Run(_)))
        };
        if machine.runs(&stage.platform) || !on_build.iter().any(is_run) {
            return Ok(());
        }
        Err(emulation(&stage.platform, machine).at(stage.from.span))
    }

    /// Returns the stages whose commands a machine of the platform `machine` does not run, each with the platform of its files.
    fn foreign(&self, machine: &Platform) -> Vec<(&Stage, &Platform)> {
        let platforms = of(&self.stages);
        let stages = self.stages.iter().map(|stage| (stage, platforms[&stage.index]));
        stages.filter(|(_, platform)| !machine.runs(platform)).collect()
    }
}

impl Stage {
    /// Tells whether a stage that begins with this one runs a command of it.
    fn triggers_command(&self) -> bool {
        self.steps.iter().any(|step| match &step.instruction {
            Instruction::Onbuild(onbuild) => {
                matches!(onbuild.trigger.instruction, Instruction::Run(_))
            }
            _ => false,
        })
    }
}

/// Returns the platform of each stage's files: that of the image it goes back to.
pub(super) fn of(stages: &[Stage]) -> BTreeMap<usize, &Platform> {
    let mut platforms: BTreeMap<usize, &Platform> = BTreeMap::new();
    for stage in stages {
        let inherited = match stage.base {
            Base::Stage(index) => platforms.get(&index).copied(),
            _ => None,
        };
        platforms.insert(stage.index, inherited.unwrap_or(&stage.platform));
    }
    platforms
}

fn emulation(wanted: &Platform, machine: &Platform) -> Problem {
    Problem::Emulation { wanted: wanted.clone().into(), machine: machine.clone().into() }
}

#[cfg(test)]
mod tests {
    use notes_dockerfile::Dockerfile;

    use super::*;
    use crate::plan::{Chooser, Options};

    fn plan(text: &str, chooser: Chooser) -> Result<Plan, Error> {
        let platform = Platform::linux("amd64");
        let options = Options { platform, chooser, ..Options::default() };
        Plan::new(&Dockerfile::parse(text).unwrap(), &options)
    }

    #[test]
    fn an_image_is_for_the_platform_of_its_files_unless_somebody_chose_one() {
        for (text, chooser, expected) in [
            ("FROM --platform=linux/s390x a AS b\nFROM b\n", Chooser::Nobody, "linux/s390x"),
            ("FROM --platform=linux/s390x a AS b\nFROM b\n", Chooser::Caller, "linux/amd64"),
            ("FROM --platform=linux/s390x a\nFROM a\n", Chooser::Nobody, "linux/amd64"),
            ("FROM --platform=linux/s390x scratch\n", Chooser::Nobody, "linux/amd64"),
        ] {
            assert_eq!(plan(text, chooser).unwrap().made_for.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_platform_is_said() {
        let error = plan("FROM --platform=$NOBODY a\n", Chooser::Nobody).unwrap_err();
        assert_eq!(error.to_string(), "the platform is empty");
    }

    #[test]
    fn platform_arguments_can_be_given() {
        let text = "FROM --platform=$TARGETPLATFORM a\nFROM scratch\nCOPY --from=0 a b\n";
        let arguments = BTreeMap::from([("TARGETPLATFORM".into(), "linux/s390x".into())]);
        let options = Options { arguments, ..Options::default() };
        let plan = Plan::new(&Dockerfile::parse(text).unwrap(), &options).unwrap();
        assert_eq!(plan.stages[0].platform.to_string(), "linux/s390x");
        assert!(plan.unused_arguments.is_empty());
    }

    #[test]
    fn commands_are_for_this_machine() {
        let machine = Platform::linux("amd64");
        for (text, place) in [
            ("FROM --platform=linux/s390x a\nRUN b\n", Some(30)),
            ("FROM --platform=linux/s390x a AS b\nONBUILD RUN c\nFROM b\n", Some(49)),
            ("FROM --platform=linux/s390x a AS b\nONBUILD USER c\nFROM b\n", None),
            ("FROM --platform=linux/s390x scratch\nRUN b\n", None),
            ("FROM a\nRUN b\n", None),
        ] {
            let checked = plan(text, Chooser::Nobody).unwrap().check_commands(&machine);
            let found = checked.err().and_then(|error| error.span).map(|span| span.start);
            assert_eq!(found, place, "{text}");
        }
        let plan = plan("FROM --platform=linux/s390x a\n", Chooser::Nobody).unwrap();
        let stage = plan.foreign_bases(&machine).next().unwrap();
        let check = |trigger: &str| plan.check_triggers(stage, &[trigger.into()], &machine);
        assert!(check("RUN b").is_err() && check("USER b").is_ok());
    }
}
