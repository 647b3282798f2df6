//! A cloud-config as coreos-cloudinit has it after reading: keys that its table does not know are gone, and one value of
//! another shape than the table says, or content that does not decode, keeps it from reading any of it.

use std::collections::BTreeMap;

use diagnostics::yaml::{Document, Mapping, Node, Value, Written};
use serde::Deserialize;

use crate::content::{self, MOST_BYTES};
use crate::key::{Reading, Section, Shape};
use crate::scalar;

/// A whole document; what it does not say is empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CloudConfig {
    pub hostname: String,
    pub ssh_authorized_keys: Vec<String>,
    pub users: Vec<User>,
    pub write_files: Vec<WriteFile>,
    pub manage_etc_hosts: String,
    pub coreos: CoreOs,
}

/// The section `coreos`. Settings are by their keys.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct CoreOs {
    pub update: BTreeMap<String, String>,
    pub locksmith: BTreeMap<String, String>,
    pub flannel: BTreeMap<String, String>,
    pub oem: BTreeMap<String, String>,
    pub units: Vec<Unit>,
}

/// An account.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct User {
    pub name: String,
    pub passwd: String,
    pub ssh_authorized_keys: Vec<String>,
    pub groups: Vec<String>,
    pub gecos: String,
    pub homedir: String,
    pub no_create_home: bool,
    pub primary_group: String,
    pub no_user_group: bool,
    pub system: bool,
    pub no_log_init: bool,
    pub shell: String,
    /// Keys that would be fetched; the interpreter fetches nothing.
    coreos_ssh_import_github: String,
    coreos_ssh_import_github_users: Vec<String>,
    coreos_ssh_import_url: String,
}

/// A file.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct WriteFile {
    pub path: String,
    pub content: String,
    pub owner: String,
    pub permissions: String,
    encoding: String,
    /// The content, decoded.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// A unit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Unit {
    pub name: String,
    pub mask: bool,
    pub enable: bool,
    pub runtime: bool,
    pub content: String,
    pub command: String,
    pub drop_ins: Vec<DropIn>,
}

/// A drop-in of a unit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DropIn {
    pub name: String,
    pub content: String,
}

impl User {
    /// Whether keys are to be fetched for it.
    pub(crate) fn fetches_keys(&self) -> bool {
        let single = [&self.coreos_ssh_import_github, &self.coreos_ssh_import_url];
        !self.coreos_ssh_import_github_users.is_empty() || single.iter().any(|text| !text.is_empty())
    }
}

/// Reads a document in whose text addresses are already put in. What cannot be read comes back in words.
pub(crate) fn read(text: &str) -> Result<CloudConfig, String> {
    let document = Document::parse("user-data", text).map_err(|problems| problems.to_string())?;
    let root = document.root();
    let written = Written::read(text, root.value());
    let value = mapping(&root, Section::Document, &written)?;
    let mut config = CloudConfig::deserialize(value).map_err(|error| error.to_string())?;
    for file in &mut config.write_files {
        file.bytes = content::decode(&file.content, &file.encoding, MOST_BYTES)
            .map_err(|error| format!("the content of `{}` cannot be decoded: {error:?}", file.path))?;
    }
    Ok(config)
}

fn mapping(node: &Node<'_>, section: Section, written: &Written) -> Result<Value, String> {
    let mut read = Mapping::new();
    if node.is_null() {
        return Ok(Value::Mapping(read));
    }
    if !node.value().is_mapping() {
        return Err(refused(node, "a mapping"));
    }
    for (name, child) in node.entries().unwrap_or_default() {
        let Reading::Known(key) = section.reading(&name) else { continue };
        if child.is_null() {
            continue;
        }
        let value = match key.shape {
            Shape::Text => scalar::text(&child, written).map(Value::String).ok_or_else(|| refused(&child, "a text")),
            Shape::Flag => scalar::flag(child.value()).map(Value::Bool).ok_or_else(|| refused(&child, "a flag")),
            Shape::Mapping(section) => mapping(&child, section, written),
            // Its own keys have shapes too, which are not held against them here.
            Shape::Unused if child.value().is_mapping() => continue,
            Shape::Unused => Err(refused(&child, "a mapping")),
            Shape::Texts => list(&child, &|item| match item.is_null() {
                true => Ok(Value::String(String::new())),
                false => scalar::text(item, written).map(Value::String).ok_or_else(|| refused(item, "a text")),
            }),
            Shape::List(section) => list(&child, &|item| mapping(item, section, written)),
        };
        read.insert(key.name.into(), value?);
    }
    Ok(Value::Mapping(read))
}

fn list(node: &Node<'_>, item: &dyn Fn(&Node<'_>) -> Result<Value, String>) -> Result<Value, String> {
    if !node.value().is_sequence() {
        return Err(refused(node, "a list"));
    }
    let items = node.items().unwrap_or_default();
    items.iter().map(item).collect::<Result<_, _>>().map(Value::Sequence)
}

fn refused(node: &Node<'_>, wanted: &str) -> String {
    let line = node.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}`{}` must be {wanted}, found {}", node.path(), node.described())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_keeps_from_reading() {
        let config = read(
            "hostname: 12\nreboot-strategy: [x]\ncoreos:\n  etcd2: {name: a}\n  units:\n  - name: a.service\n    mask: yes\n    drop-ins: 1\n\
             write_files:\n- path: /a\n  permissions: 0600\n  encoding: base64\n  content: aGk=\n- path:\n",
        )
        .unwrap();
        assert_eq!((config.hostname.as_str(), config.coreos.units[0].mask), ("12", true));
        assert!(config.coreos.units[0].drop_ins.is_empty(), "a hyphen is ignored");
        assert_eq!((config.write_files[0].permissions.as_str(), &*config.write_files[0].bytes), ("0600", &b"hi"[..]));
        assert_eq!(config.write_files[1].path, "");
        assert!(read("").unwrap().users.is_empty());
        for (text, why) in [
            ("a: [", "not YAML"),
            ("- a", "must be a mapping"),
            ("users: a", "line 1: `users` must be a list, found"),
            ("users: [a]", "`users[0]` must be a mapping"),
            ("users:\n- name: [a]", "line 2: `users[0].name` must be a text"),
            ("users:\n- system: 'true'", "`users[0].system` must be a flag"),
            ("write_files:\n- {path: /a, encoding: xz}", "the content of `/a` cannot be decoded: Encoding"),
            ("write_files:\n- {path: /a, encoding: gzip, content: a}", "cannot be decoded: Gzip"),
        ] {
            let found = read(text).err().unwrap_or_default();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
