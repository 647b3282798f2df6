//! A mapping of which all keys are known.

use std::cell::RefCell;

use super::Node;
use crate::suggestion;

/// Unknown keys of one mapping that are told one by one.
const MOST_UNKNOWN: usize = 20;

/// The entries of a mapping, taken out by name. What nobody took is unknown.
pub struct Fields<'a> {
    node: Node<'a>,
    entries: RefCell<Vec<(String, Node<'a>)>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(node: Node<'a>, entries: Vec<(String, Node<'a>)>) -> Self {
        Self { node, entries: RefCell::new(entries), known: RefCell::default() }
    }

    /// The mapping itself.
    pub fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// Takes the value of a key; a key without a value is as good as none.
    pub fn take(&self, key: &'static str) -> Option<Node<'a>> {
        self.known.borrow_mut().push(key);
        let mut entries = self.entries.borrow_mut();
        let index = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(index).1).filter(|node| !node.is_null())
    }

    /// Takes the value of a key that must be there.
    pub fn required(&self, key: &'static str) -> Option<Node<'a>> {
        let node = self.take(key);
        if node.is_none() {
            self.node.problem(format!("`{key}` is missing"));
        }
        node
    }

    /// Takes all entries whose key passes, with their keys.
    pub fn take_where(&self, test: impl Fn(&str) -> bool) -> Vec<(String, Node<'a>)> {
        let mut entries = self.entries.borrow_mut();
        let (taken, rest) = entries.drain(..).partition(|(name, _)| test(name));
        *entries = rest;
        taken
    }

    /// Keeps a mistake for each key that nobody took; of very many, for the first ones and one for all others.
    pub fn finish(self) {
        let known = self.known.into_inner();
        let unknown = self.entries.into_inner();
        for (name, node) in unknown.iter().take(MOST_UNKNOWN) {
            match suggestion(name, known.iter().copied()) {
                Some(right) => node.problem_with_hint("unknown key", format!("did you mean `{right}`?")),
                None => node.problem(format!("unknown key; known are {}", known.join(", "))),
            }
        }
        if let Some(more) = unknown.len().checked_sub(MOST_UNKNOWN).filter(|more| *more > 0) {
            self.node.problem(format!("{more} more keys are unknown; is this another kind of file?"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;

    #[test]
    fn of_very_many_unknown_keys_the_first_are_told() {
        let text: String = (0..10_000).map(|index| format!("key_{index}: 1\n")).collect();
        let document = Document::parse("c.yaml", &text).unwrap();
        let fields = document.root().fields().unwrap();
        fields.take("key");
        fields.finish();
        let told: Vec<String> = document.into_problems().iter().map(|problem| problem.message.clone()).collect();
        assert_eq!((told.len(), told[19].as_str()), (21, "`key_19`: unknown key"));
        assert_eq!(told[20], "9980 more keys are unknown; is this another kind of file?");
    }
}
