//! Virtual machines as QEMU processes: turns a [`MachineSpec`] into disks, sockets and a supervised process.
//!
//! The control plane calls it through [`MachineHost`]; the load balancer asks it for ways in ([`MachineHost::forward`]).

mod accelerator;
mod cloud_config;
mod command_line;
mod console;
mod custom_data;
mod data_url;
mod disks;
mod flatcar_configuration;
mod folder;
mod guest_items;
mod launcher;
mod memory;
mod options;
mod qmp;
mod sockets;
mod ssh_banner;
mod supervisor;
mod way_out;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::time::Instant;

use super::{MachineError, MachineHost, MachineSpec};
use crate::image::MachineImage;
use crate::image::given::GivenImage;
use crate::lock::lock;
use crate::segment::Segment;
use disks::Disks;
use folder::Folder;
use launcher::Launcher;
use sockets::Sockets;
use supervisor::{Machine, Phase};

pub use options::QemuOptions;
pub use way_out::HOST_ADDRESS as HOST_ADDRESS_IN_GUESTS;

/// Runs each machine as a QEMU process that ends with this value.
pub struct QemuMachines {
    options: QemuOptions,
    disks: Disks,
    sockets: Sockets,
    launcher: Launcher,
    machines: Mutex<HashMap<String, Arc<Machine>>>,
    /// By virtual network; each lives as long as a machine is attached to it.
    segments: Mutex<HashMap<String, Weak<Segment>>>,
    /// By machine.
    attached: Mutex<HashMap<String, Vec<Arc<Segment>>>>,
}

impl QemuMachines {
    /// Prepares `options.machines_directory` and ends QEMU processes that a killed daemon left there. Must be called
    /// within a tokio runtime.
    pub fn new(options: QemuOptions) -> Result<Self> {
        let directory = &options.machines_directory;
        folder::create_private(directory).with_context(|| format!("creating `{}`", directory.display()))?;
        let directory = directory.canonicalize().with_context(|| format!("finding `{}`", directory.display()))?;
        let options = QemuOptions { machines_directory: directory, ..options };
        folder::end_stale_processes(&options.machines_directory)?;
        Ok(Self {
            disks: Disks::new(options.machines_directory.join("disks"))?,
            sockets: Sockets::new(&options.machines_directory)?,
            launcher: Launcher::new()?,
            machines: Mutex::default(),
            segments: Mutex::default(),
            attached: Mutex::default(),
            options,
        })
    }

    fn machine(&self, id: &str) -> Option<Arc<Machine>> {
        lock(&self.machines).get(id).cloned()
    }

    fn machine_or_new(&self, id: &str) -> Arc<Machine> {
        Arc::clone(
            lock(&self.machines)
                .entry(id.to_owned())
                .or_insert_with(|| Arc::new(Machine::new(Folder::of(&self.options.machines_directory, id)))),
        )
    }

    /// The segment of a virtual network, which exists from its first machine on and goes with its last.
    fn segment(&self, network: &str) -> Result<Arc<Segment>> {
        let mut segments = lock(&self.segments);
        if let Some(segment) = segments.get(network).and_then(Weak::upgrade) {
            return Ok(segment);
        }
        let path = self.sockets.of_network(network);
        let segment = Segment::listen(&path).with_context(|| format!("listening at `{}`", path.display()))?;
        let segment = Arc::new(segment);
        segments.insert(network.to_owned(), Arc::downgrade(&segment));
        Ok(segment)
    }
}

/// Whether a machine's disk is as large as the one that it is made from.
fn check_fits(spec: &MachineSpec, given: &GivenImage) -> Result<(), MachineError> {
    let size_gib = disks::os_disk_gib(spec);
    let needed_gib = given.virtual_bytes.div_ceil(1 << 30);
    if needed_gib <= u64::from(size_gib) {
        return Ok(());
    }
    Err(MachineError::Unusable(format!(
        "its OS disk of {size_gib} GiB is smaller than the disk in `{}`, which has {needed_gib} GiB (`--os-disk-size {needed_gib}`)",
        given.path.display()
    )))
}

