//! How machines are built and run.

use std::path::PathBuf;
use std::time::Duration;

use super::accelerator::Accelerator;
use crate::image::MachineImage;

/// How machines are built and run.
#[derive(Clone, Debug)]
pub struct QemuOptions {
    /// Holds a folder per machine, and the disks.
    pub machines_directory: PathBuf,
    /// What machines start from.
    pub image: MachineImage,
    /// Memory of each machine.
    pub memory_mib: u32,
    /// Processors of each machine. Under emulation more than one makes a host with few cores slower, not faster.
    pub vcpus: u32,
    /// UDP port of the NTP server on the host's loopback; without one, guests keep the clock that they start with.
    pub time_server_port: Option<u16>,
    /// How long a guest may take to shut down before its process is ended.
    pub stop_grace: Duration,
}

impl QemuOptions {
    /// Machines of 1 GiB that run `image` and are kept in `machines_directory`.
    pub fn new(machines_directory: impl Into<PathBuf>, image: impl Into<MachineImage>) -> Self {
        Self {
            machines_directory: machines_directory.into(),
            image: image.into(),
            memory_mib: 1024,
            vcpus: match Accelerator::of_host() {
                Accelerator::Kvm => 2,
                Accelerator::Tcg => 1,
            },
            time_server_port: None,
            stop_grace: Duration::from_secs(60),
        }
    }
}
