//! The keys of an Ignition document.

use super::{Finding, Verdict};
use crate::userdata::ignition_rules::version::{self, Readers};
use crate::userdata::overlay::is_merged_version;
use crate::userdata::purpose::Purpose;
use crate::userdata::{ignition_rules, json};
use diagnostics::Problems;

/// Of a version that images read when the file is sent as it is.
const NOT_MERGED: &str = "cannot be merged: only versions 3.0.0 to 3.3.0 are laid over ours; write `3.3.0`, or send the file \
                          as it is with `--custom-data-only`";

/// One finding for the version and, when somebody reads it, for each key with a value of its own.
pub(super) fn findings(file: &str, text: &str) -> Result<Vec<Finding>, Problems> {
    let (_, document) = json::document(file, text)?;
    let root = document.root();
    let idle = |why: &str| Verdict::Idle(why.to_owned());
    let written = root.get("ignition").and_then(|node| node.get("version"));
    // Version 1 had a key of its own.
    let is_of_version_1 = written.is_none();
    let Some(node) = written.or_else(|| root.get("ignitionVersion")) else {
        let why = || idle("`ignition.version` is missing; write `{\"ignition\": {\"version\": \"3.3.0\"}, …}`");
        return Ok(vec![Finding { line: None, key: "the file".into(), flatcar: why(), fedora_coreos: why() }]);
    };
    let version = if node.value().is_mapping() { String::new() } else { node.scalar().unwrap_or_default() };
    let readers = Readers::of(&version, is_of_version_1);
    let (flatcar, fedora_coreos) = match readers {
        Readers::Both if is_merged_version(&version) => (Verdict::Acts, Verdict::Acts),
        Readers::Both => (idle(NOT_MERGED), idle(NOT_MERGED)),
        Readers::FlatcarAlone => {
            (idle(NOT_MERGED), idle("versions before 3.0.0 are read by Flatcar alone; write `3.3.0`"))
        }
        Readers::FedoraAlone => (idle("Flatcar's stable images read 3.5.0 and older; write `3.3.0`"), Verdict::Acts),
        Readers::Nobody => {
            let why = "no image reads this version; write `3.3.0`";
            (idle(why), idle(why))
        }
    };
    let mut findings = vec![Finding { line: node.line(), key: node.path(), flatcar, fedora_coreos }];
    // Older versions have other keys; of what nobody reads there is no more to say.
    if !matches!(readers, Readers::Both | Readers::FedoraAlone) {
        return Ok(findings);
    }
    let Some(minor) = version::minor(&version) else { return Ok(findings) };
    for judged in ignition_rules::judge(&root, Purpose::IgnitionAlone { minor }) {
        let node = &judged.node;
        let key = if node.path().is_empty() { "the file".into() } else { node.path() };
        if key == "ignition.version" {
            continue;
        }
        let mistake = judged.mistake.as_ref().map_or(Verdict::Acts, |mistake| idle(&mistake.text()));
        let is_fine_on_fedora = judged.mistake.as_ref().is_some_and(|mistake| mistake.flatcar_alone);
        let flatcar = match (&mistake, readers) {
            (_, Readers::FedoraAlone) => idle("the version is not read"),
            _ => mistake.clone(),
        };
        let fedora_coreos = if is_fine_on_fedora { Verdict::Acts } else { mistake };
        findings.push(Finding { line: node.line(), key, flatcar, fedora_coreos });
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (version, flatcar, fedora) in [
            ("3.0.0", true, true),
            ("3.3.0", true, true),
            ("3.4.0", false, false),
            ("3.5.0", false, false),
            ("3.6.0", false, true),
            ("2.3.0", false, false),
            ("3.7.0-experimental", false, false),
            ("3.3", false, false),
        ] {
            let text = format!("{{\"ignition\":\n{{\"version\": \"{version}\"}}, \"storage\": {{\"files\": []}}}}");
            let found = findings("x", &text).unwrap();
            assert_eq!((found[0].flatcar.acts(), found[0].fedora_coreos.acts()), (flatcar, fedora), "{version}");
            assert_eq!((&*found[0].key, found[0].line), ("ignition.version", Some(2)), "{version}");
        }
        for old_or_new in ["{\"ignitionVersion\": 1}", r#"{"ignition": {"version": "3.4.0"}}"#] {
            let verdict = findings("x", old_or_new).unwrap()[0].flatcar.to_string();
            assert!(verdict.starts_with("acts only in a file that is sent as it is: cannot be merged: "), "{verdict}");
        }
        assert!(findings("x", "{}").unwrap()[0].flatcar.to_string().contains("is missing"));
        assert!(findings("x", "{\n,}").unwrap_err().to_string().starts_with("`x` line 2: not JSON"));
    }

    #[test]
    fn keys() {
        let document = |version: &str, rest: &str| format!("{{\"ignition\": {{\"version\": \"{version}\"}},\n{rest}}}");
        for (version, rest, key, flatcar, fedora) in [
            ("3.3.0", r#""storage": {"files": [{"path": "/x"}]}"#, "storage.files[0].path", None, None),
            (
                "3.3.0",
                r#""storage": {"files": [{"path": "/x", "mod": 1}]}"#,
                "storage.files[0].mod",
                Some("`mode`"),
                Some("`mode`"),
            ),
            (
                "3.3.0",
                r#""storage": {"files": [{"path": "/usr/local/bin/x"}]}"#,
                "storage.files[0].path",
                Some("read-only"),
                None,
            ),
            ("3.3.0", r#""kernelArguments": {"shouldExist": ["a"]}"#, "kernelArguments.shouldExist", None, None),
            ("3.2.0", r#""kernelArguments": {}"#, "kernelArguments", Some("write version `3.3.0`"), Some("newer")),
            ("3.3.0", r#""storage": []"#, "storage", Some("must be a mapping"), Some("must be a mapping")),
            (
                "3.3.0",
                r#""storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": {"tpm2": true}}]}"#,
                "storage.luks[0].clevis",
                Some("no clevis"),
                None,
            ),
            (
                "3.3.0",
                r#""storage": {"luks": [{"name": "a", "device": "/dev/a", "discard": true}]}"#,
                "storage.luks[0].discard",
                Some("newer"),
                Some("newer"),
            ),
            (
                "3.4.0",
                r#""storage": {"luks": [{"name": "a", "device": "/dev/a", "discard": true}]}"#,
                "storage.luks[0].discard",
                None,
                None,
            ),
            (
                "3.3.0",
                r#""storage": {"files": [{"path": "/x", "mode": 1204}]}"#,
                "storage.files[0].mode",
                Some("`02264`"),
                Some("drops the bits"),
            ),
            ("3.4.0", r#""storage": {"files": [{"path": "/x", "mode": 1204}]}"#, "storage.files[0].mode", None, None),
            ("3.6.0", r#""storage": {"files": [{"path": "/x"}]}"#, "storage.files[0].path", Some("not read"), None),
        ] {
            let found = findings("x", &document(version, rest)).unwrap();
            let of_key: Vec<&Finding> = found.iter().filter(|finding| finding.key == key).collect();
            let [finding] = of_key.as_slice() else { panic!("{rest}: {found:?}") };
            assert_eq!(finding.line, Some(2), "{rest}");
            for (verdict, why) in [(&finding.flatcar, flatcar), (&finding.fedora_coreos, fedora)] {
                match (why, verdict) {
                    (None, Verdict::Acts) => {}
                    (Some(part), Verdict::Idle(text)) if text.contains(part) => {}
                    _ => panic!("{version} {rest}: {finding:?}"),
                }
            }
        }
    }
}
