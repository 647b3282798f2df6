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
pub use serde_yaml::Value;
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
        YamlError { message: error.to_string(), line }
    })
}

/// Writes one document.
pub fn to_string(value: &impl Serialize) -> Result<String, YamlError> {
    serde_yaml::to_string(value).map_err(|error| YamlError { message: error.to_string(), line: None })
}
