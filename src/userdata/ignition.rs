//! Writes a [`UserData`] down as Ignition 3.3.0, the newest version that every supported image reads.
//!
//! <https://coreos.github.io/ignition/configuration-v3_3/>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::cloud_config::{Unit, User, UserData, WriteFile};
use super::file_owner::ignition_owner;

/// What must be escaped in the data part of a data URL (RFC 2397) that stands in a JSON string.
const DATA_URL_ESCAPES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

/// The account that every CoreOS-style image has.
const CORE_USER: &str = "core";

/// The Ignition document that states the same as `user_data`.
pub fn document(user_data: &UserData) -> Value {
    let config = &user_data.cloud_config;
    let mut files: Vec<Value> = config.hostname.iter().map(|name| file(&hostname_file(name))).collect();
    if let Some(strategy) = config.coreos.update.as_ref().and_then(|update| update.reboot_strategy.as_ref()) {
        files.push(file(&plain_file("/etc/flatcar/update.conf", &format!("REBOOT_STRATEGY={strategy}\n"))));
    }
    files.extend(config.write_files.iter().map(file));

    let mut core =
        User { name: CORE_USER.into(), ssh_authorized_keys: config.ssh_authorized_keys.clone(), ..User::default() };
    let mut users = Vec::new();
    for other in &config.users {
        if other.name == CORE_USER {
            core.ssh_authorized_keys.extend(other.ssh_authorized_keys.iter().cloned());
            core.groups.clone_from(&other.groups);
            core.passwd.clone_from(&other.passwd);
            core.shell.clone_from(&other.shell);
        } else {
            users.push(user(other));
        }
    }
    users.insert(0, user(&core));

    let mut storage = Map::new();
    storage.insert("files".into(), Value::Array(files));
    if !user_data.filesystems.is_empty() {
        let filesystems = user_data.filesystems.iter().map(|filesystem| {
            json!({
                "device": filesystem.device,
                "format": filesystem.format,
                "label": filesystem.label,
                "wipeFilesystem": false,
            })
        });
        storage.insert("filesystems".into(), filesystems.collect());
    }
    json!({
        "ignition": { "version": "3.3.0" },
        "passwd": { "users": users },
        "storage": storage,
        "systemd": { "units": config.coreos.units.iter().map(unit).collect::<Vec<_>>() },
    })
}

