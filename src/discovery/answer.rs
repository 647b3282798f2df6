//! What a stranger's discovery service answers, as far as it is read: an HTTP answer becomes a node of etcd's key space,
//! version 2, or its refusal. `client` asks.
//! <https://etcd.io/docs/v2.3/api/>

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// As much of an answer as stands in a message, in characters.
pub(super) const MOST_SHOWN_CHARACTERS: usize = 100;
/// etcd's error code of a key that is not there.
const KEY_NOT_FOUND: u64 = 100;

/// An answer that is none of 5xx.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub text: String,
}

/// A key that holds something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Value {
    pub value: String,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Directory {
    /// etcd leaves the list out of a directory that is empty.
    #[serde(default)]
    pub nodes: Vec<Member>,
}

/// Who registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Member {
    /// Its path ends with the member's id.
    key: String,
    /// `<name>=<peer URL>[,…]`.
    value: Option<String>,
}

#[derive(Deserialize)]
struct Found<T> {
    node: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    error_code: u64,
}

impl Answer {
    /// The node of an answer with status 200; an error says what came instead.
    pub(super) fn node<T: DeserializeOwned>(&self) -> Result<T, String> {
        if self.status != 200 {
            return Err(self.shown());
        }
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let found: Result<Found<T>, _> = serde_path_to_error::deserialize(&mut json);
        found.map(|found| found.node).map_err(|error| {
            let place = error.path().to_string();
            let place = if place == "." { String::new() } else { format!(" at `{place}`") };
            let why = report::one_line(&error.inner().to_string(), MOST_SHOWN_CHARACTERS);
            format!("{}: {why}{place}", self.shown())
        })
    }

    /// Whether the service says that it does not know the key.
    pub(super) fn is_key_not_found(&self) -> bool {
        let is_it = |refusal: Refusal| refusal.error_code == KEY_NOT_FOUND;
        self.status == 404 || serde_json::from_str(&self.text).is_ok_and(is_it)
    }

    /// Status and beginning, for messages.
    pub(super) fn shown(&self) -> String {
        format!("HTTP status {}: `{}`", self.status, report::one_line(&self.text, MOST_SHOWN_CHARACTERS))
    }
}

impl Member {
    /// The name before `=`, else the id; none of what etcd hides.
    pub(super) fn name(&self) -> Option<String> {
        let id = self.key.rsplit('/').next().unwrap_or_default();
        let name = self.value.as_ref().and_then(|value| value.split_once('=')).map_or(id, |(name, _)| name);
        (!id.starts_with('_')).then(|| report::one_line(name, MOST_SHOWN_CHARACTERS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, document: &serde_json::Value) -> Answer {
        Answer { status, text: document.to_string() }
    }

    #[test]
    fn members_are_named() {
        for (node, expected) in [
            (json!({"key": "/r/t/1f", "value": "a=http://a:2380,a=http://b"}), Some("a")),
            (json!({"key": "/r/t/1f"}), Some("1f")),
            (json!({"key": "/r/t/1f", "value": "\u{1b}[31ma=http://a"}), Some("\\u{1b}[31ma")),
            (json!({"key": "/r/t/_config"}), None),
        ] {
            let member: Member = serde_json::from_value(node.clone()).unwrap();
            assert_eq!(member.name().as_deref(), expected, "{node}");
        }
    }

    #[test]
    fn what_an_answer_lacks_is_named() {
        let read = |directory: bool, document| match directory {
            true => answer(200, &document).node::<Directory>().map(|directory| directory.nodes.len().to_string()),
            false => answer(200, &document).node::<Value>().map(|value| value.value),
        };
        for (directory, document, expected) in [
            (false, json!({"node": {"value": "3"}}), Ok("3")),
            (false, json!({}), Err("missing field `node`")),
            (false, json!({"node": {}}), Err("missing field `value`")),
            (false, json!({"node": {"value": 3}}), Err("at `node.value`")),
            (false, json!([]), Err("HTTP status 200: `[]`")),
            (true, json!({"node": {"key": "/t", "dir": true}}), Ok("0")),
            (true, json!({"node": {"nodes": [{"key": "/t/1"}]}}), Ok("1")),
            (true, json!({"node": {"nodes": [{"value": "a=b"}]}}), Err("missing field `key`")),
            (true, json!({}), Err("missing field `node`")),
        ] {
            match (read(directory, document.clone()), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{part}: {why}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}: {document}"),
            }
        }
        let refused = answer(404, &json!({"node": {"value": "3"}})).node::<Value>();
        assert!(refused.unwrap_err().starts_with("HTTP status 404: `"));
    }

    #[test]
    fn a_key_that_is_not_there_is_told_from_other_refusals() {
        for (status, document, expected) in [
            (404, json!({}), true),
            (400, json!({"errorCode": 100, "message": "Key not found"}), true),
            (400, json!({"errorCode": 102}), false),
            (400, json!({"errorCode": "100"}), false),
            (200, json!({"node": {"value": "3"}}), false),
        ] {
            assert_eq!(answer(status, &document).is_key_not_found(), expected, "{document}");
        }
    }
}
