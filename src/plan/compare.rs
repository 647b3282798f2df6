//! Whether a resource is what its PUT would make it. Azure returns more than it was sent, in its own case and order;
//! only what was asked for counts. Every property of every kind of body is compared, by its name, so both sides are JSON.

use serde_json::Value;

/// Properties that Azure accepts and never returns.
const WRITE_ONLY: [&str; 2] = ["customData", "adminPassword"];

/// Each way in which `actual` is not what `desired` asks for, as `path: is → should be`; none when nothing differs.
pub fn differences(desired: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", desired, actual, &mut found);
    found
}

fn compare(path: &str, desired: &Value, actual: &Value, found: &mut Vec<String>) {
    match (desired, actual) {
        (Value::Object(desired), _) => {
            for (key, value) in desired.iter().filter(|(key, _)| !WRITE_ONLY.contains(&key.as_str())) {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&below, value, actual.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(desired), actual) => {
            let empty = Vec::new();
            let actual = actual.as_array().unwrap_or(&empty);
            for (index, item) in desired.iter().enumerate() {
                let (label, other) = match item_name(item) {
                    Some(name) => (name.to_owned(), actual.iter().find(|other| same_name(other, name))),
                    None => (index.to_string(), actual.get(index)),
                };
                compare(&format!("{path}[{label}]"), item, other.unwrap_or(&Value::Null), found);
            }
            let wanted = |other: &Value| match item_name(other) {
                Some(name) => desired.iter().any(|item| same_name(item, name)),
                None => true,
            };
            for extra in actual.iter().filter(|other| !wanted(other)).filter_map(item_name) {
                found.push(format!("{path}[{extra}]: goes away"));
            }
            if desired.iter().all(|item| item_name(item).is_none()) && actual.len() > desired.len() {
                found.push(format!("{path}: {} items → {}", actual.len(), desired.len()));
            }
        }
        (Value::String(desired), Value::String(actual)) if same_text(desired, actual) => {}
        (desired, actual) if desired == actual => {}
        (desired, Value::Null) => found.push(format!("{path}: absent → {}", show(desired))),
        (desired, actual) => found.push(format!("{path}: {} → {}", show(actual), show(desired))),
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
            (json!({"rules": [{"name": "web"}]}), json!({}), vec!["rules[web].name: absent → `web`"]),
            (json!({"id": "/subscriptions/S/x"}), json!({"id": "/subscriptions/s/X"}), vec![]),
        ] {
            assert_eq!(differences(&desired, &actual), expected, "{desired} {actual}");
        }
    }
}
