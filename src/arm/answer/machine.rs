//! What a machine was made as, what Azure says of it while it runs, and where its console is.

use serde::Deserialize;

use super::{PowerState, absent_as_none};

/// A virtual machine.
/// <https://learn.microsoft.com/rest/api/compute/virtual-machines/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct VirtualMachine {
    properties: VirtualMachineProperties,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VirtualMachineProperties {
    hardware_profile: HardwareProfile,
    /// None of a machine whose disk had been another's.
    os_profile: Option<OsProfile>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HardwareProfile {
    vm_size: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OsProfile {
    /// None of Windows.
    linux_configuration: Option<LinuxConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct LinuxConfiguration {
    /// None of a machine that is entered with a password.
    ssh: Option<SshConfiguration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SshConfiguration {
    #[serde(default, deserialize_with = "absent_as_none")]
    public_keys: Vec<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey {
    key_data: String,
}

impl VirtualMachine {
    /// `Standard_D2as_v5`.
    pub(crate) fn size(&self) -> &str {
        &self.properties.hardware_profile.vm_size
    }

    /// The first key that it lets in.
    pub(crate) fn ssh_public_key(&self) -> Option<&str> {
        let ssh = self.properties.os_profile.as_ref()?.linux_configuration.as_ref()?.ssh.as_ref()?;
        ssh.public_keys.first().map(|key| key.key_data.as_str())
    }
}

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

    /// The same as a type.
    pub(crate) fn power(&self) -> PowerState {
        self.power_state().into()
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
