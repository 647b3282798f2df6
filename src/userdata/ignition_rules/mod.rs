//! Judges every key of an Ignition document by Ignition's own rules. `user-data lint` and the merge ask the same judge, and
//! so does what was rendered; a [`Purpose`] says what differs.

mod contents;
mod data_url;
mod device_values;
mod devices;
mod objects;
mod schema;
mod values;
pub(super) mod version;
#[cfg(test)]
mod wrong_values;

use std::collections::{HashMap, HashSet};

use crate::spec::cloud_config::HOSTNAME_FILE;
use crate::userdata::mistake::{Judged, Mistake};
use crate::userdata::ours::{self, Kind};
use crate::userdata::path;
use crate::userdata::purpose::Purpose;
use diagnostics::yaml::{Node, Value};
use diagnostics::{quoted, suggestion};
use schema::{DOCUMENT, Entries, IdentityRule, Object, ObjectRule, Shape, TextRule};

const REFERENCE: &str = "see https://coreos.github.io/ignition/configuration-v3_3/";
/// Ignition writes these into one tree: none may have another's path.
const TREE: [(&str, Kind); 3] =
    [("storage.files[]", Kind::File), ("storage.directories[]", Kind::Directory), ("storage.links[]", Kind::Link)];

/// Each key with a value of its own, and whatever Ignition refuses, in the order of the document.
pub(super) fn judge<'a>(root: &Node<'a>, purpose: Purpose) -> Vec<Judged<'a>> {
    let mut judge = Judge { purpose, judged: Vec::new(), seen: HashMap::new(), tree: Vec::new(), mounted: Vec::new() };
    judge.mapping(root, "", DOCUMENT, objects::no_rule);
    judge.check_tree();
    judge.judged
}

/// Something at a path.
struct Placed<'a> {
    path: String,
    kind: Kind,
    /// Among what was judged.
    judged: usize,
    node: Node<'a>,
}

struct Judge<'a> {
    purpose: Purpose,
    judged: Vec<Judged<'a>>,
    /// Identities of elements by their list; the lists of one tree count as one.
    seen: HashMap<String, HashSet<String>>,
    tree: Vec<Placed<'a>>,
    /// Where file systems of the document's own are mounted.
    mounted: Vec<String>,
}

impl<'a> Judge<'a> {
    fn wrong(&mut self, node: &Node<'a>, what: impl Into<String>, instead: impl Into<String>) {
        self.judged.push(Judged::wrong(node, what, instead));
    }

    /// `key` is the mapping's path with `[]` for the elements of lists.
    fn mapping(&mut self, node: &Node<'a>, key: &str, entries: Entries, rule: ObjectRule) {
        if !node.value().is_mapping() {
            self.wrong(node, "must be a mapping", REFERENCE);
            return;
        }
        let mut of_whole: Vec<_> = rule(&Object(node.value()), self.purpose);
        of_whole.retain(|(about, mistake)| match about {
            Some(about) if node.get(about).is_some() => true,
            _ => {
                self.judged.push(Judged { node: node.clone(), mistake: Some(mistake.clone()), misread: String::new() });
                false
            }
        });
        for (name, child) in node.entries().unwrap_or_default() {
            let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let Some((_, shape)) = entries.iter().find(|(known, _)| *known == name) else {
                let instead = unknown(&name, entries);
                let mistake = Mistake::new("is unknown and ignored", instead).passed_over();
                self.judged.push(Judged { node: child, mistake: Some(mistake), misread: String::new() });
                continue;
            };
            if let Some(mistake) = self.age(&path, child.value()) {
                self.judged.push(Judged { node: child, mistake: Some(mistake), misread: String::new() });
                continue;
            }
            let before = self.judged.len();
            self.value(&child, &path, *shape);
            let about = of_whole.iter().find(|(about, _)| *about == Some(&*name));
            if let Some((_, mistake)) = about {
                match self.judged[before..].iter_mut().find(|judged| judged.node.steps() == child.steps()) {
                    Some(judged) if judged.mistake.is_none() => judged.mistake = Some(mistake.clone()),
                    Some(_) => {}
                    None => {
                        // Nothing in a mapping acts that is refused whole.
                        let mut rest = self.judged.split_off(before);
                        rest.retain(|judged| judged.mistake.is_some());
                        self.judged.append(&mut rest);
                        self.judged.push(Judged {
                            node: child,
                            mistake: Some(mistake.clone()),
                            misread: String::new(),
                        });
                    }
                }
            }
        }
    }

