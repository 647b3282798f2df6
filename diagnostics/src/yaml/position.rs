//! The way from a document to a value in it.

use super::Outline;

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The value of a key of a mapping.
    Key(String),
    /// An element of a sequence, the first is 0.
    Index(usize),
}

/// A path as people write it: `services.web.ports[0]`.
pub fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// The line of the key or element at the end of the path, counted from 1; of the nearest one around it when the text has
/// none there, as with merged keys. For many paths of one text, [`Document`](super::Document) knows all of them at once.
pub fn line_of(text: &str, path: &[Step]) -> Option<usize> {
    Outline::read(text).ok()?.line(path)
}
