//! The environment's variables, read where a command needs them: each is text, or a mistake that names it.

use std::collections::BTreeMap;

use crate::{Origin, Problems};

/// What is wrong with a variable of other bytes; the value may be a secret.
pub const NOT_TEXT: &str = "its value is not UTF-8 text";

/// Some variables of the environment.
pub struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// The variables with these names; an empty one counts as not set.
    pub fn read(names: &[&'static str]) -> Result<Self, Problems> {
        let mut variables = BTreeMap::new();
        let mut problems = Problems::new();
        for name in names {
            match std::env::var_os(name).map(std::ffi::OsString::into_string) {
                Some(Ok(text)) if !text.is_empty() => drop(variables.insert(*name, text)),
                Some(Err(_)) => problems.add(Origin::Environment((*name).to_owned()), NOT_TEXT),
                Some(Ok(_)) | None => {}
            }
        }
        if problems.is_empty() { Ok(Self(variables)) } else { Err(problems) }
    }

    /// The value of a variable that was read.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}
