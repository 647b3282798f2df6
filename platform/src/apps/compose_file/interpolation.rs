//! Variables in one text of a Compose file, out of an app's configuration.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>

use std::collections::BTreeMap;

use crate::apps::Config;
use crate::compose::{Variable, fill_in};

/// Names that a text uses and that are not set, each with what the file says about it in `${NAME:?words}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing(BTreeMap<String, Option<String>>);

impl Missing {
    /// Adds a name; what the file says about it first is kept.
    pub(super) fn add(&mut self, name: &str, words: Option<&str>) {
        let known = self.0.entry(name.to_owned()).or_default();
        if known.is_none() {
            *known = words.filter(|words| !words.is_empty()).map(str::to_owned);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names with what is said about them, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, words)| (name.as_str(), words.as_deref()))
    }
}

/// Fills in `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `${NAME+other}`,
/// `${NAME:?message}` and `${NAME?message}`; `$$` is a dollar sign. Names that are not set are added to `missing`.
pub(super) fn interpolate(text: &str, config: &Config, missing: &mut Missing) -> Result<String, String> {
    fill_in(text, |variable| value(variable, config, missing))
}

/// A text that the next reader of the file takes as it is.
pub(super) fn quoted(text: &str) -> String {
    text.replace('$', "$$")
}

fn value(variable: Variable, config: &Config, missing: &mut Missing) -> Result<String, String> {
    let set = config.get(variable.name);
    // With a colon an empty value counts as none.
    let (set, operation) = match variable.operation.strip_prefix(':') {
        Some(operation) => (set.filter(|value| !value.is_empty()), operation),
        None => (set, variable.operation),
    };
    match (operation.chars().next(), set) {
        (None, _) if !variable.operation.is_empty() => Err(variable.malformed()),
        (None | Some('-' | '?'), Some(value)) => Ok(value.to_owned()),
        (None | Some('?'), None) => {
            missing.add(variable.name, operation.strip_prefix('?'));
            Ok(String::new())
        }
        (Some('-'), None) | (Some('+'), Some(_)) => interpolate(&operation[1..], config, missing),
        (Some('+'), None) => Ok(String::new()),
        _ => Err(variable.malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::ConfigChange;

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
            ("$NONE ${OTHER}", Err("NONE, OTHER")),
            ("${EMPTY:?of the shop}", Err("EMPTY (of the shop)")),
            ("$NONE ${NONE?needed} ${NONE?or else}", Err("NONE (needed)")),
            ("${NONE:?}", Err("NONE")),
            ("${NONE:-$OTHER}", Err("OTHER")),
            ("${TAG", Err("`${` has no `}`")),
            ("5$", Err("a lone `$`")),
            ("$1", Err("a lone `$`")),
            ("${1}", Err("`${1}` is not a variable")),
            ("${TAG:}", Err("is not a variable")),
            ("${TAG!x}", Err("is not a variable")),
        ] {
            let mut missing = Missing::default();
            let found = interpolate(text, &config, &mut missing).and_then(|filled| match missing.is_empty() {
                true => Ok(filled),
                false => {
                    let words = |words: Option<&str>| words.map(|words| format!(" ({words})")).unwrap_or_default();
                    let listed: Vec<String> =
                        missing.iter().map(|(name, said)| name.to_owned() + &words(said)).collect();
                    Err(listed.join(", "))
                }
            });
            match (found, expected) {
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
                (found, expected) => assert_eq!(found.ok().as_deref(), expected.ok(), "{text}"),
            }
        }
    }
}
