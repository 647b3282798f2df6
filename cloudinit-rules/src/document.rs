//! A cloud-config as coreos-cloudinit has it after reading: keys that its table does not know are gone, and one value of
//! another shape than the table says, or content that does not decode, keeps it from reading any of it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diagnostics::yaml::{Document, Mapping, Node, Value, Written};
use serde::Deserialize;

use crate::content::{self, MOST_BYTES, from_base64};
use crate::key::{Reading, Section, Shape};
use crate::scalar::{self, NoText};

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
    content: Content,
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
    pub content: Content,
    pub command: String,
    pub drop_ins: Vec<DropIn>,
}

/// A drop-in of a unit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct DropIn {
    pub name: String,
    pub content: Content,
}

/// What a text comes to, UTF-8 or not.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Spelled")]
pub(crate) struct Content(pub Vec<u8>);

/// How it stands in a [`Value`], which has no bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled {
    Text(String),
    Base64 { base64: String },
}

impl From<Spelled> for Content {
    fn from(spelled: Spelled) -> Self {
        match spelled {
            Spelled::Text(text) => Self(text.into_bytes()),
            Spelled::Base64 { base64 } => Self(from_base64(base64.as_bytes()).unwrap_or_default()),
        }
    }
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
        file.bytes = content::decode(&file.content.0, &file.encoding, MOST_BYTES)
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
            Shape::Text if key.name == "content" => content_value(&child, written),
            Shape::Text => text(&child, written),
            Shape::Flag => scalar::flag(child.value()).map(Value::Bool).ok_or_else(|| refused(&child, "a flag")),
            Shape::Mapping(section) => mapping(&child, section, written),
            // Its own keys have shapes too, which are not held against them here.
            Shape::Unused if child.value().is_mapping() => continue,
            Shape::Unused => Err(refused(&child, "a mapping")),
            Shape::Texts => list(&child, &|item| match item.is_null() {
                true => Ok(Value::String(String::new())),
                false => text(item, written),
            }),
            Shape::List(section) => list(&child, &|item| mapping(item, section, written)),
        };
        read.insert(key.name.into(), value?);
    }
    Ok(Value::Mapping(read))
}

fn text(node: &Node<'_>, written: &Written) -> Result<Value, String> {
    scalar::text(node, written).map(Value::String).map_err(|why| match why {
        NoText::Shape => refused(node, "a text"),
        NoText::Base64 => refused(node, "base64, as its tag `!!binary` says"),
        // coreos-cloudinit takes such a name too; nobody means one.
        NoText::Utf8 => refused(node, "UTF-8"),
    })
}

fn content_value(node: &Node<'_>, written: &Written) -> Result<Value, String> {
    let Err(NoText::Utf8) = scalar::text(node, written) else { return text(node, written) };
    let bytes = scalar::bytes(node, written).unwrap_or_default();
    let mut spelled = Mapping::new();
    spelled.insert("base64".into(), STANDARD.encode(bytes).into());
    Ok(Value::Mapping(spelled))
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
        let config = read(
            "hostname: !!binary bm9kZQ==\nwrite_files:\n- {path: /a, content: !!binary gIE=}\n- path: /b\n  encoding: gzip\n  content: !!binary |\n    H4sIAAAAAAACA8vIBACsKpPYAgAAAA==\n\
             coreos:\n  units:\n  - {name: a.service, content: !!binary gA==, drop_ins: [{name: b.conf, content: !!binary aGk=}]}\n",
        )
        .unwrap();
        assert_eq!(config.hostname, "node");
        assert_eq!(config.write_files[0].bytes, b"\x80\x81");
        assert_eq!(config.write_files[1].bytes, b"hi");
        assert_eq!(
            (&*config.coreos.units[0].content.0, &*config.coreos.units[0].drop_ins[0].content.0),
            (&b"\x80"[..], &b"hi"[..])
        );
        for (text, why) in [
            ("a: [", "not YAML"),
            ("- a", "must be a mapping"),
            (
                "write_files:\n- path: /a\n  content: !!binary a b",
                "line 3: `write_files[0].content` must be base64, as its tag",
            ),
            ("hostname: !!binary gA==", "`hostname` must be UTF-8"),
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
