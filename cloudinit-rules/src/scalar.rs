//! Single values as Go's YAML reader hands them to coreos-cloudinit.
//! <https://github.com/go-yaml/yaml/blob/v3/decode.go>

use diagnostics::yaml::{Node, Value, Written};

/// A scalar's text where a text is wanted: whatever it is, as it is written.
pub fn text(node: &Node<'_>, written: &Written) -> Option<String> {
    match node.value() {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => match written.at(node.steps()) {
            Some(text) => Some(text.to_owned()),
            None => node.scalar(),
        },
        _ => None,
    }
}

/// A flag. The words of older YAML for yes and no are understood, in quotes too; `true` and `false` in quotes are not.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "y" | "Y" | "yes" | "on" => Some(true),
            "n" | "N" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
