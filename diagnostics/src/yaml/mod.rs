//! YAML in and out. The only place that knows which crates do it.

mod document;
mod fields;
mod node;
mod outline;
mod position;
mod written;

pub use document::Document;
pub use fields::Fields;
pub use node::Node;
pub use position::{Step, line_of, path_text};
pub use serde_yaml::{Mapping, Value};
pub use written::Written;

use outline::Outline;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a text is not the document it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// What is wrong.
    pub message: String,
    /// Counted from 1, where known.
    pub line: Option<usize>,
}

/// Reads one document; a byte order mark before it is passed over.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let text = text.strip_prefix(crate::BYTE_ORDER_MARK).unwrap_or(text);
    match Outline::read(text)?.duplicates.first() {
        Some(duplicate) => Err(YamlError { message: duplicate.message(), line: Some(duplicate.line) }),
        None => build(text),
    }
}

/// Reads a document whose outline is good.
fn build<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    serde_yaml::from_str(text).map_err(|error| {
        let line = error.location().map(|location| location.line());
        YamlError { message: plain(error.to_string()), line }
    })
}

/// The crate speaks of its own workings.
fn plain(message: String) -> String {
    match message.contains("more than one document") {
        true => "there is more than one document in it; keep one, without the line `---` after it".into(),
        false => message,
    }
}

/// Writes one document.
pub fn to_string(value: &impl Serialize) -> Result<String, YamlError> {
    serde_yaml::to_string(value).map_err(|error| YamlError { message: error.to_string(), line: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_document_is_told_in_plain_words() {
        for text in ["a: 1\n---\nb: 2\n", "---\na: 1\n---\n"] {
            let problems = Document::parse("c.yaml", text).err().unwrap().to_string();
            assert!(problems.contains("not YAML: there is more than one document in it; keep one"), "{problems}");
        }
        assert!(Document::parse("c.yaml", "---\na: 1\n").is_ok());
    }
}
