//! The order of names that end in numbers.

use std::cmp::Ordering;

/// Numbers within names count as numbers: `node-2` comes before `node-10`.
pub fn natural_order(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (text_of_one, text_of_other) = (leading(one, false), leading(other, false));
        match text_of_one.cmp(text_of_other) {
            Ordering::Equal => {}
            different => return different,
        }
        (one, other) = (&one[text_of_one.len()..], &other[text_of_other.len()..]);
        let (digits_of_one, digits_of_other) = (leading(one, true), leading(other, true));
        let significant = |digits: &str| digits.trim_start_matches('0').to_owned();
        let (number_of_one, number_of_other) = (significant(digits_of_one), significant(digits_of_other));
        let by_value = number_of_one.len().cmp(&number_of_other.len()).then(number_of_one.cmp(&number_of_other));
        match by_value.then(digits_of_one.len().cmp(&digits_of_other.len())) {
            Ordering::Equal if digits_of_one.is_empty() => return one.cmp(other),
            Ordering::Equal => {}
            different => return different,
        }
        (one, other) = (&one[digits_of_one.len()..], &other[digits_of_other.len()..]);
    }
}

/// The digits, or everything but digits, that a text starts with.
fn leading(text: &str, digits: bool) -> &str {
    let end = text.find(|character: char| character.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let mut names = vec!["c-10", "c-2", "b-11", "c-1", "c", "c-02", "c-2-b", "c-2-a", ""];
        names.sort_by(|one, other| natural_order(one, other));
        assert_eq!(names, ["", "b-11", "c", "c-1", "c-2", "c-2-a", "c-2-b", "c-02", "c-10"]);
    }
}
