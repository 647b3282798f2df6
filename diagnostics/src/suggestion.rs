//! "Did you mean": the known word that is nearest to one that nobody knows.

/// The known word that is nearest to a mistyped one, if any is near.
pub fn suggestion<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    /// Jaro-Winkler: 1 is the same word; below this, words have little in common.
    const NEAR: f64 = 0.8;
    /// Comparing takes as long as the words' lengths multiplied.
    const LONGEST_BYTES: usize = 128;
    if word.len() > LONGEST_BYTES {
        return None;
    }
    let word = word.to_lowercase();
    let rated = known.map(|known| (strsim::jaro_winkler(&word, &known.to_lowercase()), known));
    rated.filter(|(rate, _)| *rate >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}
