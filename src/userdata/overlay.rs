//! The user's own configuration: a cloud-config or an Ignition document, told apart by its first bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CloudConfig;
use crate::config::yaml;

/// A user's configuration that is merged over ours.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlay {
    /// A `#cloud-config` document.
    CloudConfig { document: CloudConfig },
    /// An Ignition document of spec 3.0.0 to 3.3.0.
    Ignition { document: Value },
}

/// Why a user's configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidOverlay {
    /// What is wrong.
    pub message: String,
    /// Counted from 1, where known.
    pub line: Option<usize>,
}

impl Overlay {
    /// Reads a document; the error names the key and, where known, the line.
    pub fn parse(text: &str) -> Result<Self, InvalidOverlay> {
        let invalid = |message: String, line| Err(InvalidOverlay { message, line });
        if text.trim_start().starts_with('{') {
            return parse_ignition(text);
        }
        if !text.starts_with("#cloud-config") {
            return invalid("neither starts with `#cloud-config` nor is an Ignition document (JSON)".into(), None);
        }
        let document: CloudConfig = match yaml::from_str(text) {
            Ok(document) => document,
            Err(error) => return invalid(explain(&error.message), error.line),
        };
        if document.hostname.is_some() {
            return invalid(
                "`hostname` cannot be set: each node's name is its hostname".into(),
                line_of(text, "hostname"),
            );
        }
        if let Some(strategy) = document.coreos.update.as_ref().and_then(|update| update.reboot_strategy.as_deref())
            && !["off", "reboot", "etcd-lock"].contains(&strategy)
        {
            let message = format!("reboot strategy `{strategy}` is none of `off`, `reboot`, `etcd-lock`");
            return invalid(message, line_of(text, "reboot_strategy"));
        }
        if document.coreos.update.as_ref().is_some_and(|update| update.group.is_some() || update.server.is_some()) {
            let message = "`coreos.update.group` and `server` are not supported; write `/etc/flatcar/update.conf` by `write_files`";
            return invalid(message.into(), line_of(text, "update"));
        }
        for unit in &document.coreos.units {
            let suffixes =
                [".service", ".socket", ".mount", ".automount", ".timer", ".path", ".target", ".swap", ".slice"];
            if !suffixes.iter().any(|suffix| unit.name.ends_with(suffix)) {
                return invalid(
                    format!("unit `{}` has no suffix such as `.service`", unit.name),
                    line_of(text, "name"),
                );
            }
            if let Some(command) = unit.command.as_deref().filter(|command| *command != "start") {
                let message = format!(
                    "`{}`: command `{command}` is not supported; before the first boot only `start` acts",
                    unit.name
                );
                return invalid(message, line_of(text, "command"));
            }
        }
        for file in &document.write_files {
            if !file.path.starts_with('/') {
                return invalid(format!("path `{}` is not absolute", file.path), line_of(text, "path"));
            }
            let known = ["base64", "b64"];
            if let Some(encoding) = file.encoding.as_deref().filter(|encoding| !known.contains(encoding)) {
                return invalid(
                    format!("`{}`: encoding `{encoding}` is not supported; use `base64`", file.path),
                    line_of(text, "encoding"),
                );
            }
            let packed: String = file.content.split_whitespace().collect();
            if file.encoding.is_some() && STANDARD.decode(packed).is_err() {
                return invalid(format!("`{}`: the content is not base64", file.path), line_of(text, "content"));
            }
            let octal = |text: &str| u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777);
            if let Some(permissions) = file.permissions.as_deref().filter(|permissions| !octal(permissions)) {
                return invalid(
                    format!("`{}`: permissions `{permissions}` are not octal, such as `0644`", file.path),
                    line_of(text, "permissions"),
                );
            }
        }
        Ok(Self::CloudConfig { document })
    }
}

fn parse_ignition(text: &str) -> Result<Overlay, InvalidOverlay> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| InvalidOverlay { message: format!("not JSON: {error}"), line: Some(error.line()) })?;
    match document.pointer("/ignition/version").and_then(Value::as_str) {
        Some("3.0.0" | "3.1.0" | "3.2.0" | "3.3.0") => match null_at(&document, String::new()) {
            None => Ok(Overlay::Ignition { document }),
            Some(path) => {
                Err(InvalidOverlay { message: format!("`{path}` is null, which would take ours away"), line: None })
            }
        },
        Some(version) => Err(InvalidOverlay {
            message: format!("Ignition version `{version}` is not supported; 3.0.0 to 3.3.0 are"),
            line: line_of(text, "version"),
        }),
        None => Err(InvalidOverlay { message: "`ignition.version` is missing".into(), line: None }),
    }
}

