//! What the user wrote, unchecked; every absent value is `None`.

use crate::platform::bundle::Bundle;
use crate::spec::Problems;

/// Values of flags; files are already read.
#[derive(Clone, Debug, Default)]
pub struct ClusterInput {
    pub name: String,
    pub num_nodes: Option<u32>,
    pub allow_small: bool,
    pub vm_size: Option<String>,
    pub location: Option<String>,
    pub resource_group: Option<String>,
    pub vm_name_prefix: Option<String>,
    pub ssh: Option<u16>,
    pub ssh_key: Option<InputFile>,
    /// The bundle whose ports are opened, or why it cannot be had.
    pub platform: Option<Result<Bundle, Problems>>,
    pub deis: Option<bool>,
    pub nohttps: bool,
    pub data_disk: Option<u32>,
    pub coreos_image: Option<String>,
    pub custom_data: Option<InputFile>,
    pub ntp_servers: Vec<String>,
}

/// A file that a flag names.
#[derive(Clone)]
pub struct InputFile {
    /// As the user wrote it.
    pub path: String,
    /// Its text, or why it could not be read.
    pub content: Result<String, String>,
}

impl InputFile {
    /// Reads the file now; a failure is kept, so that it is reported together with other mistakes.
    pub fn read(path: &std::path::Path) -> Self {
        let content = std::fs::read_to_string(path).map_err(|error| error.to_string());
        Self { path: path.display().to_string(), content }
    }
}

impl std::fmt::Debug for InputFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The content may hold secrets.
        formatter.debug_struct("InputFile").field("path", &self.path).finish_non_exhaustive()
    }
}
