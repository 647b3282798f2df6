//! One value of a document, and the readers of its types.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Document, Fields, Step, Value};

/// A value and its place. Readers answer `None` after they kept a mistake.
#[derive(Clone)]
pub struct Node<'a> {
    document: &'a Document,
    value: &'a Value,
    path: Vec<Step>,
}

impl<'a> Node<'a> {
    pub(super) fn new(document: &'a Document, value: &'a Value, path: Vec<Step>) -> Self {
        Self { document, value, path }
    }

    /// The value as it stands.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Whether nothing is written here.
    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// Keeps a mistake of this value.
    pub fn problem(&self, message: impl Into<String>) {
        self.document.add(&self.path, message, None);
    }

    /// Keeps a mistake of this value with its remedy.
    pub fn problem_with_hint(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.document.add(&self.path, message, Some(hint.into()));
    }

    /// The value, or its error as a mistake.
    pub fn take<T, E: std::fmt::Display>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problem(error.to_string())).ok()
    }

    /// What stands at `path` in messages: `services.web.image`.
    pub fn path(&self) -> String {
        super::path_text(&self.path)
    }

    /// The steps from the document's root to here.
    pub fn steps(&self) -> &[Step] {
        &self.path
    }

    /// The value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.as_mapping()?.get(key)?;
        Some(self.child(Step::Key(key.to_owned()), value))
    }

    /// The value for messages, shortened.
    pub fn described(&self) -> String {
        describe(self.value)
    }

    /// Whether it has the tag `!!binary`: its text is base64 of what is meant.
    pub fn is_binary(&self) -> bool {
        self.document.is_binary(&self.path)
    }

    /// The line of its key or element in the file, counted from 1; none for the whole document.
    pub fn line(&self) -> Option<usize> {
        self.document.line(&self.path)
    }

    fn child(&self, step: Step, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { document: self.document, value, path }
    }

    fn expected(&self, what: &str) {
        self.problem(format!("must be {what}, found {}", describe(self.value)));
    }

    /// A mapping's entries in order; keys are text.
    pub fn entries(&self) -> Option<Vec<(String, Node<'a>)>> {
        match self.value {
            Value::Mapping(mapping) => Some(
                mapping
                    .iter()
                    .map(|(key, value)| {
                        let key = key_text(key);
                        (key.clone(), self.child(Step::Key(key), value))
                    })
                    .collect(),
            ),
            _ => {
                self.expected("a mapping (`key: value`)");
                None
            }
        }
    }

    /// A mapping with known keys.
    pub fn fields(&self) -> Option<Fields<'a>> {
        Some(Fields::new(self.clone(), self.entries()?))
    }

    /// A list's elements in order.
    pub fn items(&self) -> Option<Vec<Node<'a>>> {
        match self.value {
            Value::Sequence(items) => {
                Some(items.iter().enumerate().map(|(index, item)| self.child(Step::Index(index), item)).collect())
            }
            _ => {
                self.expected("a list");
                None
            }
        }
    }

    /// A text; numbers and booleans are mistakes.
    pub fn string(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => {
                self.problem(format!("must be a text, found {}; put it in quotes", describe(self.value)));
                None
            }
            _ => {
                self.expected("a text");
                None
            }
        }
    }

    /// A text, number or boolean as text.
    pub fn scalar(&self) -> Option<String> {
        let text = scalar_text(self.value);
        if text.is_none() {
            self.expected("a text or a number");
        }
        text
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(*value),
            Value::String(text) if text == "true" || text == "false" => Some(text == "true"),
            _ => {
                self.expected("`true` or `false`");
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let value = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            match (*range.start(), *range.end()) {
                (least, i64::MAX) => self.expected(&format!("a whole number, {least} or more")),
                (least, most) => self.expected(&format!("a whole number, {least} to {most}")),
            }
        }
        value
    }

    /// A number.
    pub fn number(&self) -> Option<f64> {
        let value = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let value = value.filter(|value: &f64| value.is_finite());
        if value.is_none() {
            self.expected("a number");
        }
        value
    }

    /// A list of texts or numbers.
    pub fn scalars(&self) -> Option<Vec<String>> {
        Some(self.items()?.iter().filter_map(Node::scalar).collect())
    }

    /// One text or a list of them.
    pub fn scalar_or_scalars(&self) -> Option<Vec<String>> {
        match self.value {
            Value::Sequence(_) => self.scalars(),
            _ => Some(vec![self.scalar()?]),
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let words = choices.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let found = self.value.as_str().and_then(|text| choices.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            self.expected(&format!("one of {words}"));
        }
        found.map(|(_, value)| *value)
    }

    /// A mapping of texts; numbers and booleans become text, nothing becomes the empty text.
    pub fn text_map(&self) -> Option<BTreeMap<String, String>> {
        let entries = self.entries()?;
        Some(
            entries
                .into_iter()
                .filter_map(|(key, node)| match node.is_null() {
                    true => Some((key, String::new())),
                    false => Some((key, node.scalar()?)),
                })
                .collect(),
        )
    }
}

/// A scalar's text as it would be written; none for mappings, lists and nothing.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A key as it stands in paths.
pub(super) fn key_text(key: &Value) -> String {
    scalar_text(key).unwrap_or_else(|| "null".into())
}

/// A value for messages.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(text) => crate::quoted(text),
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a mapping".into(),
        Value::Tagged(tagged) => format!("the tag `{}`", tagged.tag),
    }
}
