//! Judges every key of a cloud-config, by the rules of coreos-cloudinit and of what it hands values to. `user-data lint`
//! and the merge ask the same judge; a [`Purpose`] says what differs.

use std::collections::HashSet;

use cloudinit_rules::content::{self, Undecodable};
use cloudinit_rules::key::Consequence;
use cloudinit_rules::scalar;

use super::{Effect, Key, Reading, Section, Shape, values};
use crate::spec::cloud_config::{CORE_USER, UPDATE_FILE};
use crate::userdata::mistake::{CANNOT_BE_MERGED, Judged, Mistake};
use crate::userdata::purpose::Purpose;
use crate::userdata::{address, ours, path, unit_content};
use diagnostics::quoted;
use diagnostics::yaml::{Mapping, Node, Value, Written};

/// Of an account that exists, coreos-cloudinit reads these alone.
/// <https://github.com/flatcar/coreos-cloudinit/blob/flatcar-master/initialize/config.go>
const READ_OF_CORE: [&str; 6] = [
    "name",
    "passwd",
    "ssh_authorized_keys",
    "coreos_ssh_import_github",
    "coreos_ssh_import_github_users",
    "coreos_ssh_import_url",
];

/// What was found in a cloud-config.
pub(crate) struct Judgement<'a> {
    /// Each key with a value of its own, and whatever does not act, in the order of the document.
    pub judged: Vec<Judged<'a>>,
    /// The document without what does not act: texts as they are written, paths clean.
    pub value: Value,
}

/// Judges a document; `written` has its spellings.
pub(crate) fn judge<'a>(root: &Node<'a>, written: &Written, purpose: Purpose) -> Judgement<'a> {
    let mut judge = Judge { purpose, written, judged: Vec::new(), files: Vec::new() };
    let value = match root.is_null() {
        true => Value::Mapping(Mapping::new()),
        false => judge.mapping(root, Section::Document),
    };
    judge.check_update(root);
    judge.check_files();
    Judgement { judged: judge.judged, value }
}

struct Judge<'a, 'w> {
    purpose: Purpose,
    written: &'w Written,
    judged: Vec<Judged<'a>>,
    /// Clean paths of files, and where they are among what was judged.
    files: Vec<(String, usize)>,
}

