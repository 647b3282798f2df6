//! JSON with the places of its values.

use serde_json::Value;

use diagnostics::yaml::Document;
use diagnostics::{Origin, Problems};

/// The document, and the same with places. What is not JSON is a mistake with its line, as is a key that stands twice.
pub(super) fn document(file: &str, text: &str) -> Result<(Value, Document), Problems> {
    let json = serde_json::from_str(text).map_err(|error| {
        let mut problems = Problems::new();
        let origin = Origin::File { path: file.to_owned(), line: Some(error.line()) };
        problems.add(origin, format!("not JSON: {error}"));
        problems
    })?;
    Ok((json, Document::parse(file, &without_surrogates(text))?))
}

/// JSON may write a character above U+FFFF as two escapes (`\ud83d\ude00`), which YAML does not know: the character itself
/// in their place. The text is JSON.
fn without_surrogates(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('\\') {
        let (before, escape) = rest.split_at(start);
        result.push_str(before);
        let character = escape.get(..12).and_then(pair);
        // An escape is two bytes long at least, of which the second is ASCII.
        let length = if character.is_some() { 12 } else { 2 };
        match character {
            Some(character) => result.push(character),
            None => result.push_str(&escape[..length]),
        }
        rest = &escape[length..];
    }
    result + rest
}

fn pair(escapes: &str) -> Option<char> {
    let (first, second) = escapes.split_at(6);
    let unit = |escape: &str| u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok();
    char::decode_utf16([unit(first)?, unit(second)?]).next()?.ok().filter(|character| *character > '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_json() {
        for (text, expected) in [
            (r#"{"a": "\ud83d\ude00\n\u00e9"}"#, r#"{"a": "😀\n\u00e9"}"#),
            (r#"{"a": "\\ud83d\\ude00"}"#, r#"{"a": "\\ud83d\\ude00"}"#),
            (r#"{"a": "\"ü\\"}"#, r#"{"a": "\"ü\\"}"#),
        ] {
            assert_eq!(without_surrogates(text), expected);
        }
        let (json, document) = self::document("x", "{\n\t\"a\": \"\\/ \\uD83D\\uDE00\",\n\t\"b\": 1\n}").unwrap();
        assert_eq!(json["a"], "/ 😀");
        let root = document.root();
        assert_eq!(root.value().get("a").and_then(|value| value.as_str()), Some("/ 😀"));
        assert_eq!(root.get("b").and_then(|node| node.line()), Some(3));
        let problems = self::document("x", "{\n,}").err().unwrap().to_string();
        assert!(problems.starts_with("`x` line 2: not JSON"), "{problems}");
    }
}