/// Lays a user's Ignition document over ours by Ignition's own rule: objects merge, lists of keyed objects merge by
/// key, other lists append, scalars replace.
/// <https://coreos.github.io/ignition/operator-notes/#config-merging>
pub fn merge(ours: &mut Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in theirs {
                match ours.get_mut(key) {
                    // The document keeps the version we write; theirs was checked not to be newer.
                    Some(_) if key == "version" => {}
                    Some(known) => merge(known, value),
                    None => {
                        ours.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for item in theirs {
                let key = item_key(item);
                let same = ours.iter().position(|known| known == item || (key.is_some() && item_key(known) == key));
                match same {
                    Some(index) => merge(&mut ours[index], item),
                    None => ours.push(item.clone()),
                }
            }
        }
        (ours, theirs) => *ours = theirs.clone(),
    }
}

/// What tells two items of one list apart: path, name or device.
fn item_key(item: &Value) -> Option<String> {
    ["path", "name", "device"].iter().find_map(|key| item.get(key)?.as_str().map(str::to_owned))
}

/// The `count` largest files and units with their sizes in bytes, largest first, as one line of text.
pub fn largest_parts(document: &Value, count: usize) -> String {
    let parts = |pointer: &str, key: &str| -> Vec<(usize, String)> {
        let items = document.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        items.iter().map(|item| (item.to_string().len(), item[key].as_str().unwrap_or_default().to_owned())).collect()
    };
    let mut all = parts("/storage/files", "path");
    all.extend(parts("/systemd/units", "name"));
    all.sort_by(|a, b| b.cmp(a));
    let lines: Vec<String> = all.into_iter().take(count).map(|(bytes, name)| format!("`{name}` {bytes}")).collect();
    lines.join(", ")
}

fn hostname_file(name: &str) -> WriteFile {
    plain_file("/etc/hostname", &format!("{name}\n"))
}

fn plain_file(path: &str, content: &str) -> WriteFile {
    WriteFile { path: path.into(), content: content.into(), ..WriteFile::default() }
}

fn file(file: &WriteFile) -> Value {
    let mode = file.permissions.as_deref().and_then(|text| u32::from_str_radix(text, 8).ok()).unwrap_or(0o644);
    let source = match file.encoding.as_deref() {
        Some("base64" | "b64") => {
            let packed: String = file.content.split_whitespace().collect();
            format!("data:;base64,{packed}")
        }
        _ if file.content.is_ascii() => format!("data:,{}", utf8_percent_encode(&file.content, DATA_URL_ESCAPES)),
        _ => format!("data:;base64,{}", STANDARD.encode(&file.content)),
    };
    let mut value = json!({ "path": file.path, "mode": mode, "overwrite": true, "contents": { "source": source } });
    if let Some(owner) = &file.owner {
        let (user, group) = ignition_owner(owner);
        for (key, reference) in [("user", user), ("group", group)] {
            if let Some(reference) = reference {
                value[key] = reference;
            }
        }
    }
    value
}

fn user(user: &User) -> Value {
    let mut value = json!({ "name": user.name });
    if !user.ssh_authorized_keys.is_empty() {
        value["sshAuthorizedKeys"] = json!(user.ssh_authorized_keys);
    }
    if !user.groups.is_empty() {
        value["groups"] = json!(user.groups);
    }
    if let Some(hash) = &user.passwd {
        value["passwordHash"] = json!(hash);
    }
    if let Some(shell) = &user.shell {
        value["shell"] = json!(shell);
    }
    value
}

fn unit(unit: &Unit) -> Value {
    let mut value = json!({ "name": unit.name });
    if unit.mask {
        value["mask"] = json!(true);
    }
    if unit.enable || unit.command.as_deref() == Some("start") {
        value["enabled"] = json!(true);
    }
    if let Some(content) = &unit.content {
        value["contents"] = json!(content);
    }
    if !unit.drop_ins.is_empty() {
        let drop_ins = unit.drop_ins.iter().map(|drop_in| json!({ "name": drop_in.name, "contents": drop_in.content }));
        value["dropins"] = drop_ins.collect();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_survive_the_data_url() {
        for (content, source) in
            [("a b\n", "data:,a%20b%0A"), ("100% #1\n", "data:,100%25%20%231%0A"), ("grün", "data:;base64,Z3LDvG4=")]
        {
            assert_eq!(file(&plain_file("/x", content))["contents"]["source"], source, "{content}");
        }
    }

    #[test]
    fn modes_are_octal() {
        let file = file(&WriteFile {
            permissions: Some("0440".into()),
            owner: Some("root:500".into()),
            ..plain_file("/x", "")
        });
        assert_eq!((&file["mode"], &file["group"]["id"]), (&json!(0o440), &json!(500)));
    }

    #[test]
    fn a_users_document_merges_by_key() {
        let mut ours = json!({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a", "mode": 420}]},
            "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["k1"]}]}});
        merge(
            &mut ours,
            &json!({"ignition": {"version": "3.1.0"}, "storage": {"files": [{"path": "/a", "mode": 384}, {"path": "/b"}]},
            "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["k1", "k2"]}]}, "systemd": {"units": [{"name": "x"}]}}),
        );
        assert_eq!(
            ours,
            json!({"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a", "mode": 384}, {"path": "/b"}]},
                "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["k1", "k2"]}]}, "systemd": {"units": [{"name": "x"}]}})
        );
    }

    #[test]
    fn the_largest_parts_come_first() {
        let document = json!({"storage": {"files": [{"path": "/small"}, {"path": "/large", "contents": {"source": "x".repeat(99)}}]}});
        assert!(largest_parts(&document, 2).starts_with("`/large` 1"), "{}", largest_parts(&document, 2));
    }
}