impl<'a> Judge<'a, '_> {
    fn wrong(&mut self, node: &Node<'a>, what: impl Into<String>, instead: impl Into<String>) {
        self.judged.push(Judged::wrong(node, what, instead));
    }

    /// Of a value that is no text, list, mapping or flag where one is wanted: nobody reads the document any further.
    fn unreadable(&mut self, node: &Node<'a>, what: impl Into<String>, instead: &str) {
        let mistake = self.with_consequence(Mistake::new(what, instead), Consequence::NothingApplied);
        self.push(node, Some(mistake));
    }

    /// The mistake, and where the document is sent as it is, what its reader does at it.
    fn with_consequence(&self, mistake: Mistake, consequence: Consequence) -> Mistake {
        let is_told = self.purpose == Purpose::CloudConfigAlone && !mistake.is_of_merge();
        if is_told { mistake.followed_by(consequence.text()) } else { mistake }
    }

    fn push(&mut self, node: &Node<'a>, mistake: Option<Mistake>) {
        self.judged.push(Judged { mistake, ..Judged::acts(node) });
    }

    fn mapping(&mut self, node: &Node<'a>, section: Section) -> Value {
        let Value::Mapping(entries) = node.value() else {
            self.unreadable(node, "must be a mapping (`key: value`)", "");
            return Value::Null;
        };
        for required in section.required().iter().filter(|key| !entries.contains_key(**key)) {
            let mistake = Mistake::new(format!("`{required}` is missing"), "");
            self.push(node, Some(self.with_consequence(mistake, section.consequence_of_missing())));
        }
        let is_core = section == Section::User && entries.get("name").and_then(Value::as_str) == Some(CORE_USER);
        let mut read = Value::Mapping(Mapping::new());
        for (name, child) in node.entries().unwrap_or_default() {
            let key = match (section.idle(&name), section.reading(&name)) {
                (None, Reading::Known(key)) => key,
                (Some((what, instead)), _) => {
                    self.wrong(&child, what, instead);
                    continue;
                }
                (None, _) => continue,
            };
            match key.effect {
                Effect::ActsAlone(instead) if self.purpose.is_merged() => {
                    self.wrong(&child, CANNOT_BE_MERGED, instead);
                }
                _ if child.is_null() => self.wrong(&child, "has no value", "leave the key out"),
                _ if is_core && self.purpose == Purpose::CloudConfigAlone && !READ_OF_CORE.contains(&key.name) => {
                    self.wrong(&child, "`core` exists: of it only keys and `passwd` are read", "");
                }
                _ => {
                    let before = self.judged.len();
                    read[key.name] = self.value(&child, section, key, node);
                    if let Effect::ActsAlone(instead) = key.effect {
                        self.acts_alone(&child, before, instead);
                    }
                }
            }
        }
        if section == Section::Unit {
            self.check_unit(node, &read);
            self.check_drop_ins(node);
        }
        read
    }

    /// Says of a key that acts, and of what is in it (all that was judged since `before`), that it could not be merged.
    fn acts_alone(&mut self, node: &Node<'a>, before: usize, instead: &str) {
        let mistake = || Some(Mistake::new(CANNOT_BE_MERGED, instead).of_merge());
        if self.judged.len() == before {
            self.push(node, mistake());
        }
        for judged in self.judged[before..].iter_mut().filter(|judged| judged.mistake.is_none()) {
            judged.mistake = mistake();
        }
    }

    fn value(&mut self, node: &Node<'a>, section: Section, key: &Key, parent: &Node<'a>) -> Value {
        match (key.shape, node.value()) {
            (Shape::Mapping(section), _) => self.mapping(node, section),
            // Its key is told to do nothing.
            (Shape::Unused, _) => Value::Null,
            (Shape::List(section), Value::Sequence(_)) => {
                let items = node.items().unwrap_or_default();
                Value::Sequence(items.iter().map(|item| self.mapping(item, section)).collect())
            }
            (Shape::Texts, Value::Sequence(_)) => self.texts(node, section, key.name),
            (Shape::List(_) | Shape::Texts, _) => {
                self.unreadable(node, format!("must be a list, found {}", node.described()), "");
                Value::Null
            }
            (Shape::Flag, _) => self.flag(node),
            (Shape::Text, _) => self.text(node, section, key, parent),
        }
    }

    fn texts(&mut self, node: &Node<'a>, section: Section, name: &str) -> Value {
        let before = self.judged.len();
        let mut texts = Vec::new();
        for item in node.items().unwrap_or_default() {
            match scalar::text(&item, self.written) {
                None => self.unreadable(&item, "must be a text", ""),
                Some(text) => {
                    if let Some(mistake) = values::element_mistake(section, name, &text) {
                        let consequence =
                            if name == "groups" { Consequence::StopsThere } else { Consequence::PassedOver };
                        self.push(&item, Some(self.with_consequence(mistake, consequence)));
                    }
                    texts.push(Value::String(text));
                }
            }
        }
        if self.judged.len() == before {
            self.push(node, None);
        }
        Value::Sequence(texts)
    }

    fn flag(&mut self, node: &Node<'a>) -> Value {
        let flag = scalar::flag(node.value());
        let what = || match node.value() {
            Value::String(text) if ["true", "false"].contains(&&*text.to_lowercase()) => {
                let what = format!("must be `true` or `false`, found the text `{text}`");
                Mistake::new(what, "write it without quotes")
            }
            _ => Mistake::new(format!("must be `true` or `false`, found {}", node.described()), ""),
        };
        let mistake = || self.with_consequence(what(), Consequence::NothingApplied);
        self.push(node, flag.is_none().then(mistake));
        flag.map_or(Value::Null, Value::Bool)
    }

    fn text(&mut self, node: &Node<'a>, section: Section, key: &Key, parent: &Node<'a>) -> Value {
        let Some(text) = scalar::text(node, self.written) else {
            self.unreadable(node, "must be a text; put it in quotes", "");
            return Value::Null;
        };
        let mistake = match (section, key.name) {
            (Section::File, "content") => self
                .content_mistake(&text, parent.get("encoding").as_ref())
                .map(|mistake| self.with_consequence(mistake, key.wrong))
                .or_else(|| addresses(&text).filter(|_| !is_encoded(parent))),
            (Section::Unit | Section::DropIn, "content") => {
                let merged_into_ignition = self.purpose.is_merged() && self.purpose.is_ignition();
                let unreadable = || unit_content::mistake(&text).filter(|_| merged_into_ignition);
                addresses(&text).or_else(|| {
                    unreadable()
                        .map(|what| Mistake::new(what, "systemd and Ignition read `[Section]` and `Name=value`"))
                })
            }
            // Joined to the root folder, it is a path all the same.
            (Section::File, "path") if !text.starts_with('/') => {
                values::mistake(section, key.name, &text, self.purpose)
            }
            _ => values::mistake(section, key.name, &text, self.purpose)
                .map(|mistake| self.with_consequence(mistake, key.wrong)),
        };
        let is_right = mistake.is_none();
        self.judged.push(Judged { node: node.clone(), mistake, misread: key.misread });
        if (section, key.name) != (Section::File, "path") {
            return Value::String(text);
        }
        let path = path::clean(&text);
        if is_right {
            self.files.push((path.clone(), self.judged.len() - 1));
        }
        Value::String(path)
    }

    /// What keeps content from being decoded; what its encoding may be is the encoding's own matter.
    fn content_mistake(&self, text: &str, encoding: Option<&Node<'a>>) -> Option<Mistake> {
        let encoding = encoding.filter(|node| !node.is_null())?;
        let encoding = scalar::text(encoding, self.written).unwrap_or_default();
        if values::mistake(Section::File, "encoding", &encoding, self.purpose).is_some() {
            return None;
        }
        let what = match content::check(text, &encoding).err()? {
            Undecodable::Base64 => "is not base64, as its `encoding` says",
            Undecodable::Gzip => "is not compressed with gzip, as its `encoding` says",
            Undecodable::Encoding | Undecodable::TooLarge => return None,
        };
        Some(Mistake::new(what, ""))
    }

    /// Ignition starts what is enabled, and only a unit with an `[Install]` section can be.
    fn check_unit(&mut self, node: &Node<'a>, read: &Value) {
        let has_drop_ins = read["drop_ins"].as_sequence().is_some_and(|drop_ins| !drop_ins.is_empty());
        if let Some(mistake) = read["name"].as_str().filter(|_| has_drop_ins).and_then(path::drop_in_folder) {
            self.push(node, Some(mistake));
        }
        let runs = read["enable"] == true || read["command"] == "start";
        let Some(content) = read["content"].as_str().filter(|content| !content.is_empty()) else { return };
        if runs && read["mask"] != true && !unit_content::has_section(content, "Install") {
            let name = read["name"].as_str().filter(|name| !name.is_empty());
            let unit = name.map_or_else(|| "the unit".to_owned(), quoted);
            let what = format!("{unit} would not run: its content has no `[Install]` section");
            let instead = "end it with `[Install]` and `WantedBy=multi-user.target`";
            self.judge_where_merged(node, Mistake::new(what, instead));
        }
    }

    /// A drop-in of a name that stood before takes the place of that one.
    fn check_drop_ins(&mut self, node: &Node<'a>) {
        let mut seen = HashSet::new();
        let list = node.get("drop_ins").filter(|list| list.value().is_sequence());
        for drop_in in list.and_then(|list| list.items()).unwrap_or_default() {
            let Some(name) = drop_in.get("name") else { continue };
            if let Some(text) = scalar::text(&name, self.written)
                && !seen.insert(text.clone())
            {
                let what = format!("drop-in {} of this unit stands twice", quoted(&text));
                self.wrong(&drop_in, what, "leave one out");
            }
        }
    }

    /// Keeps a mistake that is one only where the file is laid over ours.
    fn judge_where_merged(&mut self, node: &Node<'a>, mistake: Mistake) {
        if let Some(mistake) = mistake.where_merged(self.purpose) {
            self.push(node, Some(mistake));
        }
    }

    fn check_update(&mut self, root: &Node<'a>) {
        let update = root.get("coreos").and_then(|coreos| coreos.get("update"));
        let Some(update) = update.filter(|update| update.value().is_mapping()) else { return };
        if self.files.iter().any(|(path, _)| path == UPDATE_FILE) {
            let what = format!("`{UPDATE_FILE}` is written by `write_files` too");
            self.judge_where_merged(&update, Mistake::new(what, "say it in one place: leave one of them out"));
        }
    }

    fn check_files(&mut self) {
        let paths: Vec<&str> = self.files.iter().map(|(path, _)| path.as_str()).collect();
        let below = path::below_files(&paths);
        for (index, (path, judged)) in self.files.iter().enumerate() {
            let below = below.get(&index).map(|above| path::below(above, "a file"));
            let conflict = || ours::conflict(path, ours::Kind::File, self.purpose);
            self.judged[*judged].mistake = below.or_else(conflict);
        }
    }
}

fn is_encoded(file: &Node<'_>) -> bool {
    file.get("encoding").is_some_and(|encoding| !encoding.is_null())
}

fn addresses(content: &str) -> Option<Mistake> {
    address::absent(content).map(|name| {
        let instead = format!("of addresses only `$private_ipv4` is known; `\\{name}` keeps the text as it stands");
        Mistake::new(format!("`{name}` is empty on Azure"), instead)
    })
}
