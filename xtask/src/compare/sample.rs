//! Some of the fixtures, other ones for each seed.

use std::time::SystemTime;

use notes_oci::Digest;

use super::fixture::Fixture;

/// Returns a seed that the clock gives.
pub(crate) fn seed() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

/// Returns `size` of the fixtures, by name.
pub(crate) fn choose(mut fixtures: Vec<Fixture>, size: usize, seed: u64) -> Vec<Fixture> {
    fixtures.sort_by_cached_key(|fixture| Digest::of(format!("{seed} {}", fixture.name)));
    fixtures.truncate(size);
    fixtures.sort_by(|one, other| one.name.cmp(&other.name));
    fixtures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture::Settings;

    fn names(size: usize, seed: u64) -> String {
        let fixture = |name: char| Fixture {
            name: name.into(),
            directory: "/".into(),
            settings: Settings::default(),
        };
        let chosen = choose(('a'..='z').map(fixture).collect(), size, seed);
        chosen.into_iter().map(|fixture| fixture.name).collect()
    }

    #[test]
    fn a_seed_chooses_the_same_again_and_another_chooses_others() {
        assert_eq!(names(5, 1).len(), 5);
        assert_eq!(names(5, 1), names(5, 1));
        assert_ne!(names(5, 1), names(5, 2));
        assert_eq!(names(99, 1), "abcdefghijklmnopqrstuvwxyz");
    }
}
