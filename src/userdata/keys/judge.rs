//! Judges every key of a cloud-config, by the rules of coreos-cloudinit and of what it hands values to. `user-data lint`
//! and the merge ask the same judge; a [`Purpose`] says what differs.

use cloudinit_rules::action::permissions;
use cloudinit_rules::key::Consequence;
use cloudinit_rules::scalar::{self, NoText};

use super::content::{addresses, kept};
use super::unit::UnitNamed;
use super::{Effect, Key, Reading, Section, Shape, values};
use crate::spec::cloud_config::{CORE_USER, UPDATE_FILE};
use crate::userdata::mistake::{CANNOT_BE_MERGED, Judged, Mistake};
use crate::userdata::purpose::Purpose;
use crate::userdata::{ours, path, unit_content};
use diagnostics::quoted;
use diagnostics::yaml::{Mapping, Node, Step, Value, Written};

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
    /// Entries of lists of which nothing is done, and where the mistake is that they are lost by.
    pub lost: Vec<(Vec<Step>, usize)>,
    /// The document without what does not act: texts as they are written, paths clean.
    pub value: Value,
}

/// Judges a document; `written` has its spellings.
pub(crate) fn judge<'a>(root: &Node<'a>, written: &Written, purpose: Purpose) -> Judgement<'a> {
    let mut judge =
        Judge { purpose, written, judged: Vec::new(), lost: Vec::new(), files: Vec::new(), units: Vec::new() };
    let value = match root.is_null() {
        true => Value::Mapping(Mapping::new()),
        false => judge.mapping(root, Section::Document),
    };
    judge.check_units();
    judge.check_update(root);
    judge.check_files();
    Judgement { judged: judge.judged, lost: judge.lost, value }
}

pub(super) struct Judge<'a, 'w> {
    pub(super) purpose: Purpose,
    pub(super) written: &'w Written,
    pub(super) judged: Vec<Judged<'a>>,
    pub(super) lost: Vec<(Vec<Step>, usize)>,
    pub(super) units: Vec<UnitNamed<'a>>,
    /// Clean paths of files, and where they are among what was judged.
    files: Vec<(String, usize)>,
}

