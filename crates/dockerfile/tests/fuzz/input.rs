//! Texts that are nearly right, made from the fixtures and a vocabulary. The same seed gives the same text.

use std::fs;
use std::path::Path;

use super::vocabulary::WORDS;

/// A random number generator whose every state is a seed: Steele, Lea and Flood's `SplitMix`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// The texts that inputs begin with.
pub(crate) struct Corpus(Vec<String>);

impl Corpus {
    /// Reads the Dockerfiles and ignore files of the fixtures.
    pub(crate) fn of_fixtures() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut folders: Vec<_> = fs::read_dir(root)
            .expect("the fixtures are there")
            .map(|folder| folder.expect("a folder").path())
            .collect();
        folders.sort();
        let files = folders
            .iter()
            .flat_map(|folder| ["Dockerfile", ".dockerignore"].map(|name| folder.join(name)));
        let mut texts: Vec<String> =
            files.filter_map(|path| fs::read_to_string(path).ok()).collect();
        texts.push(String::new());
        Self(texts)
    }

    /// Returns the text that `seed` means.
    pub(crate) fn input(&self, seed: u64) -> String {
        let mut random = Random::new(seed);
        let mut text: Vec<char> = self.pick(&mut random).chars().collect();
        for _ in 0..=random.below(12) {
            self.mutate(&mut text, &mut random);
        }
        text.truncate(20_000);
        text.into_iter().collect()
    }

    fn pick(&self, random: &mut Random) -> &str {
        &self.0[random.below(self.0.len())]
    }

    fn mutate(&self, text: &mut Vec<char>, random: &mut Random) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(20)).min(text.len());
        match random.below(8) {
            0..=2 => insert(text, at, WORDS[random.below(WORDS.len())]),
            3 => drop(text.drain(at..end)),
            4 => {
                let copy: String = text[at..end].iter().collect();
                insert(text, random.below(text.len() + 1), &copy);
            }
            5 => {
                let other: Vec<char> = self.pick(random).chars().collect();
                let start = random.below(other.len() + 1);
                let end = (start + random.below(200)).min(other.len());
                let part: String = other[start..end].iter().collect();
                insert(text, at, &part);
            }
            6 => {
                let piece = WORDS[random.below(WORDS.len())];
                insert(text, at, &piece.repeat(1 + random.below(200)));
            }
            _ => {
                let scalar = u32::try_from(random.below(0x3000)).unwrap_or(0);
                let character = char::from_u32(scalar).unwrap_or(' ');
                if let Some(old) = text.get_mut(at) {
                    *old = character;
                }
            }
        }
    }
}

fn insert(text: &mut Vec<char>, at: usize, piece: &str) {
    text.splice(at..at, piece.chars());
}
