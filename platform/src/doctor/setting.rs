//! Settings against what the installed bundle knows.

use super::finding::Finding;
use crate::bundle::{SettingsSchema, Values};

const CHECK: &str = "settings";

/// What nothing can be installed with, and names that nothing reads.
pub(super) fn judge(schema: &SettingsSchema, values: &Values) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mistake in schema.mistakes(values) {
        findings.push(Finding::fail(CHECK, mistake.name.to_string(), mistake.message, mistake.remedy));
    }
    for (name, remedy) in schema.unread(values) {
        findings.push(Finding::warn(CHECK, name.to_string(), "is set, and nothing reads it", remedy));
    }
    if findings.is_empty() {
        let count = values.iter().count();
        findings.push(Finding::ok(CHECK, "platform", format!("{count} set, all required ones among them, all valid")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::doctor::Level;

    #[test]
    fn settings() {
        let bundle = Bundle::shipped_named("platform").unwrap();
        for (set, expected) in [
            (vec![("platform", "domain", "example.test")], vec![(Level::Ok, "1 set")]),
            (vec![], vec![(Level::Fail, "missing platform domain: Apps are reached as NAME.DOMAIN")]),
            (
                vec![("platform", "domain", "example.test"), ("registry", "replicas", "2")],
                vec![(Level::Fail, "2 tasks; more than one is safe only with the setting `registry/azureAccount`")],
            ),
            (vec![("platform", "domain", "Not a domain")], vec![(Level::Fail, "must be a domain")]),
            (
                vec![("platform", "domain", "example.test"), ("platform", "domian", "x")],
                vec![(Level::Warn, "nothing reads it")],
            ),
            // Of an earlier version.
            (
                vec![("platform", "domain", "example.test"), ("router", "acmeStorage", "acme.json")],
                vec![(Level::Warn, "nothing reads it")],
            ),
        ] {
            let mut values = Values::new();
            for (target, key, value) in &set {
                values.set(target, key, value);
            }
            let findings = judge(&bundle.settings, &values);
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            for (finding, (level, part)) in findings.iter().zip(expected) {
                assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
            }
        }
    }
}
