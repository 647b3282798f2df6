//! Every key of an Ignition document.
//!
//! <https://coreos.github.io/ignition/configuration-v3_3/>

use diagnostics::suggestion;
use diagnostics::yaml::{Node, Value};

/// What a key's value is.
#[derive(Clone, Copy)]
enum Shape {
    /// A scalar or a list of scalars.
    Plain,
    Mapping(Entries),
    List(Entries),
}
use Shape::{List, Mapping, Plain};

type Entries = &'static [(&'static str, Shape)];

const DOCUMENT: Entries = &[
    ("ignition", Mapping(IGNITION)),
    ("storage", Mapping(STORAGE)),
    ("systemd", Mapping(&[("units", List(UNIT))])),
    ("passwd", Mapping(&[("users", List(USER)), ("groups", List(GROUP))])),
    ("kernelArguments", Mapping(&[("shouldExist", Plain), ("shouldNotExist", Plain)])),
];
const IGNITION: Entries = &[
    ("version", Plain),
    ("config", Mapping(&[("merge", List(RESOURCE)), ("replace", Mapping(RESOURCE))])),
    ("timeouts", Mapping(&[("httpResponseHeaders", Plain), ("httpTotal", Plain)])),
    ("security", Mapping(&[("tls", Mapping(&[("certificateAuthorities", List(RESOURCE))]))])),
    ("proxy", Mapping(&[("httpProxy", Plain), ("httpsProxy", Plain), ("noProxy", Plain)])),
];
const RESOURCE: Entries = &[
    ("source", Plain),
    ("compression", Plain),
    ("httpHeaders", List(&[("name", Plain), ("value", Plain)])),
    ("verification", Mapping(&[("hash", Plain)])),
];
const STORAGE: Entries = &[
    ("disks", List(&[("device", Plain), ("wipeTable", Plain), ("partitions", List(PARTITION))])),
    ("raid", List(&[("name", Plain), ("level", Plain), ("devices", Plain), ("spares", Plain), ("options", Plain)])),
    ("filesystems", List(FILESYSTEM)),
    ("files", List(FILE)),
    ("directories", List(&[("path", Plain), ("overwrite", Plain), ("mode", Plain), ("user", OWNER), ("group", OWNER)])),
    ("links", List(LINK)),
    ("luks", List(LUKS)),
];
const PARTITION: Entries = &[
    ("label", Plain),
    ("number", Plain),
    ("sizeMiB", Plain),
    ("startMiB", Plain),
    ("typeGuid", Plain),
    ("guid", Plain),
    ("wipePartitionEntry", Plain),
    ("shouldExist", Plain),
    ("resize", Plain),
];
const FILESYSTEM: Entries = &[
    ("device", Plain),
    ("format", Plain),
    ("path", Plain),
    ("wipeFilesystem", Plain),
    ("label", Plain),
    ("uuid", Plain),
    ("options", Plain),
    ("mountOptions", Plain),
];
const FILE: Entries = &[
    ("path", Plain),
    ("overwrite", Plain),
    ("contents", Mapping(RESOURCE)),
    ("append", List(RESOURCE)),
    ("mode", Plain),
    ("user", OWNER),
    ("group", OWNER),
];
const LINK: Entries =
    &[("path", Plain), ("overwrite", Plain), ("user", OWNER), ("group", OWNER), ("target", Plain), ("hard", Plain)];
const OWNER: Shape = Mapping(&[("id", Plain), ("name", Plain)]);
const LUKS: Entries = &[
    ("name", Plain),
    ("device", Plain),
    ("keyFile", Mapping(RESOURCE)),
    ("label", Plain),
    ("uuid", Plain),
    ("options", Plain),
    ("wipeVolume", Plain),
    ("clevis", Mapping(CLEVIS)),
];
const CLEVIS: Entries = &[
    ("tang", List(&[("url", Plain), ("thumbprint", Plain)])),
    ("tpm2", Plain),
    ("threshold", Plain),
    ("custom", Mapping(&[("pin", Plain), ("config", Plain), ("needsNetwork", Plain)])),
];
const UNIT: Entries = &[
    ("name", Plain),
    ("enabled", Plain),
    ("mask", Plain),
    ("contents", Plain),
    ("dropins", List(&[("name", Plain), ("contents", Plain)])),
];
const USER: Entries = &[
    ("name", Plain),
    ("passwordHash", Plain),
    ("sshAuthorizedKeys", Plain),
    ("uid", Plain),
    ("gecos", Plain),
    ("homeDir", Plain),
    ("noCreateHome", Plain),
    ("primaryGroup", Plain),
    ("groups", Plain),
    ("noUserGroup", Plain),
    ("noLogInit", Plain),
    ("shell", Plain),
    ("shouldExist", Plain),
    ("system", Plain),
];
const GROUP: Entries =
    &[("name", Plain), ("gid", Plain), ("passwordHash", Plain), ("shouldExist", Plain), ("system", Plain)];

