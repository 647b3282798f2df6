//! What a machine is after Ignition applied a document.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::Value;

use super::state::{File, State, Unit, User};

pub(super) fn read(text: &str) -> State {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["ignition"]["version"], "3.3.0");
    let mut state = State::default();
    for item in list(&document["storage"]["files"]) {
        let path = item["path"].as_str().unwrap();
        let content = content(&item["contents"]);
        if path == "/etc/hostname" {
            state.hostname = Some(String::from_utf8(content).unwrap().trim_end().to_owned());
            continue;
        }
        assert_eq!(item["overwrite"], true, "{path}");
        let mode = u32::try_from(item["mode"].as_u64().unwrap()).unwrap();
        state.add_file(path, File { content, mode, user: owner(&item["user"]), group: owner(&item["group"]) });
    }
    for item in list(&document["storage"]["filesystems"]) {
        assert_eq!((&item["format"], &item["wipeFilesystem"]), (&"ext4".into(), &false.into()));
        let text = |key: &str| item[key].as_str().unwrap().to_owned();
        state.filesystems.insert((text("device"), text("label")));
    }
    for item in list(&document["systemd"]["units"]) {
        let drop_ins = list(&item["dropins"]);
        let drop_ins = drop_ins
            .iter()
            .filter_map(|drop_in| Some((drop_in["name"].as_str()?.to_owned(), written(&drop_in["contents"])?)));
        let unit = Unit {
            masked: item["mask"] == true,
            runs: item["enabled"] == true,
            content: written(&item["contents"]),
            drop_ins: drop_ins.collect(),
        };
        state.add_unit(item["name"].as_str().unwrap(), unit);
    }
    for item in list(&document["passwd"]["users"]) {
        let keys: Vec<String> = texts(&item["sshAuthorizedKeys"]);
        let mut user = User { keys: keys.iter().cloned().collect(), ..User::default() };
        assert_eq!(user.keys.len(), keys.len(), "Ignition refuses a key that stands twice");
        user.groups = texts(&item["groups"]).into_iter().collect();
        for (key, field) in [
            ("passwordHash", "passwd"),
            ("gecos", "gecos"),
            ("homeDir", "homedir"),
            ("noCreateHome", "no_create_home"),
            ("primaryGroup", "primary_group"),
            ("noUserGroup", "no_user_group"),
            ("system", "system"),
            ("noLogInit", "no_log_init"),
            ("shell", "shell"),
        ] {
            match &item[key] {
                Value::Null => {}
                Value::String(text) => drop(user.fields.insert(field.into(), text.clone())),
                other => drop(user.fields.insert(field.into(), other.to_string())),
            }
        }
        let name = item["name"].as_str().unwrap().to_owned();
        assert!(state.users.insert(name.clone(), user).is_none(), "`{name}` stands twice");
    }
    state
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Ignition writes nothing where there is nothing to write.
fn written(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn owner(value: &Value) -> Option<String> {
    match (&value["name"], &value["id"]) {
        (Value::String(name), _) => Some(name.clone()),
        (_, Value::Number(id)) => Some(id.to_string()),
        _ => None,
    }
}

fn content(contents: &Value) -> Vec<u8> {
    let source = contents["source"].as_str().unwrap();
    let bytes = match (source.strip_prefix("data:;base64,"), source.strip_prefix("data:,")) {
        (Some(packed), _) => STANDARD.decode(packed).unwrap(),
        (None, Some(escaped)) => percent_encoding::percent_decode_str(escaped).collect(),
        (None, None) => panic!("{source}"),
    };
    match contents["compression"].as_str() {
        Some("gzip") => unpacked(&bytes),
        None => bytes,
        Some(other) => panic!("{other}"),
    }
}

pub(super) fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    unpacked
}
