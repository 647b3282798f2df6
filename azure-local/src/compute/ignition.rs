//! Whether an image's Ignition would take a document. Written down from Ignition's own validators, apart from the client's
//! rules: what the client passes by mistake is found here.
//!
//! <https://github.com/coreos/ignition/tree/main/config>

mod keys;
mod strings;

use std::collections::HashSet;

use serde_json::Value;

use keys::{Type, type_of};

/// The newest minor version of spec 3 that Flatcar's stable images read.
pub(crate) const NEWEST_ON_FLATCAR: u64 = 5;
/// The newest that there is.
pub(crate) const NEWEST: u64 = 6;

/// The first reason for which Ignition would refuse the document, with the place.
pub(crate) fn refusal(document: &Value, newest: u64) -> Option<String> {
    let version = document.pointer("/ignition/version").and_then(Value::as_str);
    let Some(version) = version else {
        // Version 1, which only Flatcar reads.
        let is_first = document.get("ignitionVersion").is_some_and(|version| *version == 1);
        return (!is_first || newest > NEWEST_ON_FLATCAR).then(|| "`ignition.version` is missing".to_owned());
    };
    match version.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().as_deref() {
        Ok([3, minor, 0]) if *minor <= newest => {}
        // Flatcar translates these while the machine starts.
        Ok([2, ..=3, 0]) if newest == NEWEST_ON_FLATCAR => return None,
        _ => return Some(format!("unsupported config version `{version}`")),
    }
    let mut reader = Reader { seen: HashSet::new(), refusal: None };
    reader.visit(document, "", "");
    reader.refusal.or_else(|| of_tree(document))
}

struct Reader {
    /// Lists with the keys of their elements; files, directories and links are one list.
    seen: HashSet<(String, String)>,
    refusal: Option<String>,
}

impl Reader {
    fn refuse(&mut self, place: &str, why: impl std::fmt::Display) {
        self.refusal.get_or_insert_with(|| format!("`{place}`: {why}"));
    }

    /// `kind` is the place with `[]` for every index.
    fn visit(&mut self, value: &Value, place: &str, kind: &str) {
        // A key without a value is as good as none.
        if self.refusal.is_some() || value.is_null() {
            return;
        }
        // Unknown keys are warnings.
        let Some(wanted) = type_of(kind) else { return };
        match (wanted, value) {
            (Type::Object, Value::Object(entries)) => {
                if let Some(why) = keys::object_refusal(kind, value) {
                    return self.refuse(place, why);
                }
                for (name, entry) in entries {
                    let join = |path: &str| if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.visit(entry, &join(place), &join(kind));
                }
            }
            (Type::List, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let place = format!("{place}[{index}]");
                    if let Some((list, key)) = keys::identity(kind, item)
                        && !self.seen.insert((format!("{list}{}", parent(&place)), key))
                    {
                        return self.refuse(&place, "duplicate entry defined");
                    }
                    self.visit(item, &place, &format!("{kind}[]"));
                }
            }
            (Type::Text, Value::String(text)) => {
                if let Some(why) = strings::refusal(kind, text) {
                    self.refuse(place, why);
                }
            }
            (Type::Flag, Value::Bool(_)) => {}
            (Type::Integer, Value::Number(number)) if number.is_i64() => {
                if kind.ends_with(".mode") && !(0..=0o7777).contains(&number.as_i64().unwrap_or(-1)) {
                    self.refuse(place, "illegal file mode");
                }
            }
            (wanted, _) => self.refuse(place, format_args!("cannot unmarshal into {wanted:?}")),
        }
    }
}

