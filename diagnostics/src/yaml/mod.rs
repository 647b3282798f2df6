//! YAML in and out. The only place that knows which crate does it.

mod document;
mod fields;
mod node;
mod position;

pub use document::Document;
pub use fields::Fields;
pub use node::Node;
pub use position::{Step, line_of, path_text};
pub use serde_yaml::Value;

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

/// Reads one document.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    serde_yaml::from_str(text).map_err(|error| {
        let line = error.location().map(|location| location.line());
        YamlError { message: error.to_string(), line }
    })
}

/// Writes one document.
pub fn to_string(value: &impl Serialize) -> Result<String, YamlError> {
    serde_yaml::to_string(value).map_err(|error| YamlError { message: error.to_string(), line: None })
}
