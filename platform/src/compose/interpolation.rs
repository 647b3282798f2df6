//! Variables in a Compose file: the scanner for all files, and what counts in a bundle's.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

/// A variable as a text names it: `$NAME` or `${NAME…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable<'t> {
    pub name: &'t str,
    /// What follows the name within the braces: `:-default`; mostly nothing.
    pub operation: &'t str,
}

impl Variable<'_> {
    /// Why it is none.
    pub fn malformed(&self) -> String {
        format!("`${{{}{}}}` is not a variable; write `$$` for a dollar sign", self.name, self.operation)
    }
}

/// `text` with every variable replaced by its `value`; `$$` is a dollar sign.
pub fn fill_in(text: &str, mut value: impl FnMut(Variable) -> Result<String, String>) -> Result<String, String> {
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
            let (name, operation) = name_of(&tail[..end]);
            let variable = Variable { name, operation };
            if name.is_empty() {
                return Err(variable.malformed());
            }
            filled.push_str(&value(variable)?);
            rest = &tail[end + 1..];
        } else {
            let (name, tail) = name_of(rest);
            if name.is_empty() {
                return Err("a lone `$` means nothing; write `$$` for a dollar sign".into());
            }
            filled.push_str(&value(Variable { name, operation: "" })?);
            rest = tail;
        }
    }
    filled.push_str(rest);
    Ok(filled)
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

/// Fills in one text of a bundle. No variable is set there, so `${NAME:-default}` and `${NAME-default}` are the default,
/// `${NAME:+text}` is nothing, and all else is an error.
pub(super) fn interpolate(text: &str) -> Result<String, String> {
    fill_in(text, |variable| {
        let operation = variable.operation;
        let default = ["+", ":+"]
            .iter()
            .find_map(|lead| operation.strip_prefix(lead).map(|_| ""))
            .or_else(|| [":-", "-"].iter().find_map(|lead| operation.strip_prefix(lead)));
        let Variable { name, .. } = variable;
        match default {
            Some(default) if default.contains('$') => {
                Err(format!("`${{{name}{operation}}}`: a default cannot hold a variable"))
            }
            Some(default) => Ok(default.to_owned()),
            None => {
                let words = [":?", "?"].iter().find_map(|lead| operation.strip_prefix(lead)).unwrap_or_default();
                let words = if words.is_empty() { String::new() } else { format!(" ({words})") };
                Err(format!("variable `{name}`{words} is not set: write its value here, or `$$` for a dollar sign"))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defaults_count() {
        for (text, filled) in [
            ("plain", Ok("plain")),
            ("cost: 5$$, $$HOME", Ok("cost: 5$, $HOME")),
            ("${TAG:-1.2}-x", Ok("1.2-x")),
            ("${TAG-1.2}", Ok("1.2")),
            ("a${TAG:+b}c", Ok("ac")),
            ("$TAG", Err("variable `TAG` is not set")),
            ("${TAG}", Err("variable `TAG` is not set")),
            ("${TAG:?the image's}", Err("variable `TAG` (the image's) is not set")),
            ("${TAG", Err("`${` has no `}`")),
            ("5$", Err("a lone `$`")),
            ("${1}", Err("`${1}` is not a variable")),
            ("${A:-${B}}", Err("a default cannot hold a variable")),
        ] {
            match (interpolate(text), filled) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => {
                    assert!(found.contains(expected), "{text}: {found}");
                }
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }
}
