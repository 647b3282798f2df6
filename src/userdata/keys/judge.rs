//! Judges every key of a cloud-config, by the rules of coreos-cloudinit and of what it hands values to. `user-data lint`
//! and the merge ask the same judge; a [`Purpose`] says what differs.

use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

use super::{Effect, Key, Reading, Section, Shape, values};
use crate::spec::cloud_config::{CORE_USER, UPDATE_FILE};
use crate::userdata::mistake::{CANNOT_BE_MERGED, Judged, Mistake};
use crate::userdata::purpose::Purpose;
use crate::userdata::{address, ours, path, unit_content};
use diagnostics::quoted;
use diagnostics::yaml::{Mapping, Node, Value, Written};

/// As Go's `encoding/base64` reads it.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
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

    fn push(&mut self, node: &Node<'a>, mistake: Option<Mistake>) {
        self.judged.push(Judged { node: node.clone(), mistake });
    }

    fn mapping(&mut self, node: &Node<'a>, section: Section) -> Value {
        let Value::Mapping(entries) = node.value() else {
            self.wrong(node, "must be a mapping (`key: value`)", "");
            return Value::Null;
        };
        for required in section.required().iter().filter(|key| !entries.contains_key(**key)) {
            self.wrong(node, format!("`{required}` is missing"), "");
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
            (Shape::List(section), Value::Sequence(_)) => {
                let items = node.items().unwrap_or_default();
                Value::Sequence(items.iter().map(|item| self.mapping(item, section)).collect())
            }
            (Shape::Texts, Value::Sequence(_)) => self.texts(node, section, key.name),
            (Shape::List(_) | Shape::Texts, _) => {
                self.wrong(node, format!("must be a list, found {}", node.described()), "");
                Value::Null
            }
            (Shape::Flag, _) => self.flag(node),
            (Shape::Text, _) => self.text(node, section, key.name, parent),
        }
    }

    /// A scalar's text as coreos-cloudinit gets it: whatever it is, as it is written.
    /// <https://github.com/go-yaml/yaml/blob/v3/decode.go>
    fn as_written(&self, node: &Node<'a>) -> Option<String> {
        match node.value() {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => match self.written.at(node.steps()) {
                Some(text) => Some(text.to_owned()),
                None => node.scalar(),
            },
            _ => None,
        }
    }

    fn texts(&mut self, node: &Node<'a>, section: Section, name: &str) -> Value {
        let before = self.judged.len();
        let mut texts = Vec::new();
        for item in node.items().unwrap_or_default() {
            match self.as_written(&item) {
                None => self.wrong(&item, "must be a text", ""),
                Some(text) => {
                    if let Some(mistake) = values::element_mistake(section, name, &text) {
                        self.push(&item, Some(mistake));
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

    /// The words of older YAML for yes and no are understood where a flag is wanted; a text in quotes is not.
    fn flag(&mut self, node: &Node<'a>) -> Value {
        let flag = match node.value() {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => match text.as_str() {
                "y" | "Y" | "yes" | "on" => Some(true),
                "n" | "N" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        };
        let what = || match node.value() {
            Value::String(text) if ["true", "false"].contains(&&*text.to_lowercase()) => {
                let what = format!("must be `true` or `false`, found the text `{text}`");
                Mistake::new(what, "write it without quotes")
            }
            _ => Mistake::new(format!("must be `true` or `false`, found {}", node.described()), ""),
        };
        self.push(node, flag.is_none().then(what));
        flag.map_or(Value::Null, Value::Bool)
    }

    fn text(&mut self, node: &Node<'a>, section: Section, name: &str, parent: &Node<'a>) -> Value {
        let Some(text) = self.as_written(node) else {
            self.wrong(node, "must be a text; put it in quotes", "");
            return Value::Null;
        };
        let mistake = match (section, name) {
            (Section::File, "content") => self.content_mistake(&text, parent.get("encoding").as_ref()),
            (Section::Unit | Section::DropIn, "content") => {
                let merged_into_ignition = self.purpose.is_merged() && self.purpose.is_ignition();
                let unreadable = || unit_content::mistake(&text).filter(|_| merged_into_ignition);
                addresses(&text).or_else(|| {
                    unreadable()
                        .map(|what| Mistake::new(what, "systemd and Ignition read `[Section]` and `Name=value`"))
                })
            }
            _ => values::mistake(section, name, &text, self.purpose),
        };
        let is_right = mistake.is_none();
        self.push(node, mistake);
        if (section, name) != (Section::File, "path") {
            return Value::String(text);
        }
        let path = path::clean(&text);
        if is_right {
            self.files.push((path.clone(), self.judged.len() - 1));
        }
        Value::String(path)
    }

    fn content_mistake(&self, content: &str, encoding: Option<&Node<'a>>) -> Option<Mistake> {
        let encoding = encoding.filter(|node| !node.is_null()).map(|node| self.as_written(node).unwrap_or_default());
        let Some(encoding) = encoding else { return addresses(content) };
        if values::mistake(Section::File, "encoding", &encoding, self.purpose).is_some() {
            // What the encoding is is a mistake of its own.
            return None;
        }
        // Go's reader passes over line ends and nothing else.
        let packed: String = content.chars().filter(|c| !['\r', '\n'].contains(c)).collect();
        let what = match BASE64.decode(packed) {
            Err(_) => "is not base64, as its `encoding` says",
            Ok(bytes) if encoding.starts_with("gz") && !is_gzip(&bytes) => {
                "is not compressed with gzip, as its `encoding` says"
            }
            Ok(_) => return None,
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
            if let Some(text) = self.as_written(&name)
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

/// Reads to the end, of which nothing is kept: a few bytes may stand for gigabytes.
fn is_gzip(bytes: &[u8]) -> bool {
    std::io::copy(&mut MultiGzDecoder::new(bytes), &mut std::io::sink()).is_ok()
}

fn addresses(content: &str) -> Option<Mistake> {
    address::absent(content).map(|name| {
        let instead = format!("of addresses only `$private_ipv4` is known; `\\{name}` keeps the text as it stands");
        Mistake::new(format!("`{name}` is empty on Azure"), instead)
    })
}
