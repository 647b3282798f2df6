//! Says of a user-data file, key by key, what would act on a Flatcar and on a Fedora CoreOS machine on Azure if it were
//! sent as it is.

mod cloud_config;
mod ignition;
mod multipart;
mod order;

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use cloudinit_rules::vocabulary::{has_header, is_multipart, is_script};
use diagnostics::{Problems, quoted};

use super::mistake::CANNOT_BE_MERGED;
use super::{CUSTOM_DATA_BYTES, foreign};

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub kind: Kind,
    pub findings: Vec<Finding>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    CloudConfig,
    Ignition,
    Script,
    Multipart,
    /// Only cloud-init reads it.
    CloudInit,
    /// Ignition documents are made from it.
    Butane,
    Unknown,
}

/// A key, or a whole file or part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Counted from 1, where known.
    pub line: Option<usize>,
    /// `coreos.units[0].command`.
    pub key: String,
    pub flatcar: Verdict,
    pub fedora_coreos: Verdict,
}

/// Whether something acts. Serialised as `acts` and, when it does not, `why`, or when it acts otherwise, `but`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Acts,
    /// It acts, but not as it is written: how.
    Misread(String),
    /// Why not, and what to do instead.
    Idle(String),
}

impl Verdict {
    /// Whether it acts.
    pub fn acts(&self) -> bool {
        matches!(self, Self::Acts | Self::Misread(_))
    }

    /// Whether it acts, but never laid over ours.
    fn is_of_merge(&self) -> bool {
        matches!(self, Self::Idle(why) if why.starts_with(CANNOT_BE_MERGED))
    }
}

impl Report {
    /// Whether all of it acts on Flatcar.
    pub fn acts_on_flatcar(&self) -> bool {
        self.findings.iter().all(|finding| finding.flatcar.acts())
    }
}

/// What Fedora CoreOS reads nothing but.
const IGNITION_ONLY: &str = "Fedora CoreOS reads only Ignition";
/// Kinds that only cloud-init reads, by their first words.
/// <https://docs.cloud-init.io/en/latest/explanation/format.html>
const CLOUD_INIT: [&str; 6] =
    ["## template:", "#include", "#cloud-boothook", "#part-handler", "#cloud-config-archive", "#cloud-config-jsonp"];