impl<'a> Judge<'a, '_> {
    pub(super) fn wrong(&mut self, node: &Node<'a>, what: impl Into<String>, instead: impl Into<String>) {
        self.judged.push(Judged::wrong(node, what, instead));
    }

    /// Of a value that is no text, list, mapping or flag where one is wanted: nobody reads the document any further.
    fn unreadable(&mut self, node: &Node<'a>, what: impl Into<String>, instead: &str) {
        let mistake = self.with_consequence(Mistake::new(what, instead), Consequence::NothingApplied);
        self.push(node, Some(mistake));
    }

    /// Of a value that is no text.
    fn no_text(&mut self, node: &Node<'a>, why: NoText, shape: &str) {
        let what = match why {
            NoText::Shape => shape,
            NoText::Base64 => "is not base64, as its tag `!!binary` says",
            NoText::Utf8 => "must be UTF-8 when its base64 is taken away",
        };
        self.unreadable(node, what, "");
    }

    /// The mistake, and where the document is sent as it is, what its reader does at it.
    pub(super) fn with_consequence(&self, mistake: Mistake, consequence: Consequence) -> Mistake {
        let is_told = self.purpose == Purpose::CloudConfigAlone && !mistake.is_of_merge();
        if is_told { mistake.followed_by(consequence) } else { mistake }
    }

    pub(super) fn push(&mut self, node: &Node<'a>, mistake: Option<Mistake>) {
        self.judged.push(Judged { mistake, ..Judged::acts(node) });
    }

    /// Nothing of an entry is done because of a mistake.
    pub(super) fn lose(&mut self, entry: &Node<'a>, mistake: usize) {
        self.lost.push((entry.steps().to_vec(), mistake));
    }

    fn mapping(&mut self, node: &Node<'a>, section: Section) -> Value {
        let Value::Mapping(entries) = node.value() else {
            self.unreadable(node, "must be a mapping (`key: value`)", "");
            return Value::Null;
        };
        for required in section.required().iter().filter(|key| !entries.contains_key(**key)) {
            let mistake = Mistake::new(format!("`{required}` is missing"), "");
            self.push(node, Some(self.with_consequence(mistake, section.consequence_of_missing())));
            self.lose(node, self.judged.len() - 1);
        }
        let is_core = section == Section::User
            && node
                .get("name")
                .is_some_and(|name| scalar::text(&name, self.written).is_ok_and(|name| name == CORE_USER));
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
                _ if child.is_null() && section.required().contains(&key.name) => {
                    let mistake = Mistake::new("has no value", "");
                    self.push(&child, Some(self.with_consequence(mistake, section.consequence_of_missing())));
                    self.lose(node, self.judged.len() - 1);
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
        if section == Section::File {
            self.spell_content(node, &mut read);
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
                Err(why) => self.no_text(&item, why, "must be a text"),
                Ok(text) => {
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
        let bytes = match scalar::bytes(node, self.written) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.no_text(node, why, "must be a text; put it in quotes");
                return Value::Null;
            }
        };
        if (section, key.name) == (Section::File, "content") && node.is_binary() {
            let mistake = self.content_mistake(&bytes, parent).map(|mistake| self.with_consequence(mistake, key.wrong));
            self.push(node, mistake);
            return Value::Null;
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            // Files of systemd's, as any content, are written byte by byte.
            Err(_) if key.name == "content" => {
                let mistake = Mistake::new("is no UTF-8 text", "write a file by `write_files`");
                self.push(node, mistake.where_merged(self.purpose));
                return Value::Null;
            }
            Err(_) => {
                self.no_text(node, NoText::Utf8, "");
                return Value::Null;
            }
        };
        let mistake = match (section, key.name) {
            (Section::File, "content") => self
                .content_mistake(text.as_bytes(), parent)
                .map(|mistake| self.with_consequence(mistake, key.wrong))
                .or_else(|| addresses(&text).filter(|_| !is_encoded(parent))),
            (Section::Unit | Section::DropIn, "content") => {
                let merged_into_ignition = self.purpose.is_merged() && self.purpose.is_ignition();
                let unreadable = || unit_content::mistake(&text).filter(|_| merged_into_ignition);
                addresses(&text).filter(|_| !node.is_binary()).or_else(|| {
                    unreadable()
                        .map(|what| Mistake::new(what, "systemd and Ignition read `[Section]` and `Name=value`"))
                })
            }
            (Section::File, "encoding") => {
                self.encoding_mistake(&text, parent).map(|mistake| self.with_consequence(mistake, key.wrong))
            }
            // Bits above are dropped, and nothing is what it is by itself.
            (Section::File, "permissions") if permissions(&text).is_some() => {
                values::mistake(section, key.name, &text, self.purpose)
            }
            _ => values::mistake(section, key.name, &text, self.purpose)
                .map(|mistake| self.with_consequence(mistake, key.wrong)),
        };
        let is_right = mistake.is_none();
        let is_nobody = key.name == "name" && key.wrong == Consequence::PassedOver;
        if is_nobody && mistake.as_ref().is_some_and(|mistake| !mistake.is_of_merge()) {
            self.lose(parent, self.judged.len());
        }
        let misread = match (section, key.name) {
            (Section::File, "path") if !text.starts_with('/') => {
                format!("it is written to {}", quoted(&path::clean(&text)))
            }
            _ => key.misread.to_owned(),
        };
        self.judged.push(Judged { node: node.clone(), mistake, misread });
        if (section, key.name) != (Section::File, "path") {
            let is_hidden = key.name == "content" && node.is_binary();
            return Value::String(if is_hidden { kept(&text) } else { text });
        }
        let path = path::clean(&text);
        if is_right {
            self.files.push((path.clone(), self.judged.len() - 1));
        }
        Value::String(path)
    }

    /// Keeps a mistake that is one only where the file is laid over ours.
    pub(super) fn judge_where_merged(&mut self, node: &Node<'a>, mistake: Mistake) {
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
