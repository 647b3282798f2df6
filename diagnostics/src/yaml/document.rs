//! A YAML document that is read value by value; every mistake is kept, with its key path and line.

use std::cell::{Cell, RefCell};

use super::{Node, Outline, Step, Value, YamlError, build, path_text};
use crate::{Origin, Problem, Problems};

/// Mistakes of one document that are told; a file with more of them is another kind of file.
const MOST_PROBLEMS: usize = 200;

/// A document and the mistakes found in it so far.
pub struct Document {
    file: String,
    outline: Outline,
    /// For each line of the text, the line of the file that it comes from; empty when they are the same.
    lines: Vec<usize>,
    root: Value,
    problems: RefCell<Vec<Problem>>,
    /// How many mistakes there are besides.
    untold: Cell<usize>,
}

impl Document {
    /// Reads a document; `file` is the name that mistakes bear. What is not YAML is a mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        Self::parse_rendered(file, text, Vec::new())
    }

    /// Reads a document that was rendered out of a file; `lines` has, for each line of the text, the line of the file.
    pub fn parse_rendered(file: &str, text: &str, lines: Vec<usize>) -> Result<Self, Problems> {
        let text = crate::file_text::without_mark(text);
        let mut document = Self {
            file: file.to_owned(),
            outline: Outline::default(),
            lines,
            root: Value::Null,
            problems: RefCell::default(),
            untold: Cell::default(),
        };
        match document.fill(text) {
            Ok(()) if document.outline.duplicates.is_empty() => Ok(document),
            Ok(()) => {
                let mut problems = Problems::new();
                for duplicate in &document.outline.duplicates {
                    let line = document.line_of_file(duplicate.line);
                    problems.add(Origin::File { path: document.file.clone(), line }, duplicate.message());
                }
                Err(problems)
            }
            Err(error) => {
                let mut problems = Problems::new();
                let line = error.line.and_then(|line| document.line_of_file(line));
                problems.add(Origin::File { path: document.file, line }, format!("not YAML: {}", error.message));
                Err(problems)
            }
        }
    }

    fn fill(&mut self, text: &str) -> Result<(), YamlError> {
        self.outline = Outline::read(text)?;
        if self.outline.duplicates.is_empty() {
            self.root = build(text)?;
            self.root.apply_merge().map_err(|error| YamlError { message: error.to_string(), line: None })?;
        }
        Ok(())
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

    pub(super) fn is_binary(&self, path: &[Step]) -> bool {
        self.outline.is_binary(path)
    }

    /// Keeps a mistake of the value at `path`.
    pub fn problem(&self, path: &[Step], message: impl Into<String>) {
        self.add(path, message, None);
    }

    pub(super) fn add(&self, path: &[Step], message: impl Into<String>, hint: Option<String>) {
        if self.problems.borrow().len() == MOST_PROBLEMS {
            return self.untold.set(self.untold.get() + 1);
        }
        let origin = Origin::File { path: self.file.clone(), line: self.line(path) };
        let message = match path {
            [] => message.into(),
            path => format!("`{}`: {}", path_text(path), message.into()),
        };
        self.problems.borrow_mut().push(Problem { origin, message, hint });
    }

    pub(super) fn line(&self, path: &[Step]) -> Option<usize> {
        self.outline.line(path).and_then(|line| self.line_of_file(line))
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
        if self.untold.get() > 0 {
            let origin = Origin::File { path: self.file, line: None };
            let message = format!("there are {} more mistakes like these", self.untold.get());
            found.push(Problem { origin, message, hint: None });
        }
        found.into_iter().collect()
    }
}
