//! The parts of a multipart file.

use cloudinit_rules::action::{LEAST_CLOUD_CONFIG_BYTES, MOST_DEPTH};
use cloudinit_rules::multipart::{Content, parts};
use cloudinit_rules::vocabulary::{has_header, is_multipart, is_script};

use super::{Finding, IGNITION_ONLY, Verdict, lint_text};
use diagnostics::Problems;

const REFUSED_WHOLE: &str = "nothing of the file is applied";

/// The findings of every part, with its number before their keys.
pub(super) fn findings(file: &str, text: &str) -> Result<Vec<Finding>, Problems> {
    findings_at(file, text, MOST_DEPTH)
}

fn findings_at(file: &str, text: &str, depth: usize) -> Result<Vec<Finding>, Problems> {
    let parts = match parts(text) {
        Ok(parts) => parts,
        Err(refusal) => return Ok(vec![of_file(refusal.line, format!("{}; {REFUSED_WHOLE}", refusal.why))]),
    };
    let mut findings = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let number = number + 1;
        let idle = |why: &str| whole(number, part.line, Verdict::Idle(why.into()));
        let is_named = ["text/cloud-config", "text/x-shellscript"].contains(&part.content_type.as_str());
        let body = match part.content() {
            Ok(Content::Text(body)) => body,
            Ok(Content::Bytes(bytes)) if is_named || bytes.starts_with(b"#") => {
                findings.push(idle(&format!("is not UTF-8; {REFUSED_WHOLE}")));
                continue;
            }
            Ok(Content::Bytes(_)) => {
                findings.push(idle("is neither a cloud-config nor a script"));
                continue;
            }
            Err(why) => {
                findings.push(idle(&format!("{why}; {REFUSED_WHOLE}")));
                continue;
            }
        };
        // Of an encoded part only the part's place is known.
        let offset = part.is_as_written().then(|| part.body_line - 1);
        match part.content_type.as_str() {
            "text/x-shellscript" if !is_script(&body) => {
                findings.push(idle(&format!("a script begins with `#!`; {REFUSED_WHOLE}")));
            }
            "text/cloud-config" if body.len() < LEAST_CLOUD_CONFIG_BYTES => findings.push(idle(&format!(
                "has fewer than {LEAST_CLOUD_CONFIG_BYTES} bytes, at which coreos-cloudinit crashes; {REFUSED_WHOLE}; \
                 begin it with `#cloud-config`"
            ))),
            _ if body.trim_start().starts_with('{') => {
                findings.push(idle("Ignition in a part is read by nobody; send it alone"));
            }
            // What the header says counts, so this one may do without its first line.
            "text/cloud-config" if !has_header(&body) => {
                let found = super::cloud_config::findings(file, &body)?;
                findings.extend(found.into_iter().map(|finding| placed(finding, number, offset, part.line)));
            }
            _ if is_multipart(&body) && depth == 1 => {
                findings.push(idle(&format!("has parts that have parts, more than {MOST_DEPTH} deep")));
            }
            _ if is_multipart(&body) => {
                let found = findings_at(file, &body, depth - 1)?;
                findings.extend(found.into_iter().map(|finding| placed(finding, number, offset, part.line)));
            }
            _ => {
                let found = lint_text(file, &body)?.findings;
                findings.extend(found.into_iter().map(|finding| placed(finding, number, offset, part.line)));
            }
        }
    }
    if findings.is_empty() {
        findings.push(of_file(1, "has no parts between its boundaries".to_owned()));
    }
    Ok(findings)
}

fn of_file(line: usize, why: String) -> Finding {
    Finding { key: "the file".into(), ..whole(0, line, Verdict::Idle(why)) }
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
                    --XX\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n\
                    H4sIAAAAAAACA1NOzskvTdFNzs9Ly0znKkhMzk5MTy22UoiO5QIASK7jchsAAAA=\n\
                    --XX\nContent-Type: text/cloud-config\n\nhostname: a\n\
                    --XX\nContent-Type: text/plain\n\nContent-Type: multipart/mixed; boundary=Y\n\n--Y\nContent-Type: text/plain\n\n#!/bin/sh\n--Y--\n\
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
            ("part 7: packages", 32, false),
            ("part 8", 37, false),
            ("part 9: part 1", 48, true),
        ];
        assert_eq!(found, expected.map(|(key, line, acts)| (key.to_owned(), Some(line), acts)));
        for (text, line, why) in [
            ("Content-Type: multipart/mixed; boundary=XX\n\n--XX--", 1, "no parts"),
            (
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=XX\n\n--XX\nContent-Type: text/plain\n\n#!/bin/sh\n",
                8,
                "last boundary",
            ),
            ("Content-Type: multipart/mixed; boundary=XX\n\n--XX\n\n#!/bin/sh\n--XX--", 4, "`Content-Type`"),
        ] {
            let found = findings("x", text).unwrap();
            let [finding] = found.as_slice() else { panic!("{text}") };
            let Verdict::Idle(told) = &finding.flatcar else { panic!("{text}") };
            assert!(finding.line == Some(line) && finding.key == "the file" && told.contains(why), "{text}: {told}");
        }
    }
}
