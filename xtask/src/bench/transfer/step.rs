//! What is measured.

use std::fmt;

use crate::bench::Images;

/// What is done with images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) images: Images,
    pub(super) action: Action,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// To a registry that has nothing.
    Push,
    /// To one that has the image.
    PushAgain,
    /// To one that has all layers but one.
    PushChanged,
    /// To where nothing is.
    Pull,
    /// To where the image is.
    PullAgain,
    /// To where all layers but one are.
    PullChanged,
}

impl Action {
    pub(super) fn is_push(self) -> bool {
        matches!(self, Self::Push | Self::PushAgain | Self::PushChanged)
    }
}

impl Step {
    /// Returns what is done with `images`.
    pub(super) fn all(images: Images) -> Vec<Self> {
        let actions: &[Action] = if images.has_changed() {
            &[
                Action::Push,
                Action::PushAgain,
                Action::PushChanged,
                Action::Pull,
                Action::PullAgain,
                Action::PullChanged,
            ]
        } else {
            &[Action::Push, Action::Pull]
        };
        actions.iter().map(|&action| Self { images, action }).collect()
    }

    /// Returns the name of the image that is moved.
    pub(super) fn image(self) -> String {
        let name = self.images.name();
        match self.action {
            Action::PushChanged | Action::PullChanged => format!("{name}-changed"),
            _ => name.to_owned(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.action.is_push() { "push" } else { "pull" };
        write!(f, "{verb} of {}", self.images)?;
        f.write_str(match self.action {
            Action::Push | Action::Pull => "",
            Action::PushAgain | Action::PullAgain => ", unchanged",
            Action::PushChanged | Action::PullChanged => ", one layer changed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_says_what_it_is() {
        let said: Vec<_> = [Images::Large, Images::Middle]
            .into_iter()
            .flat_map(Step::all)
            .map(|step| step.to_string())
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        push of 1 × 1 GB
        pull of 1 × 1 GB
        push of 50 × 20 MB
        push of 50 × 20 MB, unchanged
        push of 50 × 20 MB, one layer changed
        pull of 50 × 20 MB
        pull of 50 × 20 MB, unchanged
        pull of 50 × 20 MB, one layer changed
        ");
    }
}
