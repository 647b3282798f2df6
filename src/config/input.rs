//! What the user wrote, unchecked, with the files that it names already read.

use std::collections::BTreeMap;

use super::given::Values;
use super::parameter::{NAME, Parameter};
use crate::spec::OpenPort;
use crate::spec::TemplateSet;
use diagnostics::{Origin, Problems, given_file};

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
    /// Whether there is a file and what it says is not known, so that what is missing may stand there.
    pub file_is_unread: bool,
    /// The ports of the platform that is named, or why it cannot be had.
    pub platform_ports: Option<Result<Vec<OpenPort>, Problems>>,
    /// The ports of the platform that `--deis` stands for, where it is given.
    pub default_platform_ports: Vec<OpenPort>,
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

    /// The input of `--deis`, with the ports of a platform such as it stands for.
    #[cfg(test)]
    pub(crate) fn deis(name: &str) -> Self {
        let probe = crate::spec::PortProbe::Http("/health-check".into());
        let default_platform_ports = vec![
            OpenPort::of_platform("web", 80, probe, 4, false),
            OpenPort::of_platform("https", 443, crate::spec::PortProbe::Tcp, 4, true),
            OpenPort::of_platform("builder", 2222, crate::spec::PortProbe::Tcp, 20, false),
        ];
        Self { default_platform_ports, ..Self::flags(name, &[(&super::parameter::DEIS, "true")]) }
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
