//! A file's owner as cloud-config writes it (`user:group`), for Ignition's separate fields.

use serde_json::{Value, json};

/// Ignition's `user` and `group` objects; a number is an id, anything else a name; absent parts give none.
pub(super) fn ignition_owner(owner: &str) -> (Option<Value>, Option<Value>) {
    let (user, group) = match owner.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (owner, None),
    };
    let reference = |text: &str| match text.parse::<u32>() {
        Ok(id) => json!({ "id": id }),
        Err(_) => json!({ "name": text }),
    };
    (Some(user).filter(|text| !text.is_empty()).map(reference), group.filter(|text| !text.is_empty()).map(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners() {
        for (owner, expected) in [
            ("root:500", (Some(json!({"name": "root"})), Some(json!({"id": 500})))),
            ("232", (Some(json!({"id": 232})), None)),
            (":core", (None, Some(json!({"name": "core"})))),
        ] {
            assert_eq!(ignition_owner(owner), expected, "{owner}");
        }
    }
}
