//! Variables in one text of a Compose file, out of an app's configuration.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

use std::collections::BTreeSet;

use crate::platform::apps::Config;

/// Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `${NAME+other}`,
/// `${NAME:?message}` and `${NAME?message}`; `$$` is a dollar sign. Names that are not set are added to `missing`.
pub fn interpolate(text: &str, config: &Config, missing: &mut BTreeSet<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        filled.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            filled.push('$');
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('{') {
            let end = end_of(tail).ok_or("`${` has no `}`; write `$$` for a dollar sign")?;
            filled.push_str(&braced(&tail[..end], config, missing)?);
            rest = &tail[end + 1..];
        } else {
            let (name, tail) = name_of(rest);
            if name.is_empty() {
                return Err("a lone `$` means nothing; write `$$` for a dollar sign".into());
            }
            filled.push_str(&value(name, config, missing));
            rest = tail;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A text that the next reader of the file takes as it is.
pub fn quoted(text: &str) -> String {
    text.replace('$', "$$")
}

/// The brace that ends an expression; a default may hold expressions of its own.
fn end_of(tail: &str) -> Option<usize> {
    let mut depth = 0;
    let mut before = ' ';
    for (index, c) in tail.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

fn name_of(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    match text.starts_with(|c: char| c.is_ascii_digit()) {
        true => ("", text),
        false => text.split_at(end),
    }
}

fn value(name: &str, config: &Config, missing: &mut BTreeSet<String>) -> String {
    match config.get(name) {
        Some(value) => value.to_owned(),
        None => {
            missing.insert(name.to_owned());
            String::new()
        }
    }
}

fn braced(inside: &str, config: &Config, missing: &mut BTreeSet<String>) -> Result<String, String> {
    let (name, operation) = name_of(inside);
    if name.is_empty() {
        return Err(format!("`${{{inside}}}` is not a variable; write `$$` for a dollar sign"));
    }
    let set = config.get(name);
    // With a colon an empty value counts as none.
    let (set, operation) = match operation.strip_prefix(':') {
        Some(operation) => (set.filter(|value| !value.is_empty()), operation),
        None => (set, operation),
    };
    match (operation.chars().next(), set) {
        (None, _) if inside.ends_with(':') => Err(format!("`${{{inside}}}` is not a variable")),
        (None, _) => Ok(value(name, config, missing)),
        (Some('-'), Some(value)) => Ok(value.to_owned()),
        (Some('-'), None) => interpolate(&operation[1..], config, missing),
        (Some('+'), Some(_)) => interpolate(&operation[1..], config, missing),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), Some(value)) => Ok(value.to_owned()),
        (Some('?'), None) => {
            missing.insert(name.to_owned());
            Ok(String::new())
        }
        _ => Err(format!("`${{{inside}}}` is not a variable; write `$$` for a dollar sign")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::apps::ConfigChange;

    #[test]
    fn variables() {
        let change = ConfigChange::new().set("TAG", "1.2").unwrap().set("EMPTY", "").unwrap().set("D", "$x}").unwrap();
        let config = Config::default().changed(&change).unwrap();
        for (text, expected) in [
            ("plain", Ok("plain")),
            ("5$$ $$TAG", Ok("5$ $TAG")),
            ("$TAG-x", Ok("1.2-x")),
            ("${TAG}-x", Ok("1.2-x")),
            ("$D", Ok("$x}")),
            ("${NONE:-a}${NONE-b}${EMPTY:-c}${EMPTY-d}${TAG:-e}", Ok("abc1.2")),
            ("${NONE:-${TAG}}", Ok("1.2")),
            ("${NONE:-${OTHER:-x}}y", Ok("xy")),
            ("${TAG:+a}${NONE:+b}${EMPTY:+c}${EMPTY+d}", Ok("ad")),
            ("${TAG:?needed}", Ok("1.2")),
            ("$NONE ${OTHER}", Err("NONE OTHER")),
            ("${EMPTY:?needed}", Err("EMPTY")),
            ("${NONE:-$OTHER}", Err("OTHER")),
            ("${TAG", Err("`${` has no `}`")),
            ("5$", Err("a lone `$`")),
            ("$1", Err("a lone `$`")),
            ("${1}", Err("`${1}` is not a variable")),
            ("${TAG:}", Err("is not a variable")),
            ("${TAG!x}", Err("is not a variable")),
        ] {
            let mut missing = BTreeSet::new();
            let found = interpolate(text, &config, &mut missing).and_then(|filled| match missing.is_empty() {
                true => Ok(filled),
                false => Err(missing.into_iter().collect::<Vec<_>>().join(" ")),
            });
            match (found, expected) {
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
                (found, expected) => assert_eq!(found.ok().as_deref(), expected.ok(), "{text}"),
            }
        }
    }
}
