//! A YAML document that is read value by value; every mistake is kept, with its key path and line.

use std::cell::RefCell;

use super::{Node, Step, Value, line_of, path_text};
use crate::{Origin, Problem, Problems};

/// A document and the mistakes found in it so far.
pub struct Document {
    file: String,
    text: String,
    /// For each line of the text, the line of the file that it comes from; empty when they are the same.
    lines: Vec<usize>,
    root: Value,
    problems: RefCell<Vec<Problem>>,
}

impl Document {
    /// Reads a document; `file` is the name that mistakes bear. What is not YAML is a mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_rendered(file, text, Vec::new())
    }

    /// Reads a document that was rendered out of a file; `lines` has, for each line of the text, the line of the file.
    pub fn parse_rendered(file: &str, text: &str, lines: Vec<usize>) -> Result<Self, Problems> {
        let parsed = super::from_str(text).and_then(|mut root: Value| {
            root.apply_merge().map_err(|error| super::YamlError { message: error.to_string(), line: None })?;
            Ok(root)
        });
        let mut document = Self {
            file: file.to_owned(),
            text: text.to_owned(),
            lines,
            root: Value::Null,
            problems: RefCell::default(),
        };
        match parsed {
            Ok(root) => {
                document.root = root;
                Ok(document)
            }
            Err(error) => {
                let mut problems = Problems::new();
                let line = error.line.and_then(|line| document.line_of_file(line));
                problems.add(Origin::File { path: document.file, line }, format!("not YAML: {}", error.message));
                Err(problems)
            }
        }
    }

    /// The whole document.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, &self.root, Vec::new())
    }

    /// Puts every text value through `change`; an error of it is a mistake of that value.
    pub fn map_texts(&mut self, change: &dyn Fn(&str) -> Result<String, String>) {
        let mut root = std::mem::take(&mut self.root);
        let mut path = Vec::new();
        self.map_texts_of(&mut root, &mut path, change);
        self.root = root;
    }

    fn map_texts_of(&self, value: &mut Value, path: &mut Vec<Step>, change: &dyn Fn(&str) -> Result<String, String>) {
        match value {
            Value::String(text) => match change(text) {
                Ok(changed) => *text = changed,
                Err(message) => self.add(path, message, None),
            },
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(Step::Index(index));
                    self.map_texts_of(item, path, change);
                    path.pop();
                }
            }
            Value::Mapping(mapping) => {
                for (key, item) in mapping.iter_mut() {
                    path.push(Step::Key(super::node::key_text(key)));
                    self.map_texts_of(item, path, change);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Keeps a mistake of the value at `path`.
    pub fn problem(&self, path: &[Step], message: impl Into<String>) {
        self.add(path, message, None);
    }

    pub(super) fn add(&self, path: &[Step], message: impl Into<String>, hint: Option<String>) {
        let origin = Origin::File { path: self.file.clone(), line: self.line(path) };
        let message = match path {
            [] => message.into(),
            path => format!("`{}`: {}", path_text(path), message.into()),
        };
        self.problems.borrow_mut().push(Problem { origin, message, hint });
    }

    pub(super) fn line(&self, path: &[Step]) -> Option<usize> {
        line_of(&self.text, path).and_then(|line| self.line_of_file(line))
    }

    fn line_of_file(&self, line: usize) -> Option<usize> {
        match self.lines.is_empty() {
            true => Some(line),
            false => self.lines.get(line - 1).copied(),
        }
    }

    /// All mistakes found, in the order of their lines.
    pub fn into_problems(self) -> Problems {
        let mut found = self.problems.into_inner();
        let line = |problem: &Problem| match problem.origin {
            Origin::File { line: Some(line), .. } => line,
            _ => usize::MAX,
        };
        found.sort_by_key(line);
        found.into_iter().collect()
    }
}
