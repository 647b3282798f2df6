//! Turns a [`SettledSpec`] and its key material into what each machine reads at its first boot.
//!
//! Base file (`cloud-config/`) and rendered `templates/` make one typed [`UserData`]; the user's own file is merged over
//! it; `ignition` or `cloudinit` writes the result down. Pure: the same inputs give the same bytes.

mod account;
mod address;
mod check;
mod cloudinit;
mod fedora_coreos;
mod file_owner;
mod foreign;
mod ignition;
mod ignition_rules;
mod json;
mod keys;
pub mod lint;
mod member;
mod merge;
mod mistake;
mod node;
mod ours;
mod overlay;
mod path;
mod purpose;
mod read;
mod size;
mod template;
mod unit_content;
mod unit_name;

#[cfg(test)]
mod tests;

pub use check::whole as stopping;
pub use member::etcd_member_files;
pub use node::node_user_data;
pub use purpose::Purpose;
pub use size::CUSTOM_DATA_BYTES;
pub use template::render as render_template;

use std::collections::HashSet;

use crate::pki::Material;
use crate::spec::{Dialect, Overlay, cloud_config};
use crate::spec::{Node, SettledSpec};

/// What every node starts from.
const BASE_FILE: &str = "base.yaml";
/// Flatcar's unit for a member of etcd.
pub(crate) const ETCD_UNIT: &str = "etcd-member.service";

/// Why a node's user-data cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// It does not fit into customData.
    #[error("the user-data of `{node}` has {bytes} bytes, {CUSTOM_DATA_BYTES} is the most Azure takes{largest}")]
    TooLarge { node: String, bytes: usize, largest: String },
    /// A template names something that is not there, or its result is not what it must be.
    #[error("rendering `{0}`: {1}")]
    Template(&'static str, String),
    /// Ignition has no translation into cloud-config.
    #[error(
        "an Ignition file cannot be merged into cloud-config; write it as `#cloud-config`, or take format `ignition`"
    )]
    IgnitionInCloudConfig,
    /// Nobody would read it.
    #[error("Fedora CoreOS reads no cloud-config; take format `ignition`")]
    NoCloudConfig,
    /// Its reader would stop at it: a user's file and ours together, or changed templates.
    #[error("the machine would not take the user-data of `{node}`: {mistakes}")]
    Refused { node: String, mistakes: String },
    /// Only Ignition changes accounts that exist.
    #[error(
        "in cloud-config only keys and `passwd` of user `core` act, because `core` exists; take format `ignition` for the rest"
    )]
    CoreIsThere,
    /// A file is to be sent as it is, and none was read for that; or the other way round.
    #[error("there is no file to send as the whole user-data; give `--custom-data FILE` with `--custom-data-only`")]
    NoWholeFile,
}

/// The user-data of one node, at most [`CUSTOM_DATA_BYTES`] bytes of text.
///
/// With `spec.custom_data_only` it is the user's file, untouched and whatever the dialect.
pub fn render(spec: &SettledSpec, node: &Node, material: &Material, dialect: Dialect) -> Result<String, UserDataError> {
    match (&spec.custom_data, spec.custom_data_only) {
        (Some(Overlay::Whole { text }), true) => return size::checked(text.clone(), &node.name, Vec::new()),
        (Some(Overlay::Whole { .. }), false) | (_, true) => return Err(UserDataError::NoWholeFile),
        _ => {}
    }
    if spec.image.is_fedora_coreos() && dialect == Dialect::CloudConfig {
        return Err(UserDataError::NoCloudConfig);
    }
    let mut user_data = node_user_data(spec, node, material)?;
    let ours: HashSet<String> = user_data.cloud_config.coreos.units.iter().map(|unit| unit.name.clone()).collect();
    if let Some(Overlay::CloudConfig { document }) = &spec.custom_data {
        user_data.cloud_config.merge(address::put_in(document, node.address));
    }
    if spec.image.is_fedora_coreos() {
        fedora_coreos::adapt(&mut user_data, &spec.templates)?;
    }
    let theirs = match &spec.custom_data {
        Some(Overlay::Ignition { document }) => Some(document),
        _ => None,
    };
    // Ours alone is held against the real readers by tests.
    let is_to_be_checked = spec.custom_data.is_some() || !spec.templates.is_shipped();
    match dialect {
        Dialect::Ignition => {
            let mut document = ignition::document(&user_data);
            if let Some(theirs) = theirs {
                ignition::merge(&mut document, theirs);
            }
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| UserDataError::Template("ignition", error.to_string()))?;
            // Indented text is for people; the machine gets the compact form when that makes the difference.
            let text = if text.len() > CUSTOM_DATA_BYTES { document.to_string() } else { text };
            if is_to_be_checked {
                check::ignition(&node.name, &text, spec.image.is_fedora_coreos())?;
            }
            size::checked(text, &node.name, ignition::parts(&document))
        }
        Dialect::CloudConfig if theirs.is_some() => Err(UserDataError::IgnitionInCloudConfig),
        Dialect::CloudConfig => {
            let document = cloudinit::document(&user_data, &spec.templates, &|name| ours.contains(name))?;
            let text = cloudinit::text(&document)?;
            if is_to_be_checked {
                check::cloud_config(&node.name, &text)?;
            }
            size::checked(text, &node.name, cloudinit::parts(&document))
        }
    }
}
