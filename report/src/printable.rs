//! Texts of others (Azure's, a user's, a container's) as they may be shown on a terminal. Progress, failures and results are
//! printed through this, and what stands inside a message is cut to one line.

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

/// The text as one line of at most `most` characters, which `…` says when there was more: white space is one space each, and
/// what acts on a terminal is written out.
pub fn one_line(text: &str, most: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = printable(&words);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
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
/// <https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings>; and the byte order mark, which nobody sees.
fn acts(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
            ("\u{feff}{}", "\\u{feff}{}"),
        ] {
            assert_eq!(printable(text), expected);
        }
        for (text, expected) in [
            ("", ""),
            (" no\r\n\troom\u{85} ", "no room"),
            ("\u{1b}[31mred", "\\u{1b}[31mre…"),
            ("twelve more chars", "twelve more …"),
            ("twelve more.", "twelve more."),
        ] {
            assert_eq!(one_line(text, 12), expected);
        }
        let json = printable_json(&serde_json::to_string("\u{1b}\u{9b}\u{202e}").unwrap());
        assert_eq!(json, r#""\u001b\u009b\u202e""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "\u{1b}\u{9b}\u{202e}");
    }
}
