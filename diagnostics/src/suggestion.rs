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

/// Whether a word is probably a misspelling of a known one: a letter is left out, put in, another one, or changed places with
/// the next; two of them in a word of more than five letters.
pub fn is_misspelling(word: &str, known: &str) -> bool {
    const SHORT_WORD: usize = 5;
    let most = if word.chars().count() <= SHORT_WORD { 1 } else { 2 };
    // Comparing takes as long as the words' lengths multiplied.
    word.len() <= known.len() + 4 * most && strsim::osa_distance(&word.to_lowercase(), &known.to_lowercase()) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings() {
        for (word, known, is_near) in [
            ("staus", "status", true),
            ("Sttaus", "status", true),
            ("yes", "deis", false),
            ("rg", "region", false),
            ("locatoin", "location", true),
            ("flat", "plan", false),
            (&"x".repeat(100_000), "x", false),
        ] {
            assert_eq!(is_misspelling(word, known), is_near, "{known}");
        }
    }
}
