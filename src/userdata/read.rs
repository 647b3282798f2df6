//! Reads a cloud-config that is merged into ours, and finds every mistake at once.

use cloudinit_rules::vocabulary::{HEADER, has_header};
use serde::Deserialize as _;

use super::cloud_config::CloudConfig;
use super::keys::judge;
use super::mistake::Judged;
use super::purpose::Purpose;
use diagnostics::yaml::{Document, Written};
use diagnostics::{Origin, Problems};

/// The document; each mistake has its key, its line and what to write instead. `file` is what they call the text.
pub(super) fn cloud_config(file: &str, text: &str, purpose: Purpose) -> Result<CloudConfig, Problems> {
    if !has_header(text) {
        let mut problems = Problems::new();
        let origin = Origin::File { path: file.to_owned(), line: Some(1) };
        problems.add(origin, format!("the first line must be `{HEADER}` and nothing else"));
        return Err(problems);
    }
    let document = Document::parse(file, text)?;
    let written = Written::read(text, document.root().value());
    let judgement = judge(&document.root(), &written, purpose);
    judgement.judged.iter().for_each(Judged::report);
    let value = judgement.value;
    let problems = document.into_problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    CloudConfig::deserialize(value).map_err(|error| {
        let mut problems = Problems::new();
        problems.add(Origin::File { path: file.to_owned(), line: None }, error.to_string());
        problems
    })
}
