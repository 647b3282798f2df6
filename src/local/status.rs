//! What the emulator's daemon tells of itself, its machines and ports.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What `/azure-local/status` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmulatorStatus {
    pub version: String,
    pub endpoint: String,
    pub vms: MachineKind,
    pub uptime_seconds: u64,
    pub machines: Vec<MachineStatus>,
    pub listeners: Vec<Listener>,
}

/// What is behind its virtual machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineKind {
    Qemu,
    /// Nothing: they exist as resources only.
    None,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineStatus {
    pub id: String,
    pub name: String,
    pub resource_group: String,
    pub provisioning_state: String,
    /// `running`; none where nothing can run.
    pub power_state: Option<String>,
    pub running: bool,
    /// The path of its console.
    pub console: String,
}

/// A public port and where it really listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Address and port that ARM knows.
    pub public: SocketAddr,
    /// Another port when this machine refused that one; none when the emulator has no machines.
    pub bound: Option<SocketAddr>,
    /// The rule's ARM id.
    pub rule: String,
    /// Machines that the rule leads to.
    pub machines: Vec<String>,
    /// Those of them that answer.
    pub healthy_machines: Vec<String>,
}

/// What `/azure-local/suspend` answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Suspension {
    /// Names of the machines whose memory is on disk.
    pub suspended: Vec<String>,
    /// Those that go on running.
    pub failed: Vec<Unsuspended>,
}

/// A machine that could not be suspended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Unsuspended {
    pub name: String,
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_status_lacks_is_named() {
        let whole = json!({
            "version": "1", "endpoint": "http://127.0.0.1:1", "vms": "none", "uptime_seconds": 1,
            "machines": [{
                "id": "/m", "name": "m", "resource_group": "g", "provisioning_state": "Succeeded", "power_state": null,
                "running": false, "console": "/c",
            }],
            "listeners": [{
                "public": "127.0.0.2:80", "bound": null, "rule": "/r", "machines": ["/m"], "healthy_machines": [],
            }],
        });
        let read = |document: &serde_json::Value| serde_json::from_value::<EmulatorStatus>(document.clone());
        let status = read(&whole).unwrap();
        assert_eq!(status.vms, MachineKind::None);
        assert_eq!(serde_json::to_value(&status).unwrap(), whole);
        for pointer in [
            "/version",
            "/endpoint",
            "/vms",
            "/uptime_seconds",
            "/machines",
            "/machines/0/id",
            "/machines/0/name",
            "/machines/0/resource_group",
            "/machines/0/provisioning_state",
            "/machines/0/running",
            "/machines/0/console",
            "/listeners",
            "/listeners/0/public",
            "/listeners/0/rule",
            "/listeners/0/machines",
            "/listeners/0/healthy_machines",
        ] {
            let (above, field) = pointer.rsplit_once('/').unwrap();
            let mut lacking = whole.clone();
            lacking.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(field).unwrap();
            let why = read(&lacking).unwrap_err().to_string();
            assert_eq!(why, format!("missing field `{field}`"), "{pointer}");
        }
    }
}
