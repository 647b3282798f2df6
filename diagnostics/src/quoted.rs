//! A text of a user's inside a message.

/// Longer texts are cut, in characters.
const MOST_CHARACTERS: usize = 60;

/// The text in backticks, with every character told that cannot be seen; `…` says that there is more.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
        None => format!("`{}`", text.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_invisible() {
        for (text, expected) in [
            ("", "``".to_owned()),
            (" a ", "` a `".to_owned()),
            ("a\n\u{1b}", "`a\\n\\u{1b}`".to_owned()),
            (&"x".repeat(60), format!("`{}`", "x".repeat(60))),
            (&"ü".repeat(61), format!("`{}…`", "ü".repeat(60))),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