#[async_trait]
impl MachineHost for QemuMachines {
    async fn start(&self, spec: &MachineSpec) -> Result<(), MachineError> {
        let image = self.disks.image_of(spec, &self.options.image)?;
        let configuration = match &image {
            MachineImage::Built(_) => custom_data::ignition(spec)?,
            MachineImage::Given(given) => {
                check_fits(spec, given)?;
                Some(flatcar_configuration::document(spec, self.options.time_server_port)?)
            }
        };
        let machine = self.machine_or_new(&spec.id);
        let _one_at_a_time = machine.operations.lock().await;
        if machine.is_running() {
            return Ok(());
        }
        let mut segments = Vec::new();
        for interface in &spec.network_interfaces {
            segments.push(self.segment(&interface.network)?);
        }
        let sockets: Vec<PathBuf> = segments.iter().map(|segment| segment.path().to_owned()).collect();
        lock(&self.attached).insert(spec.id.clone(), segments);
        machine.folder.create()?;
        machine.folder.end_stale_process()?;
        let disks = self.disks.of_machine(spec, &image).await?;
        let items = match &image {
            MachineImage::Built(_) => guest_items::write(&machine.folder, spec, &disks, &self.options)?,
            // It has no agent that would read them.
            MachineImage::Given(_) => Vec::new(),
        };
        let boot = supervisor::Boot {
            arguments: command_line::arguments(&self.options, &machine.folder, spec, &sockets, &disks, &items),
            image,
            configuration,
            configured: disks.configured_marker(),
        };
        Arc::clone(&machine).start(boot, self.launcher.clone()).await
    }

    async fn wait_until_ready(&self, id: &str, within: Duration) -> Result<(), MachineError> {
        let machine = self.machine(id).ok_or(MachineError::NotRunning)?;
        let deadline = Instant::now() + within;
        let mut phase = machine.watch();
        loop {
            let current = phase.borrow_and_update().clone();
            match current {
                Phase::Running(run) => {
                    let console = machine.folder.console();
                    tokio::select! {
                        () = ssh_banner::wait_for(&run, &console) => {
                            machine.note_first_boot();
                            return Ok(());
                        }
                        _ = phase.changed() => {}
                        () = tokio::time::sleep_until(deadline) => return Err(MachineError::NeverReady(within)),
                    }
                }
                Phase::Restarting => {
                    tokio::select! {
                        _ = phase.changed() => {}
                        () = tokio::time::sleep_until(deadline) => return Err(MachineError::NeverReady(within)),
                    }
                }
                Phase::Off => return Err(MachineError::NotRunning),
                Phase::Unusable(reason) => return Err(MachineError::Unusable(reason)),
                Phase::Ended(reason) => return Err(MachineError::Ended(reason)),
            }
        }
    }

    async fn stop(&self, id: &str) -> Result<(), MachineError> {
        let Some(machine) = self.machine(id) else {
            return Ok(());
        };
        let _one_at_a_time = machine.operations.lock().await;
        machine.stop(self.options.stop_grace).await;
        Ok(())
    }

    async fn suspend(&self, id: &str) -> Result<(), MachineError> {
        let machine = self.machine(id).ok_or(MachineError::NotRunning)?;
        let _one_at_a_time = machine.operations.lock().await;
        Ok(machine.suspend().await?)
    }

    async fn delete(&self, id: &str, delete_disks: &[String]) -> Result<(), MachineError> {
        let machine = self.machine_or_new(id);
        let _one_at_a_time = machine.operations.lock().await;
        machine.stop(Duration::ZERO).await;
        machine.folder.end_stale_process()?;
        machine.folder.remove()?;
        for disk in delete_disks {
            self.disks.remove(disk)?;
        }
        lock(&self.machines).remove(id);
        lock(&self.attached).remove(id);
        Ok(())
    }

    async fn delete_disk(&self, disk_id: &str) -> Result<(), MachineError> {
        Ok(self.disks.remove(disk_id)?)
    }

    async fn forward(&self, id: &str, port: u16) -> Result<SocketAddr, MachineError> {
        let machine = self.machine(id).ok_or(MachineError::NotRunning)?;
        match machine.phase() {
            Phase::Running(run) => Ok(run.forward(port).await?),
            _ => Err(MachineError::NotRunning),
        }
    }

    fn is_running(&self, id: &str) -> bool {
        self.machine(id).is_some_and(|machine| machine.is_running())
    }

    fn console(&self, id: &str) -> String {
        console::tail(&Folder::of(&self.options.machines_directory, id).console())
    }

    async fn shut_down(&self) {
        let machines: Vec<_> = lock(&self.machines).values().cloned().collect();
        let stopping: Vec<_> = machines
            .into_iter()
            .map(|machine| {
                let grace = self.options.stop_grace;
                tokio::spawn(async move {
                    let _one_at_a_time = machine.operations.lock().await;
                    machine.stop(grace).await;
                })
            })
            .collect();
        for stopped in stopping {
            let _ = stopped.await;
        }
        lock(&self.attached).clear();
        self.sockets.remove();
    }
}
