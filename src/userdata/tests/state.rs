//! What a machine is after its configuration was applied.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    pub hostname: Option<String>,
    pub files: BTreeMap<String, File>,
    pub units: BTreeMap<String, Unit>,
    pub users: BTreeMap<String, User>,
    /// Device and label.
    pub filesystems: BTreeSet<(String, String)>,
}

#[derive(Debug, PartialEq)]
pub(super) struct File {
    pub content: Vec<u8>,
    pub mode: u32,
    /// Names or numbers, as text; none is root.
    pub user: Option<String>,
    pub group: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Unit {
    pub masked: bool,
    pub runs: bool,
    pub content: Option<String>,
    pub drop_ins: BTreeMap<String, String>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct User {
    pub keys: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Everything else, by cloud-config's names.
    pub fields: BTreeMap<String, String>,
}

impl State {
    /// Adds what must be there once.
    pub(super) fn add_file(&mut self, path: &str, file: File) {
        assert!(self.files.insert(path.to_owned(), file).is_none(), "`{path}` stands twice");
    }

    /// A unit of which nothing is said is none.
    pub(super) fn add_unit(&mut self, name: &str, unit: Unit) {
        if unit == Unit::default() {
            return;
        }
        assert!(self.units.insert(name.to_owned(), unit).is_none(), "`{name}` stands twice");
    }
}
