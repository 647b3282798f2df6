//! What a machine is after coreos-cloudinit applied a document.
//!
//! <https://github.com/flatcar/coreos-cloudinit>: `initialize/env.go`, `initialize/config.go`, `system/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use super::ignition_reader::unpacked;
use super::state::{File, State, Unit, User};
use diagnostics::yaml::{self, Value};

pub(super) fn read(text: &str) -> State {
    let document: Value = yaml::from_str(&with_addresses(text)).unwrap();
    assert_eq!(text.lines().next(), Some("#cloud-config"));
    let mut state = State { hostname: optional(&document["hostname"]), ..State::default() };
    let mut core = User { keys: texts(&document["ssh_authorized_keys"]).into_iter().collect(), ..User::default() };
    for item in list(&document["users"]) {
        let mut user = User::default();
        for (key, value) in item.as_mapping().unwrap() {
            match key.as_str().unwrap() {
                "name" => {}
                "ssh_authorized_keys" => user.keys.extend(texts(value)),
                "groups" => user.groups.extend(texts(value)),
                field => {
                    let text = value.as_bool().map_or_else(|| optional(value).unwrap(), |flag| flag.to_string());
                    user.fields.insert(field.to_owned(), text);
                }
            }
        }
        let name = required(&item["name"]);
        if name == "core" {
            // The account exists: what only its making reads is not read.
            assert!(user.groups.is_empty() && user.fields.keys().all(|field| field == "passwd"), "{user:?}");
            core.keys.extend(user.keys);
            core.fields.extend(user.fields);
        } else {
            assert!(state.users.insert(name.clone(), user).is_none(), "`{name}` stands twice");
        }
    }
    state.users.insert("core".into(), core);
    for item in list(&document["write_files"]) {
        let content = required(&item["content"]);
        let decoded = || STANDARD.decode(content.split_whitespace().collect::<String>()).unwrap();
        let content = match optional(&item["encoding"]).as_deref() {
            None => content.into_bytes(),
            Some("base64") => decoded(),
            Some("gzip+base64") => unpacked(&decoded()),
            Some(other) => panic!("{other}"),
        };
        let mode = optional(&item["permissions"]).unwrap_or_else(|| "0644".into());
        let owner = optional(&item["owner"]).unwrap_or_default();
        let mut owner = owner.splitn(2, ':').map(str::to_owned).filter(|part| !part.is_empty());
        let of_group_alone = optional(&item["owner"]).is_some_and(|owner| owner.starts_with(':'));
        let user = if of_group_alone { None } else { owner.next() };
        let file = File { content, mode: u32::from_str_radix(&mode, 8).unwrap(), user, group: owner.next() };
        state.add_file(&required(&item["path"]), file);
    }
    let strategy = optional(&document["coreos"]["update"]["reboot_strategy"]);
    if let Some(strategy) = strategy {
        let settings = &state.files["/etc/flatcar/update.conf"].content;
        assert_eq!(settings, format!("REBOOT_STRATEGY={strategy}\n").as_bytes());
    }
    for item in list(&document["coreos"]["units"]) {
        read_unit(&item, &mut state);
    }
    state
}

fn read_unit(item: &Value, state: &mut State) {
    let name = required(&item["name"]);
    let content = optional(&item["content"]).filter(|content| !content.is_empty());
    if let Some(label) = name.strip_prefix("format-").and_then(|rest| rest.strip_suffix(".service")) {
        let content = content.unwrap();
        let device = content.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c 'blkid --probe "));
        let device = device.unwrap().split(' ').next().unwrap().to_owned();
        assert!(content.contains(&format!("mkfs.ext4 -F -L {label} {device};")), "{content}");
        assert_eq!(item["enable"], Value::Bool(true));
        state.filesystems.insert((device, label.to_owned()));
        return;
    }
    let drop_ins =
        list(&item["drop_ins"]).into_iter().map(|item| (required(&item["name"]), required(&item["content"])));
    let command = optional(&item["command"]);
    let mut unit = Unit {
        masked: item["mask"].as_bool().unwrap_or_default(),
        runs: matches!(command.as_deref(), Some("start" | "restart")),
        content,
        drop_ins: drop_ins.filter(|(_, content)| !content.is_empty()).collect(),
    };
    let read_earlier = [
        ("sshd.service", "/etc/ssh/"),
        ("systemd-modules-load.service", "/etc/modules-load.d/"),
        ("systemd-sysctl.service", "/etc/sysctl.d/"),
        ("chronyd.service", "/etc/chrony/"),
        ("systemd-networkd.service", "/etc/systemd/network/"),
    ];
    let folder = read_earlier.iter().find(|(reader, _)| *reader == name).map(|(_, folder)| *folder);
    if let Some(folder) =
        folder.filter(|folder| !unit.masked && state.files.keys().any(|path| path.starts_with(folder)))
    {
        let again = matches!(command.as_deref(), Some("restart" | "try-restart"));
        assert!(again, "what was written to `{folder}` is read again");
        // That alone says nothing about the unit.
        let ours = name.starts_with("systemd-") && item["enable"].is_null();
        unit.runs &= !ours;
    }
    state.add_unit(&name, unit);
}

/// The text with a machine's addresses, as coreos-cloudinit puts them in.
fn with_addresses(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, address) in
        [("public_ipv4", ""), ("private_ipv4", "10.9.8.7"), ("public_ipv6", ""), ("private_ipv6", "")]
    {
        let asked = Regex::new(&format!(r"([^\\]|^)\${name}")).unwrap();
        text = asked.replace_all(&text, format!("${{1}}{address}")).into_owned();
        text = text.replace(&format!("\\${name}"), &format!("${name}"));
    }
    text
}

fn list(value: &Value) -> Vec<Value> {
    value.as_sequence().cloned().unwrap_or_default()
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(required).collect()
}

fn required(value: &Value) -> String {
    optional(value).unwrap_or_else(|| panic!("{value:?} is no text"))
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
