//! The user's own file, once `userdata` has read it: merged over ours, or sent in its place.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloud_config::CloudConfig;

/// A user's own file.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlay {
    /// A `#cloud-config` that is merged over ours.
    CloudConfig { document: CloudConfig },
    /// An Ignition document of spec 3.0.0 to 3.3.0 that is merged over ours.
    Ignition { document: Value },
    /// Any text, sent untouched as the whole user-data.
    Whole { text: String },
}

impl fmt::Debug for Overlay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user's file may hold secrets.
        formatter.write_str(match self {
            Self::CloudConfig { .. } => "Overlay::CloudConfig",
            Self::Ignition { .. } => "Overlay::Ignition",
            Self::Whole { .. } => "Overlay::Whole",
        })
    }
}
