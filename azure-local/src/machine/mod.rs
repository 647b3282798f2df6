//! What the control plane asks of whatever runs the virtual machines, and what it gets back.

pub mod none;
pub mod qemu;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A virtual machine as the host must build it: everything is resolved, nothing refers to another resource.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSpec {
    /// The VM's ARM id in lower case; the machine's key in every other call.
    pub id: String,
    /// The resource's name, 1 to 64 characters of `[A-Za-z0-9._-]`.
    pub name: String,
    /// `osProfile.computerName`.
    pub computer_name: String,
    /// `osProfile.customData`, decoded. May hold secrets: never printed.
    pub custom_data: Option<Vec<u8>>,
    /// Whom Azure's agent lets in.
    pub administrator: Option<Administrator>,
    /// The disk the machine starts from.
    pub os_disk: Disk,
    /// Empty disks, by LUN.
    pub data_disks: Vec<DataDisk>,
    /// In the order of `networkProfile.networkInterfaces`.
    pub network_interfaces: Vec<NetworkInterface>,
}

/// `osProfile.adminUsername`, and the keys of `osProfile.linuxConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    pub name: String,
    pub ssh_public_keys: Vec<String>,
}

/// A managed disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The disk's ARM id in lower case; a disk outlives its machine unless deleted by this id.
    pub id: String,
    /// Size in GiB; `None` means the image's own size.
    pub size_gib: Option<u32>,
}

/// A data disk and the place where the guest finds it (`/dev/disk/azure/scsi1/lun<N>`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDisk {
    /// Logical unit number, 0 to 63.
    pub lun: u32,
    /// The disk behind it; `size_gib` is always given.
    pub disk: Disk,
}

/// A network interface on a virtual network's segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// The virtual network's ARM id in lower case: interfaces with the same one share an Ethernet segment.
    pub network: String,
    /// The static private address.
    pub address: Ipv4Addr,
    /// Of the subnet, 8 to 29.
    pub prefix_length: u8,
    /// `AA-BB-CC-DD-EE-FF`, as ARM writes it.
    pub mac_address: String,
}

/// ARM's `PowerState/…` without the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerState {
    Running,
    Stopped,
    Deallocated,
}

/// Why a machine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The machine's configuration cannot be consumed by its image (ARM: `OSProvisioningClientError`).
    #[error("{0}")]
    Unusable(String),
    /// The guest did not answer on SSH in time (ARM: `OSProvisioningTimedOut`).
    #[error("the guest did not answer on SSH within {} s", .0.as_secs())]
    NeverReady(Duration),
    /// The process ended before the guest answered.
    #[error("the virtual machine's process ended: {0}")]
    Ended(String),
    /// There is no such machine, or it is not running.
    #[error("the virtual machine is not running")]
    NotRunning,
    /// The host itself failed: no image, no QEMU, no disk space.
    #[error(transparent)]
    Host(#[from] anyhow::Error),
}

/// Runs virtual machines. Machines are known by [`MachineSpec::id`].
#[async_trait]
pub trait MachineHost: Send + Sync {
    /// Makes missing disks and starts the machine; returns once its process runs. Repeating it on a running machine
    /// changes nothing; on a stopped one it boots from the disks that are there.
    async fn start(&self, spec: &MachineSpec) -> Result<(), MachineError>;

    /// Returns when the guest's SSH server has sent its banner.
    async fn wait_until_ready(&self, id: &str, within: Duration) -> Result<(), MachineError>;

    /// Asks the guest to shut down, and ends its process when it does not within a grace period. Disks stay.
    async fn stop(&self, id: &str) -> Result<(), MachineError>;

    /// Ends the machine's process and keeps on disk what its memory holds, from which the next start goes on. When it fails, the
    /// machine goes on.
    async fn suspend(&self, id: &str) -> Result<(), MachineError>;

    /// Ends the machine's process, forgets the machine, and removes those of its disks that `delete_disks` names by id.
    async fn delete(&self, id: &str, delete_disks: &[String]) -> Result<(), MachineError>;

    /// Removes a disk that belongs to no machine any more.
    async fn delete_disk(&self, disk_id: &str) -> Result<(), MachineError>;

    /// A loopback address at which TCP connections reach `port` of the guest.
    async fn forward(&self, id: &str, port: u16) -> Result<SocketAddr, MachineError>;

    /// Whether there are machines at all; without, nothing may claim to run or to answer.
    fn has_machines(&self) -> bool {
        true
    }

    /// Whether the machine's process runs at this moment.
    fn is_running(&self, id: &str) -> bool;

    /// The serial console so far, at most the last 64 KiB.
    fn console(&self, id: &str) -> String;

    /// Stops every guest and releases every socket; disks stay. The daemon is ending.
    async fn shut_down(&self);
}

impl fmt::Debug for MachineSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MachineSpec")
            .field("id", &self.id)
            .field("data_disks", &self.data_disks.len())
            .field("network_interfaces", &self.network_interfaces)
            .finish_non_exhaustive()
    }
}
