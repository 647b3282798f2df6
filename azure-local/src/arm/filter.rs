//! OData's `$filter` as far as most lists take it: `a eq 'x' and b eq 'y'`, and its words.

use crate::arm::error::ArmError;

/// One `name eq 'value'`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub name: String,
    pub value: String,
}

/// The clauses of a filter, all of which must hold. Anything but `eq` and `and` is refused with 400.
pub(crate) fn parse(text: &str) -> Result<Vec<Clause>, ArmError> {
    let refused = || {
        ArmError::bad(
            "InvalidFilterInQueryString",
            format!("Invalid $filter '{text}' specified in the query string. Only 'eq' and 'and' are supported."),
        )
    };
    let mut clauses = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(char::is_whitespace).ok_or_else(refused)?;
        let after = after.trim_start();
        let value = strip_word(after, "eq").and_then(|value| value.strip_prefix('\'')).ok_or_else(refused)?;
        let (value, after) = quoted(value).ok_or_else(refused)?;
        clauses.push(Clause { name: name.to_owned(), value });
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = strip_word(rest, "and").filter(|rest| !rest.is_empty()).ok_or_else(refused)?;
        }
    }
    Ok(clauses)
}

/// What follows `word` and at least one space.
pub(crate) fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (found, rest) = text.split_once(char::is_whitespace)?;
    found.eq_ignore_ascii_case(word).then(|| rest.trim_start())
}

/// The text up to the closing quote, in which `''` stands for `'`, and what follows it.
pub(crate) fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value += part;
        match after.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_conjunctions_of_equalities() {
        let table = [
            ("", Some("")),
            ("location eq 'westeurope'", Some("location=westeurope;")),
            ("tagName eq 'a' and tagValue eq 'b c'", Some("tagName=a;tagValue=b c;")),
            ("a  EQ  'x'  AND b eq ''", Some("a=x;b=;")),
            ("a eq 'it''s'", Some("a=it's;")),
            ("a ne 'x'", None),
            ("a eq 'x' or b eq 'y'", None),
            ("a eq 'x", None),
            ("a eq 'x' and ", None),
        ];
        for (text, expected) in table {
            let found = parse(text).ok().map(|clauses| {
                clauses.iter().map(|clause| format!("{}={};", clause.name, clause.value)).collect::<String>()
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
