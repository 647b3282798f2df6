//! Texts of others (Azure's, a user's, a container's) as they may be shown on a terminal. Progress, failures and results are
//! printed through this.

use std::borrow::Cow;

/// The text without what acts on a terminal: control characters but line feeds and tabs, and what turns the direction of
/// writing, are written out as `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    // Azure ends some of its lines so.
    for c in text.replace("\r\n", "\n").chars() {
        match acts(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// JSON with what acts on a terminal escaped; `serde_json` escapes only what JSON demands.
pub fn printable_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match acts(c) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

/// C0 and C1 (<https://www.unicode.org/charts/PDF/U0080.pdf>), and the controls of
/// <https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings>.
fn acts(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        for (text, expected) in [
            ("plain ● ▴ é\tx\n", "plain ● ▴ é\tx\n"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\nb\rc", "a\nb\\rc"),
            ("\u{9b}31m\u{7f}\u{7}\u{0}", "\\u{9b}31m\\u{7f}\\u{7}\\u{0}"),
            ("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}"),
        ] {
            assert_eq!(printable(text), expected);
        }
        let json = printable_json(&serde_json::to_string("\u{1b}\u{9b}\u{202e}").unwrap());
        assert_eq!(json, r#""\u001b\u009b\u202e""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "\u{1b}\u{9b}\u{202e}");
    }
}
