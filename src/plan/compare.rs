//! Whether a resource is what its PUT would make it. Azure returns more than it was sent, in its own case and order;
//! only what was asked for counts. Every property of every kind of body is compared, by its name, so both sides are JSON.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Properties that Azure accepts and never returns.
const WRITE_ONLY: [&str; 2] = ["customData", "adminPassword"];
/// Properties that Azure leaves out of a machine that is deallocated, since they can be changed meanwhile.
/// <https://github.com/Azure/azure-powershell/issues/13213>
const LEFT_OUT_AT_TIMES: [&str; 2] = ["storageAccountType", "diskSizeGB"];

/// One property that is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Such as `properties.securityRules[ssh].properties.priority`: items of a list by their names, else by their places.
    pub property: String,
    /// Null when there is none.
    pub found: Value,
    /// Null when there shall be none; what nobody wants goes with the next write.
    pub wanted: Value,
}

/// Each way in which `actual` is not what `desired` asks for; none when nothing differs.
pub fn differences(desired: &Value, actual: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", desired, actual, &mut found);
    found
}

fn compare(path: &str, desired: &Value, actual: &Value, found: &mut Vec<Difference>) {
    let differs = |property: String, found: &Value, wanted: &Value| Difference {
        property,
        found: found.clone(),
        wanted: wanted.clone(),
    };
    match (desired, actual) {
        (Value::Object(desired), _) => {
            for (key, value) in desired.iter().filter(|(key, _)| !WRITE_ONLY.contains(&key.as_str())) {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let actual = actual.get(key).unwrap_or(&Value::Null);
                if !(actual.is_null() && LEFT_OUT_AT_TIMES.contains(&key.as_str())) {
                    compare(&below, value, actual, found);
                }
            }
        }
        (Value::Array(items), list) => {
            let actual = list.as_array().map(Vec::as_slice).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                let (label, other) = match item_name(item) {
                    Some(name) => (name.to_owned(), actual.iter().find(|other| same_name(other, name))),
                    None => (index.to_string(), actual.get(index)),
                };
                let place = format!("{path}[{label}]");
                match other {
                    Some(other) => compare(&place, item, other, found),
                    // One thing is missing, not each of its properties.
                    None => found.push(differs(place, &Value::Null, item)),
                }
            }
            let wanted = |other: &Value| match item_name(other) {
                Some(name) => items.iter().any(|item| same_name(item, name)),
                None => true,
            };
            for extra in actual.iter().filter(|other| !wanted(other)) {
                let Some(name) = item_name(extra) else { continue };
                found.push(differs(format!("{path}[{name}]"), extra, &Value::Null));
            }
            if items.iter().all(|item| item_name(item).is_none()) && actual.len() > items.len() {
                found.push(differs(path.to_owned(), list, desired));
            }
        }
        (Value::String(desired), Value::String(actual)) if same_text(desired, actual) => {}
        (desired, actual) if desired == actual => {}
        (desired, actual) => found.push(differs(path.to_owned(), actual, desired)),
    }
}

impl fmt::Display for Difference {
    /// `path: is → should be`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.property)?;
        match (&self.found, &self.wanted) {
            (_, Value::Null) => formatter.write_str("goes away"),
            (Value::Array(found), Value::Array(wanted)) => {
                write!(formatter, "{} items → {}", found.len(), wanted.len())
            }
            (found, wanted) => write!(formatter, "{} → {}", show(found), show(wanted)),
        }
    }
}

fn item_name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

fn same_name(item: &Value, name: &str) -> bool {
    item_name(item).is_some_and(|other| other.eq_ignore_ascii_case(name))
}

/// ARM compares names without regard to case, and writes locations both as `westeurope` and as `West Europe`.
fn same_text(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect::<String>();
    one == other || plain(one) == plain(other)
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "absent".into(),
        Value::String(text) => format!("`{text}`"),
        Value::Object(_) => "present".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_asked_for_counts() {
        for (desired, actual, expected) in [
            (json!({"location": "westeurope"}), json!({"location": "West Europe", "etag": "x"}), vec![]),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), vec![]),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), vec!["a.b: 2 → 1"]),
            (json!({"a": true}), json!({}), vec!["a: absent → true"]),
            (json!({"customData": "x"}), json!({}), vec![]),
            // As of a machine that is off.
            (
                json!({"managedDisk": {"storageAccountType": "Premium_LRS"}}),
                json!({"managedDisk": {"id": "x"}}),
                vec![],
            ),
            (json!({"diskSizeGB": 8}), json!({"diskSizeGB": 16}), vec!["diskSizeGB: 16 → 8"]),
            (
                json!({"rules": [{"name": "web", "port": 80}, {"name": "https", "port": 443}]}),
                json!({"rules": [{"name": "HTTPS", "port": 443}, {"name": "web", "port": 8080}, {"name": "old"}]}),
                vec!["rules[web].port: 8080 → 80", "rules[old]: goes away"],
            ),
            (
                json!({"prefixes": ["10.0.0.0/8"]}),
                json!({"prefixes": ["10.0.0.0/8", "x"]}),
                vec!["prefixes: 2 items → 1"],
            ),
            (json!({"rules": [{"name": "web"}]}), json!({}), vec!["rules[web]: absent → present"]),
            (json!({"id": "/subscriptions/S/x"}), json!({"id": "/subscriptions/s/X"}), vec![]),
        ] {
            let found: Vec<String> = differences(&desired, &actual).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{desired} {actual}");
        }
    }
}
