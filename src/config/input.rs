//! What the user wrote, unchecked, with the files that it names already read.

use std::collections::BTreeMap;

use super::given::Values;
use super::parameter::{NAME, Parameter};
use super::yaml::given_file;
use crate::platform::bundle::Bundle;
use crate::spec::{Origin, Problems};
use crate::userdata::TemplateSet;

/// Everything that [`super::resolve`] looks at.
#[derive(Clone, Debug, Default)]
pub struct ClusterInput {
    /// All layers as one: flags over the environment over the file.
    pub values: Values,
    /// Files that parameters name, by the parameter's key.
    pub files: BTreeMap<&'static str, InputFile>,
    /// The templates that a parameter's folder replaces, or what is wrong with them.
    pub templates: Option<Result<TemplateSet, Problems>>,
    /// What is wrong with the layers themselves: a file that cannot be read, a key that nobody knows.
    pub problems: Problems,
    /// The bundle whose ports are opened, or why it cannot be had.
    pub platform: Option<Result<Bundle, Problems>>,
}

impl ClusterInput {
    /// The input of a command line that names these parameters.
    pub fn flags(name: &str, flags: &[(&Parameter, &str)]) -> Self {
        let mut values = Values::default();
        for (parameter, text) in [(&NAME, name)].iter().chain(flags) {
            values.insert(parameter, vec![(*text).to_owned()], Origin::Flag(parameter.flag));
        }
        Self { values, ..Self::default() }
    }

    /// The file that a parameter names.
    pub fn file(&self, parameter: &Parameter) -> Option<&InputFile> {
        self.files.get(parameter.key)
    }
}

/// A file that a parameter names.
#[derive(Clone)]
pub struct InputFile {
    /// As the user wrote it.
    pub path: String,
    /// What is in it, or why it could not be read.
    pub content: Result<Vec<u8>, String>,
}

impl InputFile {
    /// Reads the file now; a failure is kept, so that it is reported together with other mistakes.
    pub fn read(path: &std::path::Path) -> Self {
        let content = given_file::read(path).map_err(|error| error.to_string());
        Self { path: path.display().to_string(), content }
    }

    /// Its text, or why there is none.
    pub fn text(&self) -> Result<&str, String> {
        let bytes = self.content.as_ref().map_err(|reason| format!("reading `{}`: {reason}", self.path))?;
        given_file::text(bytes).map_err(|error| format!("reading `{}`: {error}", self.path))
    }
}

impl std::fmt::Debug for InputFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content may hold secrets.
        formatter.debug_struct("InputFile").field("path", &self.path).finish_non_exhaustive()
    }
}
