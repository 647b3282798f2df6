//! The user's own file: merged over ours, or sent in its place.

use serde_json::Value;

use super::cloud_config::HOSTNAME_FILE;
use super::size::CUSTOM_DATA_BYTES;
use super::{ignition_keys, read};
use crate::spec::Overlay;
use diagnostics::yaml::Document;
use diagnostics::{Origin, Problems};

/// Some editors put it before the first character; no machine looks past it.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

impl Overlay {
    /// Reads a file that is merged over ours: a `#cloud-config` or an Ignition document, told apart by its first bytes.
    /// Every mistake with key, line and what to write instead; `file` is the name that they bear.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let start = text.trim_start();
        let problem = |line, message: &str, hint: &str| {
            let mut problems = Problems::new();
            problems.add_with_hint(Origin::File { path: file.to_owned(), line }, message, hint);
            Err(problems)
        };
        if start.starts_with(BYTE_ORDER_MARK) {
            return problem(Some(1), "begins with a byte order mark, which hides what it is", "save it without one");
        }
        if start.starts_with('{') {
            return parse_ignition(file, text);
        }
        if start.starts_with(read::HEADER) {
            return read::cloud_config(file, text).map(|document| Self::CloudConfig { document });
        }
        problem(
            None,
            "neither starts with `#cloud-config` nor is an Ignition document (JSON)",
            "`--custom-data-only` sends any file as it is",
        )
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

fn parse_ignition(file: &str, text: &str) -> Result<Overlay, Problems> {
    let json: Value = serde_json::from_str(text).map_err(|error| {
        let mut problems = Problems::new();
        let origin = Origin::File { path: file.to_owned(), line: Some(error.line()) };
        problems.add(origin, format!("not JSON: {error}"));
        problems
    })?;
    let document = Document::parse(file, text)?;
    let root = document.root();
    match json.pointer("/ignition/version").and_then(Value::as_str) {
        Some("3.0.0" | "3.1.0" | "3.2.0" | "3.3.0") => {}
        version => {
            let hint = "write a version of 3.0.0 to 3.3.0; `--custom-data-only` sends any file as it is";
            let node = ignition_keys::child(&root, "ignition").and_then(|node| ignition_keys::child(&node, "version"));
            match (version, node) {
                (Some(version), Some(node)) => {
                    node.problem_with_hint(format!("Ignition version `{version}` cannot be merged"), hint);
                }
                _ => root.problem_with_hint("`ignition.version` is missing", hint),
            }
        }
    }
    ignition_keys::walk(&root, &mut |key, node| match &key.mistake {
        _ if node.is_null() => node.problem_with_hint("is null, which would take ours away", "leave the key out"),
        Some((why, instead)) => node.problem_with_hint(why.as_str(), instead.as_str()),
        None if ignition_keys::is_later(&key.path) => {
            node.problem_with_hint("is newer than version 3.3.0", "leave it out");
        }
        None if key.path == "storage.files[].path" && node.value().as_str() == Some(HOSTNAME_FILE) => {
            let hint = "leave it out: each node's name is its hostname";
            node.problem_with_hint(format!("`{HOSTNAME_FILE}` cannot be written"), hint);
        }
        None => {}
    });
    let problems = document.into_problems();
    if problems.is_empty() { Ok(Overlay::Ignition { document: json }) } else { Err(problems) }
}