/// The path of the first null.
fn null_at(value: &Value, path: String) -> Option<String> {
    match value {
        Value::Null => Some(path),
        Value::Object(object) => object.iter().find_map(|(key, value)| null_at(value, format!("{path}/{key}"))),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| null_at(item, format!("{path}/{index}")))
        }
        _ => None,
    }
}

/// Adds the right spelling to serde's message about an unknown key.
fn explain(message: &str) -> String {
    let Some(key) = message.split_once("unknown field `").and_then(|(_, rest)| rest.split('`').next()) else {
        return message.to_owned();
    };
    if key.contains('-') {
        let right = key.replace('-', "_");
        return format!("`{key}` is ignored by today's Flatcar; write `{right}`");
    }
    match key {
        "etcd" | "etcd2" => {
            format!("`coreos.{key}` acts on a unit that no longer exists; etcd is set up by this program")
        }
        "fleet" => "`coreos.fleet` acts on a unit that no longer exists".into(),
        _ => message.to_owned(),
    }
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    text.lines()
        .position(|line| line.trim_start().trim_start_matches(['-', '"', ' ']).starts_with(key))
        .map(|index| index + 1)
}

impl fmt::Debug for Overlay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user's document may hold secrets.
        formatter.write_str(match self {
            Self::CloudConfig { .. } => "Overlay::CloudConfig",
            Self::Ignition { .. } => "Overlay::Ignition",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_key_and_the_line() {
        for (text, message, line) in [
            ("hello", "neither starts with", None),
            ("#cloud-config\ncoreos:\n  update:\n    reboot-strategy: off\n", "write `reboot_strategy`", Some(4)),
            ("#cloud-config\ncoreos:\n  etcd2:\n    name: x\n", "`coreos.etcd2` acts on a unit", Some(3)),
            ("#cloud-config\nhostname: x\n", "`hostname` cannot be set", Some(2)),
            ("#cloud-config\nwrite_files:\n- path: /x\n  content: y\n  permissions: rw\n", "are not octal", Some(5)),
            ("#cloud-config\nwrite_files:\n- path: /x\n  content: y\n  encoding: gzip\n", "encoding `gzip`", Some(5)),
            ("{\"ignition\": {\"version\": \"3.6.0\"}}", "version `3.6.0` is not supported", None),
            ("#cloud-config\nwrite_files:\n- path: etc/x\n  content: y\n", "path `etc/x` is not absolute", Some(3)),
            (
                "#cloud-config\nwrite_files:\n- path: /x\n  encoding: b64\n  content: '%'\n",
                "the content is not base64",
                Some(5),
            ),
            ("#cloud-config\ncoreos:\n  units:\n  - name: hello\n", "unit `hello` has no suffix", Some(4)),
            ("#cloud-config\ncoreos:\n  units:\n  - name: a.service\n    command: stop\n", "command `stop`", Some(5)),
            ("#cloud-config\ncoreos:\n  update:\n    reboot_strategy: never\n", "reboot strategy `never`", Some(4)),
            ("#cloud-config\ncoreos:\n  update:\n    group: beta\n", "are not supported", Some(3)),
            ("{\"ignition\": {\"version\": \"3.3.0\"}, \"storage\": null}", "`/storage` is null", None),
            ("{\"a\"}", "not JSON", Some(1)),
            ("{}", "`ignition.version` is missing", None),
        ] {
            let error = Overlay::parse(text).unwrap_err();
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert_eq!(error.line, line, "{text}");
        }
    }

    #[test]
    fn both_dialects_are_read() {
        assert!(matches!(Overlay::parse("#cloud-config\nssh_authorized_keys: [k]\n"), Ok(Overlay::CloudConfig { .. })));
        assert!(matches!(Overlay::parse("{\"ignition\": {\"version\": \"3.3.0\"}}"), Ok(Overlay::Ignition { .. })));
    }
}
