//! "Did you mean …?"

/// Returns the candidate a misspelt `word` most likely stands for.
///
/// ```
/// use notes_console::closest;
///
/// assert_eq!(closest("dockerfil", ["image", "dockerfile"]), Some("dockerfile"));
/// assert_eq!(closest("zzz", ["image", "dockerfile"]), None);
/// ```
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // clap's threshold, so that a key and a flag are guessed alike.
    const LIKELY: f64 = 0.7;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > LIKELY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
