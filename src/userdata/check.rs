//! What was rendered, held once more against the rules of its reader. A user's file was judged alone before; what comes of
//! it and ours together, or of changed templates, is judged here.

use super::ignition_rules::version::{self, Readers};
use super::mistake::{Judged, Mistake};
use super::purpose::Purpose;
use super::{UserDataError, ignition_rules, json};
use cloudinit_rules::vocabulary::{has_header, is_multipart, is_script};
use diagnostics::yaml::{Document, Written};

/// So many mistakes are named.
const NAMED: usize = 5;

/// Refuses an Ignition document that the image's Ignition would refuse, with the keys that it is about.
pub(super) fn ignition(node: &str, text: &str, fedora_coreos: bool) -> Result<(), UserDataError> {
    let unreadable = |error: String| UserDataError::Template("ignition", error);
    let document = Document::parse("user-data", text).map_err(|problems| unreadable(problems.to_string()))?;
    let judged = ignition_rules::judge(&document.root(), Purpose::Rendered { fedora_coreos });
    refuse(node, judged.iter().filter_map(said).collect())
}

/// Refuses a cloud-config that coreos-cloudinit would stop at.
pub(super) fn cloud_config(node: &str, text: &str) -> Result<(), UserDataError> {
    let document = Document::parse("user-data", text)
        .map_err(|problems| UserDataError::Template("cloud-config", problems.to_string()))?;
    let root = document.root();
    let judgement = super::keys::judge(&root, &Written::read(text, root.value()), Purpose::CloudConfigAlone);
    // It is laid over nothing more: what could not be merged acts.
    let is_of_merge = |judged: &&Judged| judged.mistake.as_ref().is_some_and(Mistake::is_of_merge);
    refuse(node, judgement.judged.iter().filter(|judged| !is_of_merge(judged)).filter_map(said).collect())
}

/// Why a machine would not come up with a file that is sent as it is; nothing when it would. Ignition is what can keep it
/// from that: it stops the boot, where coreos-cloudinit, which runs later, only leaves its work undone.
pub fn whole(text: &str, fedora_coreos: bool) -> Vec<String> {
    let start = text.trim_start();
    if has_header(text) || is_script(text) || is_multipart(text) {
        return if fedora_coreos { vec!["Fedora CoreOS reads only Ignition".into()] } else { Vec::new() };
    }
    if !start.starts_with('{') {
        return vec!["it is neither Ignition (JSON), a cloud-config, a script nor multipart".into()];
    }
    let document = match json::document("user-data", text) {
        Ok((_, document)) => document,
        Err(problems) => return problems.iter().map(|problem| problem.message.clone()).collect(),
    };
    let root = document.root();
    let written = root.get("ignition").and_then(|node| node.get("version"));
    // Version 1 had a key of its own.
    let version = match &written {
        Some(node) => node.value().as_str().map(str::to_owned),
        None => root.get("ignitionVersion").and_then(|node| node.scalar()),
    };
    let Some(version) = version else {
        return vec!["`ignition.version` is missing; write `3.3.0`".into()];
    };
    if !Readers::of(&version, written.is_none()).include(fedora_coreos) {
        return vec!["`ignition.version` is one that the image does not read; write `3.3.0`".into()];
    }
    let Some(minor) = version::minor(&version) else { return Vec::new() };
    let is_flatcars_alone = |mistake: &Mistake| fedora_coreos && mistake.flatcar_alone;
    let stops = |mistake: &Mistake| !mistake.is_passed_over && !is_flatcars_alone(mistake);
    let judged = ignition_rules::judge(&root, Purpose::IgnitionAlone { minor });
    judged.iter().filter(|judged| judged.mistake.as_ref().is_some_and(stops)).filter_map(said).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_machine_from_coming_up() {
        let files =
            |file: &str| format!("{{\"ignition\": {{\"version\": \"3.3.0\"}}, \"storage\": {{\"files\": [{file}]}}}}");
        for (text, flatcar, fedora) in [
            ("#cloud-config\nx: [\n", true, false),
            ("#!/bin/sh\n", true, false),
            ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n", true, false),
            ("Content-Type: multipart/mixed; boundary=x\n", false, false),
            ("hello\n", false, false),
            ("{", false, false),
            ("{}", false, false),
            ("{\"ignition\": {\"version\": \"3.6.0\"}}", false, true),
            ("{\"ignition\": {\"version\": \"2.2.0\"}}", true, false),
            ("{\"ignition\": {\"version\": \"3.3\"}}", false, false),
            ("{\"ignitionVersion\": 1}", true, false),
            ("{\"ignitionVersion\": 2}", false, false),
            ("{\"ignition\": {\"version\": \"1\"}}", false, false),
            ("{\"ignition\": {\"version\": 3}}", false, false),
            ("{\"ignition\": {\"version\": \"3.5.0\"}}", true, true),
            (&files("{\"path\": \"/a\", \"contents\": {\"source\": \"data:,a\"}}"), true, true),
            (&files("{\"path\": \"/a\", \"contents\": {\"source\": \"data:,[a]\"}}"), false, false),
            (&files("{\"path\": \"/usr/local/a\"}"), false, true),
            // Lost, and yet the machine comes up.
            (&files("{\"path\": \"/run/a\"}, {\"path\": \"/b\", \"mod\": 1, \"mode\": 2541}"), true, true),
        ] {
            for (fedora_coreos, comes_up) in [(false, flatcar), (true, fedora)] {
                let found = whole(text, fedora_coreos);
                assert_eq!(found.is_empty(), comes_up, "{text} {fedora_coreos}: {found:?}");
            }
        }
    }
}