/// Looks at a file; `file` is the name that mistakes bear. What cannot be read at all is a mistake.
pub fn lint(file: &str, bytes: &[u8]) -> Result<Report, Problems> {
    let fedora = || Verdict::Idle(IGNITION_ONLY.into());
    if bytes.len() > CUSTOM_DATA_BYTES {
        let idle =
            || Verdict::Idle(format!("it has {} bytes, {CUSTOM_DATA_BYTES} is the most Azure takes", bytes.len()));
        return Ok(whole(Kind::Unknown, None, idle(), idle()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => lint_text(file, text),
        Err(_) => {
            let why = "the agent on Flatcar takes customData for UTF-8 text; compress single files by `encoding: gzip+base64`";
            Ok(whole(Kind::Unknown, None, Verdict::Idle(why.into()), fedora()))
        }
    }
}

fn lint_text(file: &str, text: &str) -> Result<Report, Problems> {
    let first = text.lines().next().unwrap_or_default().trim_end();
    let fedora = || Verdict::Idle(IGNITION_ONLY.into());
    if let Some(butane) = foreign::butane(text) {
        let why = || Verdict::Idle(format!("{}; {}", butane.what(), foreign::BUTANE_HINT));
        return Ok(whole(Kind::Butane, Some(butane.line), why(), why()));
    }
    if let Some(line) = foreign::byte_order_mark(text) {
        let why = || Verdict::Idle(format!("{}; {}", foreign::BYTE_ORDER_MARK_IS_THERE, foreign::BYTE_ORDER_MARK_HINT));
        return Ok(whole(Kind::Unknown, Some(line), why(), why()));
    }
    if has_header(text) {
        return Ok(Report { kind: Kind::CloudConfig, findings: cloud_config::findings(file, text)? });
    }
    if text.trim_start().starts_with('{') {
        return Ok(Report { kind: Kind::Ignition, findings: ignition::findings(file, text)? });
    }
    if is_script(text) {
        // The shell takes the first half of such a line end for a part of the command.
        let line = text.find("\r\n").map(|index| text[..index].matches('\n').count() + 1);
        let flatcar = match line {
            None => script(first),
            Some(_) => {
                Verdict::Idle("its lines end with CR LF, as on Windows, which no shell reads; save it with LF".into())
            }
        };
        return Ok(whole(Kind::Script, line.or(Some(1)), flatcar, fedora()));
    }
    if is_multipart(text) {
        return Ok(Report { kind: Kind::Multipart, findings: multipart::findings(file, text)? });
    }
    let idle = |why: &str| Verdict::Idle(why.to_owned());
    let start = text.get(..512.min(text.len())).unwrap_or(text).to_ascii_lowercase();
    if start.starts_with("mime-version:") || start.starts_with("content-type:") {
        let why = "Flatcar knows a multipart file by headers up to an empty line, one of them \
                   `Content-Type: multipart/mixed; boundary=…`";
        return Ok(whole(Kind::Multipart, Some(1), idle(why), fedora()));
    }
    if CLOUD_INIT.iter().any(|start| first.starts_with(start)) {
        let why = "only cloud-init reads it, which the image does not have";
        return Ok(whole(Kind::CloudInit, Some(1), idle(why), fedora()));
    }
    let why = match first {
        _ if first.starts_with("#cloud-config") => "the first line must be `#cloud-config` and nothing else",
        _ => "it is neither `#cloud-config`, Ignition (JSON), a `#!` script nor multipart",
    };
    Ok(whole(Kind::Unknown, Some(1), idle(why), fedora()))
}

/// What comes of a script's first line: bash is given the file, so that the line is nothing but a comment.
/// `system/systemd.go`, `ExecuteScript`.
fn script(first_line: &str) -> Verdict {
    let mut words = first_line.trim_start_matches("#!").split_whitespace();
    let of_path = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut program = words.next().map(of_path).unwrap_or_default();
    let mut options: Vec<&str> = words.collect();
    if program == "env" {
        let at = options.iter().position(|word| !word.starts_with('-') && !word.contains('='));
        program = at.map(|at| of_path(options.remove(at))).unwrap_or_default();
        options.retain(|word| *word != "-S");
    }
    match program.as_str() {
        "" | "bash" | "sh" | "dash" if options.is_empty() => Verdict::Acts,
        "" | "bash" | "sh" | "dash" => Verdict::Misread(format!(
            "bash runs it without {}, whatever its first line says; write them with `set`",
            quoted(&options.join(" "))
        )),
        program => Verdict::Idle(format!(
            "bash runs it, whatever its first line says, and not {}; write it for bash, or put the program into a unit",
            quoted(program)
        )),
    }
}

/// One finding for a file of which there is no more to say.
fn whole(kind: Kind, line: Option<usize>, flatcar: Verdict, fedora_coreos: Verdict) -> Report {
    Report { kind, findings: vec![Finding { line, key: "the file".into(), flatcar, fedora_coreos }] }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("acts", &self.acts())?;
        match self {
            Self::Acts => {}
            Self::Misread(how) => map.serialize_entry("but", how)?,
            Self::Idle(why) => map.serialize_entry("why", why)?,
        }
        map.end()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::CloudConfig => "a cloud-config",
            Self::Ignition => "an Ignition document",
            Self::Script => "a script",
            Self::Multipart => "a multipart file",
            Self::CloudInit => "a file for cloud-init",
            Self::Butane => "a Butane file",
            Self::Unknown => "of no known kind",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acts => formatter.write_str("acts"),
            Self::Misread(how) => write!(formatter, "acts, but {how}"),
            Self::Idle(why) if self.is_of_merge() => {
                write!(formatter, "acts only in a file that is sent as it is: {why}")
            }
            Self::Idle(why) => write!(formatter, "does nothing: {why}"),
        }
    }
}