    /// Whether the document's version has no such key, or none with this value, yet.
    fn age(&self, path: &str, value: &Value) -> Option<Mistake> {
        let since = schema::since(path, value);
        if since <= self.purpose.minor() {
            return None;
        }
        let mistake = match self.purpose {
            Purpose::IgnitionAlone { .. } => {
                Mistake::new("is newer than the version", format!("write version `3.{since}.0`"))
            }
            _ => Mistake::new("is newer than version 3.3.0", "leave it out"),
        };
        Some(mistake.passed_over())
    }

    fn value(&mut self, node: &Node<'a>, path: &str, shape: Shape) {
        if node.is_null() {
            let what = if self.purpose.is_merged() { "is null, which would take ours away" } else { "is null" };
            let mistake = Mistake::new(what, "leave the key out").passed_over();
            return self.judged.push(Judged { node: node.clone(), mistake: Some(mistake), misread: String::new() });
        }
        let must_be = |what: &str| Some(Mistake::new(format!("must be {what}, found {}", found(node)), ""));
        let mistake = match (shape, node.value()) {
            (Shape::Mapping(entries, rule), _) => return self.mapping(node, path, entries, rule),
            (Shape::List(entries, rule, identity), Value::Sequence(_)) => {
                return self.list(node, path, entries, rule, identity);
            }
            (Shape::List(..), _) => Some(Mistake::new("must be a list", REFERENCE)),
            (Shape::Texts(rule), Value::Sequence(_)) => return self.texts(node, Some(rule)),
            (Shape::Options, Value::Sequence(_)) => return self.texts(node, None),
            (Shape::Texts(_) | Shape::Options, _) => must_be("a list of texts"),
            (Shape::Text(rule), Value::String(text)) => rule(text),
            (Shape::Text(_), _) => must_be("a text"),
            (Shape::Flag, Value::Bool(_)) => None,
            (Shape::Flag, _) => must_be("`true` or `false`"),
            (Shape::Mode, value) => match value.as_i64() {
                Some(mode) => self.mode(mode),
                None => Some(Mistake::new(
                    format!("must be a whole number, found {}", found(node)),
                    "JSON has no octal numbers: `0644` is 420, `0755` is 493",
                )),
            },
            (Shape::Integer(least, most), value) => {
                let range = least..=most;
                match value.as_i64().is_some_and(|number| range.contains(&number)) {
                    true => None,
                    false => must_be(&schema::range_text(&range)),
                }
            }
        };
        self.judged.push(Judged { node: node.clone(), mistake, misread: String::new() });
    }

    fn mode(&self, mode: i64) -> Option<Mistake> {
        match mode {
            0..=0o777 => None,
            0o1000..=0o7777 if self.purpose.minor() >= 4 => None,
            0o1000..=0o7777 => Some(
                Mistake::new(
                    format!("{mode} is `{mode:05o}`: Ignition 3.3.0 drops the bits for setuid, setgid and sticky"),
                    "JSON has no octal numbers: `0644` is 420, `0755` is 493",
                )
                .passed_over(),
            ),
            _ => Some(Mistake::new(format!("{mode} is no file's mode"), "write 420 for `0644`, 493 for `0755`")),
        }
    }

    /// One finding for the whole list, or one for each element that is refused.
    fn texts(&mut self, node: &Node<'a>, rule: Option<TextRule>) {
        let before = self.judged.len();
        let mut seen = HashSet::new();
        for item in node.items().unwrap_or_default() {
            let mistake = match (item.value(), rule) {
                (Value::String(text), Some(rule)) => rule(text).or_else(|| {
                    (!seen.insert(text.clone())).then(|| Mistake::new("stands twice, which Ignition refuses", ""))
                }),
                (Value::String(text), None) => values::any(text),
                _ => Some(Mistake::new(format!("must be a text, found {}", found(&item)), "")),
            };
            if mistake.is_some() {
                self.judged.push(Judged { node: item, mistake, misread: String::new() });
            }
        }
        if self.judged.len() == before {
            self.judged.push(Judged::acts(node));
        }
    }

