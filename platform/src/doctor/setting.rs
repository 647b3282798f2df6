//! Settings against what the installed bundle knows.

use super::finding::Finding;
use crate::bundle::{SettingsSchema, Values};
use crate::settings::check_complete;

const CHECK: &str = "settings";

/// Required settings that are missing, values that their types do not take, and names that nothing reads.
pub fn judge(schema: &SettingsSchema, values: &Values) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(problems) = check_complete(schema, values) {
        for problem in problems.iter() {
            let remedy = problem.hint.clone().unwrap_or_else(|| "platformctl config TARGET list".into());
            findings.push(Finding::fail(CHECK, "platform", problem.message.clone(), remedy));
        }
    }
    for (target, key, _) in values.iter().filter(|(target, key, _)| schema.get(target, key).is_none()) {
        let remedy = match schema.suggestion(target, key) {
            Some(name) => format!("did you mean `{name}`? platformctl config {target} rm {key}"),
            None => format!("platformctl config {target} rm {key}"),
        };
        findings.push(Finding::warn(CHECK, format!("{target}/{key}"), "is set, and nothing reads it", remedy));
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
            (vec![], vec![(Level::Fail, "missing platform domain")]),
            (vec![("platform", "domain", "Not a domain")], vec![(Level::Fail, "platform/domain: must be a domain")]),
            (
                vec![("platform", "domain", "example.test"), ("platform", "domian", "x")],
                vec![(Level::Warn, "nothing reads it")],
            ),
        ] {
            let mut values = Values::new();
            set.iter().for_each(|(target, key, value)| values.set(target, key, value));
            let findings = judge(&bundle.settings, &values);
            assert_eq!(findings.len(), expected.len(), "{findings:?}");
            for (finding, (level, part)) in findings.iter().zip(expected) {
                assert!(finding.level == level && finding.found.contains(part), "{finding:?}");
            }
        }
    }
}