/// Keys that later versions added.
/// <https://coreos.github.io/ignition/configuration-v3_5/>
const LATER: [&str; 4] = [
    "storage.luks[].discard",
    "storage.luks[].openOptions",
    "storage.luks[].clevis.tang[].advertisement",
    "storage.luks[].cex",
];

/// A key that was met.
pub struct Met {
    /// Its path, `[]` for the elements of lists: `storage.files[].path`.
    pub path: String,
    /// Why it is not read, and what to do instead.
    pub mistake: Option<(String, String)>,
}

/// Meets every key that has a plain value, and every one that is unknown, empty or of another kind than it must be, in
/// the order of the document.
pub fn walk(root: &Node, meet: &mut dyn FnMut(&Met, &Node)) {
    walk_mapping(root, DOCUMENT, "", meet);
}

fn walk_mapping(node: &Node, entries: Entries, prefix: &str, meet: &mut dyn FnMut(&Met, &Node)) {
    if !node.value().is_mapping() {
        let path = prefix.trim_end_matches('.').to_owned();
        meet(&Met { path, mistake: Some(must_be("a mapping")) }, node);
        return;
    }
    for (name, child) in node.entries().unwrap_or_default() {
        let path = format!("{prefix}{name}");
        let Some((_, shape)) = entries.iter().find(|(known, _)| *known == name) else {
            let mistake = (!LATER.contains(&path.as_str())).then(|| unknown(&name, entries));
            meet(&Met { path, mistake }, &child);
            continue;
        };
        match shape {
            _ if child.is_null() => meet(&Met { path, mistake: None }, &child),
            Plain if child.value().is_mapping() => {
                meet(&Met { path, mistake: Some(must_be("a value or a list of values")) }, &child);
            }
            Plain => meet(&Met { path, mistake: None }, &child),
            Mapping(entries) => walk_mapping(&child, entries, &format!("{path}."), meet),
            List(_) if !child.value().is_sequence() => {
                meet(&Met { path, mistake: Some(must_be("a list")) }, &child);
            }
            List(entries) => {
                for item in child.items().unwrap_or_default() {
                    walk_mapping(&item, entries, &format!("{path}[]."), meet);
                }
            }
        }
    }
}

fn must_be(what: &str) -> (String, String) {
    (format!("must be {what}"), "see https://coreos.github.io/ignition/configuration-v3_3/".into())
}

fn unknown(name: &str, entries: Entries) -> (String, String) {
    let known = || entries.iter().map(|(name, _)| *name);
    let instead = match suggestion(name, known()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    };
    ("is unknown and ignored".into(), instead)
}

/// Whether a version has the keys that came after 3.3.0.
pub fn is_later(path: &str) -> bool {
    LATER.contains(&path)
}

/// The value of a mapping's key.
pub fn child<'a>(node: &Node<'a>, key: &str) -> Option<Node<'a>> {
    match node.value() {
        Value::Mapping(_) => node.entries()?.into_iter().find(|(name, _)| name == key).map(|(_, node)| node),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnostics::yaml::Document;

    #[test]
    fn keys_are_met_in_order() {
        let text = r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/x", "mod": 1,
            "contents": {"verification": {"hash": "x"}}}], "raid": null, "links": {}, "disks": [1], "directories": [{"path": {}}], "luks": [{"discard": true}]}, "nonsense": []}"#;
        let document = Document::parse("x", text).unwrap();
        let mut met = Vec::new();
        walk(&document.root(), &mut |key, _| {
            met.push(format!(
                "{}{}",
                key.path,
                key.mistake.as_ref().map_or(String::new(), |(_, hint)| format!(": {hint}"))
            ));
        });
        let expected = [
            "ignition.version",
            "storage.files[].path",
            "storage.files[].mod: did you mean `mode`?",
            "storage.files[].contents.verification.hash",
            "storage.raid",
            "storage.links: see https://coreos.github.io/ignition/configuration-v3_3/",
            "storage.disks[]: see https://coreos.github.io/ignition/configuration-v3_3/",
            "storage.directories[].path: see https://coreos.github.io/ignition/configuration-v3_3/",
            "storage.luks[].discard",
            "nonsense: known are ignition, storage, systemd, passwd, kernelArguments",
        ];
        assert_eq!(met, expected);
    }
}
