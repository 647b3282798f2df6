//! The parts of a multipart file.

use cloudinit_rules::multipart::parts;
use cloudinit_rules::vocabulary::{has_header, is_script};

use super::{Finding, IGNITION_ONLY, Verdict, lint_text};
use diagnostics::Problems;

/// The findings of every part, with its number before their keys.
pub(super) fn findings(file: &str, text: &str) -> Result<Vec<Finding>, Problems> {
    let mut findings = Vec::new();
    for (number, part) in parts(text).iter().enumerate() {
        let number = number + 1;
        let Some(body) = part.text() else {
            findings.push(whole(number, part.line, Verdict::Idle("is not text in base64".into())));
            continue;
        };
        // Of an encoded part only the part's place is known.
        let offset = (part.encoding != "base64").then(|| part.body_line - 1);
        match part.content_type.as_str() {
            "text/x-shellscript" if !is_script(&body) => {
                let why = "a script begins with `#!`; the file is refused whole";
                findings.push(whole(number, part.line, Verdict::Idle(why.into())));
            }
            _ if body.trim_start().starts_with('{') => {
                let why = "Ignition in a part is read by nobody; send it alone";
                findings.push(whole(number, part.line, Verdict::Idle(why.into())));
            }
            // What the header says counts, so this one may do without its first line.
            "text/cloud-config" if !has_header(&body) => {
                let found = super::cloud_config::findings(file, &body)?;
                findings.extend(found.into_iter().map(|finding| placed(finding, number, offset, part.line)));
            }
            _ => {
                let found = lint_text(file, &body)?.findings;
                findings.extend(found.into_iter().map(|finding| placed(finding, number, offset, part.line)));
            }
        }
    }
    if findings.is_empty() {
        let why = "has no parts between the boundaries that its first line names";
        findings.push(Finding { key: "the file".into(), ..whole(0, 1, Verdict::Idle(why.into())) });
    }
    Ok(findings)
}

fn whole(number: usize, line: usize, flatcar: Verdict) -> Finding {
    let fedora_coreos = Verdict::Idle(IGNITION_ONLY.into());
    Finding { line: Some(line), key: format!("part {number}"), flatcar, fedora_coreos }
}

/// The finding in its place in the whole file; of an encoded part only the part's place is known.
fn placed(finding: Finding, number: usize, offset: Option<usize>, part_line: usize) -> Finding {
    let line = match (offset, finding.line) {
        (Some(offset), Some(line)) => line + offset,
        _ => part_line,
    };
    let key =
        if finding.key == "the file" { format!("part {number}") } else { format!("part {number}: {}", finding.key) };
    // No multipart file is merged, so that this is no mistake of a part.
    let flatcar = if finding.flatcar.is_of_merge() { Verdict::Acts } else { finding.flatcar };
    Finding { line: Some(line), key, flatcar, fedora_coreos: Verdict::Idle(IGNITION_ONLY.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_looked_at() {
        let text = "Content-Type: multipart/mixed; boundary=\"XX\"\nMIME-Version: 1.0\n\n\
                    --XX\nContent-Type: text/cloud-config; charset=utf-8\n\nhostname: a\npackages: [b]\n\
                    --XX\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n\
                    --XX\nContent-Type: text/x-shellscript\n\necho\n\
                    --XX\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nI2Nsb3VkLWNvbmZpZwp4OiB5Cg==\n\
                    --XX\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%\n\
                    --XX\nContent-Type: text/plain\n\n{\"ignition\": {\"version\": \"3.3.0\"}}\n\
                    --XX--\n#!/bin/sh\n";
        let found: Vec<(String, Option<usize>, bool)> = findings("x", text)
            .unwrap()
            .into_iter()
            .map(|finding| (finding.key, finding.line, finding.flatcar.acts()))
            .collect();
        let expected = [
            ("part 1: hostname", 7, true),
            ("part 1: packages", 8, false),
            ("part 2", 12, true),
            ("part 3", 14, false),
            ("part 4: x", 18, false),
            ("part 5", 23, false),
            ("part 6", 28, false),
        ];
        assert_eq!(found, expected.map(|(key, line, acts)| (key.to_owned(), Some(line), acts)));
        assert!(!findings("x", "Content-Type: multipart/mixed; boundary=XX\n").unwrap()[0].flatcar.acts());
    }
}
