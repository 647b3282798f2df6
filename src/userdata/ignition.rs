//! Writes a [`UserData`] down as Ignition 3.3.0, the newest version that every supported image reads.
//!
//! <https://coreos.github.io/ignition/configuration-v3_3/>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::cloud_config::{Encoding, HOSTNAME_FILE, Unit, User, UserData, WriteFile};
use super::file_owner::ignition_owner;
use super::size::Part;

/// What stands as it is in the data part of a data URL: letters, digits, and the other characters of a path (RFC 3986,
/// `pchar` and `/`). Everything else is escaped: Ignition's reader refuses more than the RFC does, `[` and `]` among it.
/// <https://github.com/vincent-petithory/dataurl/blob/master/lex.go>
const DATA_URL_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// The version that is written.
pub(super) const VERSION: &str = "3.3.0";

/// The Ignition document that states the same as `user_data`.
pub(super) fn document(user_data: &UserData) -> Value {
    let config = &user_data.cloud_config;
    let hostname = config.hostname.iter().map(|name| file(&plain_file(HOSTNAME_FILE, &format!("{name}\n"))));
    let files: Vec<Value> = hostname.chain(config.files().iter().map(file)).collect();

    let mut storage = Map::new();
    storage.insert("files".into(), Value::Array(files));
    if !user_data.filesystems.is_empty() {
        let filesystems = user_data.filesystems.iter().map(|filesystem| {
            json!({
                "device": filesystem.device,
                "format": "ext4",
                "label": filesystem.label,
                "wipeFilesystem": false,
            })
        });
        storage.insert("filesystems".into(), filesystems.collect());
    }
    json!({
        "ignition": { "version": VERSION },
        "passwd": { "users": config.accounts().iter().map(user).collect::<Vec<_>>() },
        "storage": storage,
        "systemd": { "units": config.coreos.units.iter().map(unit).collect::<Vec<_>>() },
    })
}

/// Lays a user's Ignition document over ours by Ignition's own rule: objects merge, lists of keyed objects merge by
/// key, other lists append, scalars replace.
/// <https://coreos.github.io/ignition/operator-notes/#config-merging>
pub(super) fn merge(ours: &mut Value, theirs: &Value) {
    match (ours, theirs) {
        // An owner is one thing, by number or by name.
        (Value::Object(ours), Value::Object(theirs)) if is_owner(theirs) && is_owner(ours) => ours.clone_from(theirs),
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

fn is_owner(object: &Map<String, Value>) -> bool {
    !object.is_empty() && object.keys().all(|key| key == "id" || key == "name")
}

/// What tells two items of one list apart: a filesystem's or disk's device, else path or name.
/// <https://coreos.github.io/ignition/configuration-v3_3/>
fn item_key(item: &Value) -> Option<String> {
    ["device", "path", "name"].iter().find_map(|key| item.get(key)?.as_str().map(str::to_owned))
}

/// Files and units with their sizes in bytes.
pub(super) fn parts(document: &Value) -> Vec<Part> {
    let parts = |pointer: &str, key: &str| -> Vec<Part> {
        let items = document.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let part = |item: &Value| Some(Part { bytes: item.to_string().len(), name: item[key].as_str()?.to_owned() });
        items.iter().filter_map(part).collect()
    };
    let mut all = parts("/storage/files", "path");
    all.extend(parts("/systemd/units", "name"));
    all
}

fn plain_file(path: &str, content: &str) -> WriteFile {
    WriteFile { path: path.into(), content: content.into(), ..WriteFile::default() }
}

fn file(file: &WriteFile) -> Value {
    let mode = file.permissions.as_deref().and_then(|text| u32::from_str_radix(text, 8).ok()).unwrap_or(0o644);
    let source = match file.encoding {
        Some(Encoding::Base64 | Encoding::GzipBase64) => {
            let packed: String = file.content.split_whitespace().collect();
            format!("data:;base64,{packed}")
        }
        None => data_url(&file.content),
    };
    let mut value = json!({ "path": file.path, "mode": mode, "overwrite": true, "contents": { "source": source } });
    if file.encoding == Some(Encoding::GzipBase64) {
        value["contents"]["compression"] = json!("gzip");
    }
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

/// Escaped, which people can read, unless base64 is much shorter.
fn data_url(content: &str) -> String {
    let escaped = utf8_percent_encode(content, DATA_URL_ESCAPES).to_string();
    let packed = STANDARD.encode(content);
    match content.is_ascii() && escaped.len() <= packed.len() / 2 * 3 {
        true => format!("data:,{escaped}"),
        false => format!("data:;base64,{packed}"),
    }
}

fn user(user: &User) -> Value {
    let mut value = json!({ "name": user.name });
    for (key, list) in [("sshAuthorizedKeys", &user.ssh_authorized_keys), ("groups", &user.groups)] {
        if !list.is_empty() {
            value[key] = json!(list);
        }
    }
    for (key, text) in [
        ("passwordHash", &user.passwd),
        ("gecos", &user.gecos),
        ("homeDir", &user.homedir),
        ("primaryGroup", &user.primary_group),
        ("shell", &user.shell),
    ] {
        if let Some(text) = text {
            value[key] = json!(text);
        }
    }
    for (key, set) in [
        ("noCreateHome", user.no_create_home),
        ("noUserGroup", user.no_user_group),
        ("system", user.system),
        ("noLogInit", user.no_log_init),
    ] {
        if set {
            value[key] = json!(true);
        }
    }
    value
}

fn unit(unit: &Unit) -> Value {
    if unit.mask {
        return json!({ "name": unit.name, "mask": true });
    }
    let mut value = json!({ "name": unit.name });
    if unit.runs() {
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
        for (content, source) in [
            ("value b\n", "data:,value%20b%0A"),
            ("quota=100% #1\n", "data:,quota=100%25%20%231%0A"),
            ("[Match]\nName=eth1\n", "data:,%5BMatch%5D%0AName=eth1%0A"),
            ("[{}]", "data:,%5B%7B%7D%5D"),
            ("{}[]\"\"<>\n\n", "data:;base64,e31bXSIiPD4KCg=="),
            ("grün", "data:;base64,Z3LDvG4="),
        ] {
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
    fn an_owner_is_replaced_whole() {
        let mut ours = json!({"storage": {"files": [{"path": "/a", "group": {"id": 500}, "user": {"name": "a"}}]}});
        merge(&mut ours, &json!({"storage": {"files": [{"path": "/a", "group": {"name": "docker"}}]}}));
        let merged = json!({"path": "/a", "group": {"name": "docker"}, "user": {"name": "a"}});
        assert_eq!(ours["storage"]["files"][0], merged);
    }

    #[test]
    fn parts_have_their_names() {
        let document = json!({"storage": {"files": [{"path": "/a"}]}, "systemd": {"units": [{"name": "b.service"}]}});
        let names: Vec<String> = parts(&document).into_iter().map(|part| part.name).collect();
        assert_eq!(names, ["/a", "b.service"]);
    }
}