impl fmt::Display for Report {
    /// A line for each finding, then what it comes to.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fedora_is_one_word = self.kind != Kind::Ignition;
        for finding in &self.findings {
            if let Some(line) = finding.line {
                write!(formatter, "line {line}: ")?;
            }
            write!(formatter, "`{}` ", finding.key)?;
            match (&finding.flatcar, &finding.fedora_coreos) {
                (flatcar, _) if fedora_is_one_word => writeln!(formatter, "{flatcar}")?,
                (flatcar, fedora) if flatcar == fedora => writeln!(formatter, "{flatcar}")?,
                (flatcar, fedora) => writeln!(formatter, "on Flatcar {flatcar}; on Fedora CoreOS {fedora}")?,
            }
        }
        let count =
            |verdict: fn(&Finding) -> &Verdict| self.findings.iter().filter(|finding| verdict(finding).acts()).count();
        let all = self.findings.len();
        let says = |acting: usize| match acting {
            _ if all == 0 => "there is nothing to act".to_owned(),
            acting if acting == all => "all acts".to_owned(),
            0 => "nothing acts".to_owned(),
            acting => format!("{acting} of {all} act"),
        };
        writeln!(formatter, "Flatcar: {}", says(count(|finding| &finding.flatcar)))?;
        write!(formatter, "Fedora CoreOS: {}", says(count(|finding| &finding.fedora_coreos)))?;
        if fedora_is_one_word { write!(formatter, ": it reads only Ignition") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, kind, acts, why) in [
            ("#cloud-config \nusers: []\n", Kind::CloudConfig, true, ""),
            ("#!/bin/sh\n", Kind::Script, true, ""),
            ("#! /bin/sh -e\n", Kind::Script, true, "acts, but bash runs it without `-e`"),
            ("#!\necho hi\n", Kind::Script, true, "`the file` acts\n"),
            ("#! bash\necho hi\n", Kind::Script, true, "`the file` acts\n"),
            ("#!/usr/bin/env -S bash -eu\n", Kind::Script, true, "acts, but bash runs it without `-eu`"),
            (
                "#!/usr/bin/env python3\nprint()\n",
                Kind::Script,
                false,
                "bash runs it, whatever its first line says, and not `python3`",
            ),
            (
                "#!/bin/bash\r\necho hi\r\n",
                Kind::Script,
                false,
                "line 1: `the file` does nothing: its lines end with CR LF",
            ),
            (
                "#!/bin/bash\necho hi\r\n",
                Kind::Script,
                false,
                "line 2: `the file` does nothing: its lines end with CR LF",
            ),
            ("variant: fcos\nversion: 1.5.0\n", Kind::Butane, false, "`butane --strict FILE > FILE.ign`"),
            (
                "#cloud-config\nhostname: \u{feff}a\n",
                Kind::Unknown,
                false,
                "line 2: `the file` does nothing: has a byte",
            ),
            ("{\"ignition\": {\"version\": \"3.3.0\"}}", Kind::Ignition, true, ""),
            ("\u{feff}{\"ignition\": {\"version\": \"3.3.0\"}}", Kind::Unknown, false, "byte order mark"),
            (
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n",
                Kind::Multipart,
                false,
                "up to an empty line",
            ),
            (
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n\
                 --x\nContent-Type: text/plain\n\n#!/bin/sh\n--x--\n",
                Kind::Multipart,
                true,
                "`part 1` acts",
            ),
            ("#include\nhttps://x\n", Kind::CloudInit, false, "only cloud-init"),
            ("## template: jinja\n#cloud-config\n", Kind::CloudInit, false, "only cloud-init"),
            ("#cloud-config-archive\n", Kind::CloudInit, false, "only cloud-init"),
            ("#cloud-configuration\n", Kind::Unknown, false, "the first line must be"),
            ("\u{feff}#cloud-config\n", Kind::Unknown, false, "byte order mark"),
            (&"x".repeat(65_536), Kind::Unknown, false, "it has 65536 bytes, 65535 is the most"),
            ("hello\n", Kind::Unknown, false, "neither"),
            ("", Kind::Unknown, false, "neither"),
        ] {
            let report = lint("x", text.as_bytes()).unwrap();
            assert_eq!((report.kind, report.acts_on_flatcar()), (kind, acts), "{text}");
            assert!(report.to_string().contains(why), "{text}: {report}");
        }
        let compressed = lint("x", &[0x1f, 0x8b, 8, 0]).unwrap();
        assert!(!compressed.acts_on_flatcar() && compressed.to_string().contains("UTF-8"), "{compressed}");
    }

    #[test]
    fn as_text_and_as_json() {
        let report = lint("x", b"#cloud-config\nusers:\n- name: a\n  sudo: x\n").unwrap();
        let expected = "line 3: `users[0].name` acts\n\
                        line 4: `users[0].sudo` does nothing: only cloud-init reads it, which the image does not have; \
                        write `groups: [sudo]`\n\
                        Flatcar: 1 of 2 act\nFedora CoreOS: nothing acts: it reads only Ignition";
        assert_eq!(report.to_string(), expected);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((&json["kind"], &json["findings"][0]["line"]), (&"cloud-config".into(), &3.into()));
        assert_eq!(json["findings"][0]["flatcar"], serde_json::json!({"acts": true}));
        assert_eq!(json["findings"][1]["fedoraCoreos"]["why"], IGNITION_ONLY);
    }
}
