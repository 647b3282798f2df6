//! Instances of a component: which are meant, and which task is which.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

/// Which instances of a component; they count from 1. Of a replicated service the number is the task's slot, of a global
/// one the place of the task's node among all nodes in [`natural_order`], so it stays the same when a node is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instances {
    All,
    Numbered(BTreeSet<u32>),
}

impl Instances {
    /// One instance.
    pub fn numbered(number: u32) -> Self {
        Self::Numbered(BTreeSet::from([number]))
    }

    /// Whether this one is meant.
    pub fn include(&self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Numbered(numbers) => numbers.contains(&number),
        }
    }

    /// These and those.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Numbered(mut numbers), Self::Numbered(others)) => {
                numbers.extend(others);
                Self::Numbered(numbers)
            }
            _ => Self::All,
        }
    }

    /// The number of the task in `slot`, or, without one, of the task on `node`; `nodes` are the cluster's in
    /// [`natural_order`]. None for a task without a place, or on a machine that is not of the cluster.
    pub fn number_of(slot: Option<i64>, node: &str, nodes: &[&str]) -> Option<u32> {
        match slot {
            Some(slot) => u32::try_from(slot).ok(),
            None => u32::try_from(nodes.iter().position(|name| *name == node)? + 1).ok(),
        }
    }
}

impl fmt::Display for Instances {
    /// `@1,3`; nothing when all are meant.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Numbered(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                write!(formatter, "@{}", numbers.join(","))
            }
        }
    }
}

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

    #[test]
    fn tasks_have_numbers() {
        let nodes = ["n-1", "n-2", "n-10"];
        for (slot, node, expected) in [
            (Some(4), "n-1", Some(4)),
            (None, "n-10", Some(3)),
            (None, "n-1", Some(1)),
            (None, "", None),
            (None, "elsewhere", None),
        ] {
            assert_eq!(Instances::number_of(slot, node, &nodes), expected, "{slot:?} {node}");
        }
    }
}
