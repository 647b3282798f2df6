//! A host without machines: the control plane alone. Every operation succeeds, and nothing claims to run.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::machine::{MachineError, MachineHost, MachineSpec};

/// Does nothing.
#[derive(Debug, Default)]
pub struct NoMachines;

#[async_trait]
impl MachineHost for NoMachines {
    async fn start(&self, _spec: &MachineSpec) -> Result<(), MachineError> {
        Ok(())
    }

    async fn wait_until_ready(&self, _id: &str, _within: Duration) -> Result<(), MachineError> {
        Ok(())
    }

    async fn stop(&self, _id: &str) -> Result<(), MachineError> {
        Ok(())
    }

    async fn suspend(&self, _id: &str) -> Result<(), MachineError> {
        Err(MachineError::NotRunning)
    }

    async fn delete(&self, _id: &str, _delete_disks: &[String]) -> Result<(), MachineError> {
        Ok(())
    }

    async fn delete_disk(&self, _disk_id: &str) -> Result<(), MachineError> {
        Ok(())
    }

    async fn forward(&self, _id: &str, _port: u16) -> Result<SocketAddr, MachineError> {
        Err(MachineError::NotRunning)
    }

    fn has_machines(&self) -> bool {
        false
    }

    fn is_running(&self, _id: &str) -> bool {
        false
    }

    fn console(&self, _id: &str) -> String {
        "this emulator has no machines (--vms none)\n".to_owned()
    }

    async fn shut_down(&self) {}
}