/// The place of the list's owner, which two lists of one tree share.
fn parent(place: &str) -> &str {
    place.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// What Ignition finds when it writes: links and files where folders must be, and what cannot be written.
fn of_tree(document: &Value) -> Option<String> {
    let list = |name: &str| {
        document.pointer(&format!("/storage/{name}")).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let path = |node: &Value| node["path"].as_str().unwrap_or_default().to_owned();
    let (files, directories, links) = (list("files"), list("directories"), list("links"));
    let closed: HashSet<String> = files.iter().chain(&links).map(path).collect();
    let folders: HashSet<String> = directories.iter().map(path).collect();
    let mounts: Vec<String> = list("filesystems").iter().map(path).filter(|path| !path.is_empty()).collect();
    for node in files.iter().chain(&directories).chain(&links) {
        let place = path(node);
        let mut above = place.as_str();
        while let Some((folder, _)) = above.rsplit_once('/') {
            if closed.contains(folder) {
                return Some(format!("`{place}` is below `{folder}`, which is no directory"));
            }
            above = folder;
        }
        let below = |folder: &str| place.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let is_mounted = mounts.iter().any(|mount| below(mount));
        let is_read_only = ["/usr", "/bin", "/sbin", "/lib", "/lib64"].iter().any(|folder| below(folder));
        // Fedora CoreOS has `/usr/local` in `/var`, and which image it is is not known here.
        if is_read_only && !below("/usr/local") && !is_mounted {
            return Some(format!("`{place}`: read-only file system"));
        }
    }
    for link in links.iter().filter(|link| link["hard"] == true) {
        let target = link["target"].as_str().unwrap_or_default();
        if folders.contains(target) {
            return Some(format!("`{}`: hard link target is a directory", path(link)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let document = |rest: &str| format!("{{\"ignition\": {{\"version\": \"3.3.0\"}}{rest}}}");
        for (rest, refused) in [
            ("", None),
            (r#", "storage": {"files": [{"path": "/a", "mode": 420, "contents": {"source": "data:,a%20b"}}]}"#, None),
            (
                r#", "storage": {"files": [{"path": "/a", "contents": {"source": "data:,[a]"}}]}"#,
                Some("data character"),
            ),
            (r#", "storage": {"files": [{"path": "/a//b"}]}"#, Some("`storage.files[0].path`: path is not fully")),
            (r#", "storage": {"files": [{"path": "/a"}, {"path": "/a/b"}]}"#, Some("no directory")),
            (
                r#", "storage": {"files": [{"path": "/a"}], "links": [{"path": "/a", "target": "b"}]}"#,
                Some("duplicate"),
            ),
            (r#", "storage": {"files": [{"path": "/usr/a"}]}"#, Some("read-only")),
            (r#", "storage": {"files": [{"path": "/a", "mode": "0644"}]}"#, Some("cannot unmarshal into Integer")),
            (r#", "storage": {"files": [{"path": "/a", "user": {"id": 1, "name": "b"}}]}"#, Some("both id and name")),
            (r#", "storage": {"raid": [{"name": "m", "level": "raid9", "devices": ["/dev/a"]}]}"#, Some("raid level")),
            (r#", "storage": {"links": [{"path": "/a"}]}"#, Some("target is required")),
            (r#", "systemd": {"units": [{"name": "a.service", "contents": "[x"}]}"#, Some("end of section")),
            (r#", "passwd": {"users": [{"name": "a b"}]}"#, Some("useradd")),
            (r#", "unknown": 1, "systemd": {"units": [{"name": "a.service", "drop_ins": 1}]}"#, None),
            (
                r#", "storage": {"files": [{"path": "/a", "contents": {"verification": {"hash": "md5-a"}, "source": "data:,"}}]}"#,
                Some("hash function"),
            ),
        ] {
            let text = document(rest);
            let found = refusal(&serde_json::from_str(&text).expect("JSON"), NEWEST_ON_FLATCAR);
            match (refused, &found) {
                (None, None) => {}
                (Some(part), Some(why)) if why.contains(part) => {}
                _ => panic!("{text}: {found:?}"),
            }
        }
        for (version, newest, taken) in [
            ("3.0.0", 5, true),
            ("3.5.0", 5, true),
            ("3.6.0", 5, false),
            ("3.6.0", 6, true),
            ("2.2.0", 5, true),
            ("2.2.0", 6, false),
            ("3.3", 5, false),
            ("4.0.0", 6, false),
        ] {
            let document = serde_json::json!({"ignition": {"version": version}});
            assert_eq!(refusal(&document, newest).is_none(), taken, "{version}");
        }
    }
}
