//! The user's own file: merged over ours, or sent in its place.

use cloudinit_rules::vocabulary::HEADER;
use serde_json::Value;

use super::mistake::Judged;
use super::purpose::Purpose;
use super::size::CUSTOM_DATA_BYTES;
use super::{check, foreign, ignition_rules, json, read};
use crate::spec::Overlay;
use diagnostics::{Origin, Problems, quoted};

/// With comments and indentation, a file may be some times larger than what comes of it.
const MOST_MERGED_BYTES: usize = 4 * CUSTOM_DATA_BYTES;

impl Overlay {
    /// Reads a file that is merged over ours: a `#cloud-config` or an Ignition document, told apart by its first bytes.
    /// Every mistake with key, line and what to write instead; `file` is the name that they bear.
    pub fn parse(file: &str, text: &str, purpose: Purpose) -> Result<Self, Problems> {
        let problem = |line, message: &str, hint: &str| {
            let mut problems = Problems::new();
            problems.add_with_hint(Origin::File { path: file.to_owned(), line }, message, hint);
            Err(problems)
        };
        if text.len() > MOST_MERGED_BYTES {
            let what =
                format!("has {} bytes; {MOST_MERGED_BYTES} are the most that are read of a file to merge", text.len());
            let hint = format!("{CUSTOM_DATA_BYTES} bytes is the most Azure takes of what comes of it");
            return problem(None, &what, &hint);
        }
        if let Some(line) = foreign::byte_order_mark(text) {
            return problem(Some(line), foreign::BYTE_ORDER_MARK_IS_THERE, foreign::BYTE_ORDER_MARK_HINT);
        }
        if let Some(butane) = foreign::butane(text) {
            return problem(Some(butane.line), &butane.what(), foreign::BUTANE_HINT);
        }
        if text.trim_start().starts_with('{') {
            return parse_ignition(file, text, purpose);
        }
        if text.trim_start().starts_with(HEADER) {
            return read::cloud_config(file, text, purpose).map(|document| Self::CloudConfig { document });
        }
        if text.starts_with("#!") && text.contains("\r\n") {
            return problem(
                None,
                "is a script, which is not merged, and its lines end with CR LF, as on Windows, which no shell reads",
                "save it with LF; `--custom-data-only` sends any file as it is",
            );
        }
        // What no machine would come up with is refused by `--custom-data-only` too.
        let hint = match check::whole(text, purpose.image_is_fedora_coreos()).is_empty() {
            true => "`--custom-data-only` sends any file as it is",
            false => "write `#cloud-config` as its first line, or `{\"ignition\": {\"version\": \"3.3.0\"}}`",
        };
        problem(None, "neither starts with `#cloud-config` nor is an Ignition document (JSON)", hint)
    }

    /// Takes a file that is sent as it is, of any kind and at most [`CUSTOM_DATA_BYTES`] bytes.
    pub fn whole(file: &str, text: &str) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let origin = Origin::File { path: file.to_owned(), line: None };
        if text.len() > CUSTOM_DATA_BYTES {
            let message = format!("has {} bytes, {CUSTOM_DATA_BYTES} is the most Azure takes", text.len());
            problems.add(origin, message);
        } else if text.trim().is_empty() {
            problems.add(origin, "is empty");
        }
        if problems.is_empty() { Ok(Self::Whole { text: text.to_owned() }) } else { Err(problems) }
    }
}

/// Whether Ignition documents of this version are laid over ours, which is of version 3.3.0.
pub(super) fn is_merged_version(version: &str) -> bool {
    matches!(version, "3.0.0" | "3.1.0" | "3.2.0" | "3.3.0")
}

fn parse_ignition(file: &str, text: &str, purpose: Purpose) -> Result<Overlay, Problems> {
    let (json, document) = json::document(file, text)?;
    let root = document.root();
    match json.pointer("/ignition/version").and_then(Value::as_str) {
        Some(version) if is_merged_version(version) => {}
        version => {
            let hint = "write a version of 3.0.0 to 3.3.0; `--custom-data-only` sends any file as it is";
            match (version, root.get("ignition").and_then(|node| node.get("version"))) {
                (Some(version), Some(node)) => {
                    node.problem_with_hint(format!("Ignition version {} cannot be merged", quoted(version)), hint);
                }
                (None, Some(node)) => node.problem_with_hint("must be a text such as `3.3.0`", hint),
                _ => root.problem_with_hint("`ignition.version` is missing", hint),
            }
        }
    }
    let judged = ignition_rules::judge(&root, purpose);
    // What is wrong with the version has been said.
    judged.iter().filter(|judged| judged.node.path() != "ignition.version").for_each(Judged::report);
    let problems = document.into_problems();
    if problems.is_empty() { Ok(Overlay::Ignition { document: json }) } else { Err(problems) }
}