    fn list(&mut self, node: &Node<'a>, path: &str, entries: Entries, rule: ObjectRule, identity: IdentityRule) {
        let path = format!("{path}[]");
        let kind = TREE.iter().find(|(list, _)| *list == path).map(|(_, kind)| *kind);
        let list = if kind.is_some() { "tree".to_owned() } else { node.path() };
        for item in node.items().unwrap_or_default() {
            let object = Object(item.value());
            if let Some(identity) = identity(&object)
                && !self.seen.entry(list.clone()).or_default().insert(identity.clone())
            {
                let what = format!("{} stands twice, which Ignition refuses", quoted(&identity));
                self.wrong(&item, what, "leave one out");
            }
            let before = self.judged.len();
            self.mapping(&item, &path, entries, rule);
            let Some(place) = object.text("path") else { continue };
            if path == "storage.filesystems[]" && place != "/" {
                self.mounted.push(place.to_owned());
            }
            let judged = self.judged[before..]
                .iter()
                .position(|judged| judged.mistake.is_none() && judged.node.path().ends_with("].path"));
            if let (Some(kind), Some(judged)) = (kind, judged) {
                let judged = before + judged;
                self.tree.push(Placed { path: place.to_owned(), kind, judged, node: item.clone() });
            }
        }
    }

    /// Paths against each other, against the image's file systems, and against ours.
    fn check_tree(&mut self) {
        let of_kind = |kind: Kind| -> HashSet<&str> {
            self.tree.iter().filter(|placed| placed.kind == kind).map(|placed| &*placed.path).collect()
        };
        let (files, links, directories) = (of_kind(Kind::File), of_kind(Kind::Link), of_kind(Kind::Directory));
        let mut mistakes = Vec::new();
        for placed in &self.tree {
            let mistake = self.tree_mistake(placed, &files, &links, &directories);
            mistakes.extend(mistake.map(|mistake| (placed.judged, mistake)));
        }
        for (judged, mistake) in mistakes {
            self.judged[judged].mistake = Some(mistake);
        }
    }

    fn tree_mistake(
        &self,
        placed: &Placed,
        files: &HashSet<&str>,
        links: &HashSet<&str>,
        directories: &HashSet<&str>,
    ) -> Option<Mistake> {
        let place = &placed.path;
        if place == "/" && placed.kind != Kind::Directory {
            return Some(Mistake::new("is the root folder", "give it a name"));
        }
        if let Some(above) = path::folders(place).find(|folder| links.contains(folder)) {
            return Some(path::below(above, "a link"));
        }
        if let Some(above) = path::folders(place).find(|folder| files.contains(folder)) {
            return Some(path::below(above, "a file"));
        }
        let object = Object(placed.node.value());
        if placed.kind == Kind::Link
            && object.flag("hard") == Some(true)
            && let Some(target) = object.text("target")
        {
            let target =
                if target.starts_with('/') { path::clean(target) } else { path::clean(&format!("{place}/{target}")) };
            if directories.contains(&*target) {
                return Some(Mistake::new(
                    format!("is a hard link to `{target}`, which is a folder"),
                    "leave `hard` out",
                ));
            }
        }
        if place == HOSTNAME_FILE {
            let instead = "leave it out: each node's name is its hostname";
            return Mistake::new(format!("`{HOSTNAME_FILE}` cannot be written"), instead).where_merged(self.purpose);
        }
        if let Some(conflict) = ours::conflict(place, placed.kind, self.purpose) {
            return Some(conflict);
        }
        let is_mounted = self.mounted.iter().any(|folder| path::is_within(place, folder));
        if is_mounted { None } else { path::place(place, self.purpose) }
    }
}

/// A value for messages. Texts may be secrets where none are expected.
fn found(node: &Node) -> String {
    match node.value() {
        Value::String(_) => "a text".into(),
        _ => node.described(),
    }
}

fn unknown(name: &str, entries: Entries) -> String {
    let known = || entries.iter().map(|(name, _)| *name);
    match suggestion(name, known()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    }
}
