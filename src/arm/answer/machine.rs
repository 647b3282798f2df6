//! What Azure says of a machine while it runs, and where its console is.

use serde::Deserialize;

use super::absent_as_none;

/// <https://learn.microsoft.com/rest/api/compute/virtual-machines/instance-view>
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct InstanceView {
    #[serde(default, deserialize_with = "absent_as_none")]
    pub statuses: Vec<InstanceStatus>,
}

/// One of its states: `PowerState/running`, or why provisioning failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct InstanceStatus {
    pub code: String,
    /// `Info`, `Warning` or `Error`.
    pub level: Option<String>,
    pub message: Option<String>,
}

/// <https://learn.microsoft.com/rest/api/compute/virtual-machines/retrieve-boot-diagnostics-data>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BootDiagnostics {
    /// Signed: whoever has it can read the console.
    pub serial_console_log_blob_uri: String,
}

impl InstanceView {
    /// `running`, `deallocated`, ….
    pub(crate) fn power_state(&self) -> Option<&str> {
        self.statuses.iter().find_map(|status| status.code.strip_prefix("PowerState/"))
    }

    /// What went wrong last.
    pub(crate) fn error(&self) -> Option<&InstanceStatus> {
        let is_error = |status: &&InstanceStatus| status.level.as_deref() == Some("Error");
        self.statuses.iter().rev().find(is_error)
    }
}

impl InstanceStatus {
    /// Azure's code without what it is about: `OSProvisioningTimedOut`.
    pub(crate) fn short_code(&self) -> &str {
        self.code.rsplit('/').next().unwrap_or(&self.code)
    }
}
