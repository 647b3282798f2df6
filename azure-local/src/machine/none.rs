//! A host without machines: every guest is ready at once. For unit tests and runs with a thousand nodes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use crate::machine::{MachineError, MachineHost, MachineSpec};

/// Remembers which machines run, and nothing else.
#[derive(Debug, Default)]
pub struct NoMachines {
    running: Mutex<BTreeSet<String>>,
}

impl NoMachines {
    fn running(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl MachineHost for NoMachines {
    async fn start(&self, spec: &MachineSpec) -> Result<(), MachineError> {
        self.running().insert(spec.id.clone());
        Ok(())
    }

    async fn wait_until_ready(&self, id: &str, _within: Duration) -> Result<(), MachineError> {
        if self.is_running(id) { Ok(()) } else { Err(MachineError::NotRunning) }
    }

    async fn stop(&self, id: &str) -> Result<(), MachineError> {
        self.running().remove(id);
        Ok(())
    }

    async fn delete(&self, id: &str, _delete_disks: &[String]) -> Result<(), MachineError> {
        self.running().remove(id);
        Ok(())
    }

    async fn delete_disk(&self, _disk_id: &str) -> Result<(), MachineError> {
        Ok(())
    }

    async fn forward(&self, _id: &str, _port: u16) -> Result<SocketAddr, MachineError> {
        Err(MachineError::NotRunning)
    }

    fn is_running(&self, id: &str) -> bool {
        self.running().contains(id)
    }

    fn console(&self, id: &str) -> String {
        if self.is_running(id) { "this host starts no machines\n".to_owned() } else { String::new() }
    }

    async fn shut_down(&self) {
        self.running().clear();
    }
}
