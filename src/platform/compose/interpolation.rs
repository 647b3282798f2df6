//! Variables in a Compose file. None is set, so only defaults count.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

/// Fills in one text: `$$` is `$`, `${NAME:-default}` and `${NAME-default}` are the default, `${NAME:+text}` is nothing.
pub fn interpolate(text: &str) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        filled.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            filled.push('$');
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix('{') {
            let end = tail.find('}').ok_or("`${` has no `}`; write `$$` for a dollar sign")?;
            filled.push_str(default_of(&tail[..end])?);
            rest = &tail[end + 1..];
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            return Err(match &rest[..end] {
                "" => "a lone `$` means nothing; write `$$` for a dollar sign".into(),
                name => unset(name),
            });
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn default_of(inside: &str) -> Result<&str, String> {
    let end = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inside.len());
    let (name, operation) = inside.split_at(end);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let default = ["+", ":+"]
        .iter()
        .find_map(|lead| operation.strip_prefix(lead).map(|_| ""))
        .or_else(|| [":-", "-"].iter().find_map(|lead| operation.strip_prefix(lead)));
    match default {
        _ if !is_name => Err(format!("`${{{inside}}}` is not a variable; write `$$` for a dollar sign")),
        Some(default) if default.contains('$') => Err(format!("`${{{inside}}}`: a default cannot hold a variable")),
        Some(default) => Ok(default),
        None => Err(unset(name)),
    }
}

fn unset(name: &str) -> String {
    format!("variable `{name}` is not set: write its value here, or `$$` for a dollar sign")
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
            ("${TAG:?needed}", Err("variable `TAG` is not set")),
            ("${TAG", Err("`${` has no `}`")),
            ("5$", Err("a lone `$`")),
            ("${1}", Err("`${1}` is not a variable")),
            ("${A:-${B}}", Err("a default cannot hold a variable")),
        ] {
            match (interpolate(text), filled) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
                (Err(found), Err(expected)) => {
                    assert!(found.starts_with(expected) || found.contains(expected), "{text}: {found}")
                }
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        }
    }
}
