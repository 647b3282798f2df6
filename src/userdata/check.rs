//! What was rendered, held once more against the rules of its reader. A user's file was judged alone before; what comes of
//! it and ours together, or of changed templates, is judged here.

use super::mistake::Judged;
use super::purpose::Purpose;
use super::{UserDataError, ignition_rules};
use diagnostics::yaml::{Document, Written};

/// So many mistakes are named.
const NAMED: usize = 5;

/// Refuses an Ignition document that the image's Ignition would refuse, with the keys that it is about.
pub fn ignition(node: &str, text: &str, fedora_coreos: bool) -> Result<(), UserDataError> {
    let unreadable = |error: String| UserDataError::Template("ignition", error);
    let document = Document::parse("user-data", text).map_err(|problems| unreadable(problems.to_string()))?;
    let judged = ignition_rules::judge(&document.root(), Purpose::Rendered { fedora_coreos });
    refuse(node, judged.iter().filter_map(said).collect())
}

/// Refuses a cloud-config that coreos-cloudinit would stop at.
pub fn cloud_config(node: &str, text: &str) -> Result<(), UserDataError> {
    let document = Document::parse("user-data", text)
        .map_err(|problems| UserDataError::Template("cloud-config", problems.to_string()))?;
    let root = document.root();
    let judgement = super::keys::judge(&root, &Written::read(text, root.value()), Purpose::CloudConfigAlone);
    refuse(node, judgement.judged.iter().filter_map(said).collect())
}

fn said(judged: &Judged) -> Option<String> {
    judged.mistake.as_ref().map(|mistake| format!("`{}` {}", judged.node.path(), mistake.text()))
}

fn refuse(node: &str, mistakes: Vec<String>) -> Result<(), UserDataError> {
    if mistakes.is_empty() {
        return Ok(());
    }
    let more = mistakes.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    let mistakes = mistakes[..mistakes.len().min(NAMED)].join("; ") + &more;
    Err(UserDataError::Refused { node: node.to_owned(), mistakes })
}
