//! Turns a [`ClusterSpec`] and its key material into what each machine reads at its first boot.
//!
//! The static base (`cloud-config/`) and rendered `templates/` make one typed [`UserData`]; the user's overlay is merged
//! over it; `ignition` writes the result down. Pure: the same inputs give the same bytes.

mod cloud_config;
mod file_owner;
mod ignition;
mod node;
mod overlay;
mod template;

pub use cloud_config::{CloudConfig, CoreOs, DropIn, Filesystem, Unit, Update, User, UserData, WriteFile};
pub use node::node_user_data;
pub use overlay::{InvalidOverlay, Overlay};
pub use template::render;

use crate::pki::Material;
use crate::spec::{ClusterSpec, Node};

/// Most bytes that Azure accepts as `osProfile.customData` before its base64.
/// <https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update#osprofile>
pub const CUSTOM_DATA_BYTES: usize = 65_535;

/// Why a node's user-data cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// It does not fit into customData.
    #[error(
        "the user-data of `{node}` has {bytes} bytes, {CUSTOM_DATA_BYTES} is the most Azure takes; largest parts: {largest}"
    )]
    TooLarge { node: String, bytes: usize, largest: String },
    /// A template names something that is not there; a bug of ours.
    #[error("rendering `{0}`: {1}")]
    Template(&'static str, String),
    /// The overlay and our configuration contradict each other.
    #[error(transparent)]
    Overlay(#[from] InvalidOverlay),
}

/// The Ignition 3.3.0 document of one node, at most [`CUSTOM_DATA_BYTES`] bytes of JSON.
pub fn ignition(spec: &ClusterSpec, node: &Node, material: &Material) -> Result<String, UserDataError> {
    let mut user_data = node_user_data(spec, node, material)?;
    if let Some(Overlay::CloudConfig { document, .. }) = &spec.custom_data {
        user_data.cloud_config.merge(document.clone());
    }
    let mut document = ignition::document(&user_data);
    if let Some(Overlay::Ignition { document: theirs, .. }) = &spec.custom_data {
        ignition::merge(&mut document, theirs);
    }
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| UserDataError::Template("ignition", error.to_string()))?;
    // Indented text is for people; the machine gets the compact form when that makes the difference.
    let text = if text.len() > CUSTOM_DATA_BYTES { document.to_string() } else { text };
    if text.len() > CUSTOM_DATA_BYTES {
        let largest = ignition::largest_parts(&document, 5);
        return Err(UserDataError::TooLarge { node: node.name.clone(), bytes: text.len(), largest });
    }
    Ok(text)
}
