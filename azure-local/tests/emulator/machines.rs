//! What the control plane asks of a machine host, and what it makes of the host's answers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_local::latency::Latency;
use azure_local::machine::{MachineError, MachineHost, MachineSpec};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::bodies::{SECRET, create_base, create_node, nic, nic_path, vm, vm_path};
use crate::emulator::{Emulator, eventually, options, path};

/// Boots a machine only when a test lets it, unless its name tells how it fails.
struct Gated {
    started: Mutex<Vec<MachineSpec>>,
    running: Mutex<BTreeSet<String>>,
    deleted: Mutex<Vec<(String, Vec<String>)>>,
    boots: Semaphore,
}

#[async_trait]
impl MachineHost for Gated {
    async fn start(&self, spec: &MachineSpec) -> Result<(), MachineError> {
        self.started.lock().unwrap().push(spec.clone());
        if spec.name.starts_with("unusable") {
            return Err(MachineError::Unusable("not Ignition".to_owned()));
        }
        self.running.lock().unwrap().insert(spec.id.clone());
        Ok(())
    }

    async fn wait_until_ready(&self, id: &str, within: Duration) -> Result<(), MachineError> {
        if id.ends_with("silent") {
            return Err(MachineError::NeverReady(within));
        }
        self.boots.acquire().await.expect("open").forget();
        Ok(())
    }

    async fn stop(&self, id: &str) -> Result<(), MachineError> {
        self.running.lock().unwrap().remove(id);
        Ok(())
    }

    async fn suspend(&self, id: &str) -> Result<(), MachineError> {
        if id.ends_with("full") {
            return Err(anyhow::anyhow!("no space left").into());
        }
        self.running.lock().unwrap().remove(id);
        Ok(())
    }

    async fn delete(&self, id: &str, delete_disks: &[String]) -> Result<(), MachineError> {
        self.running.lock().unwrap().remove(id);
        self.deleted.lock().unwrap().push((id.to_owned(), delete_disks.to_vec()));
        Ok(())
    }

    async fn delete_disk(&self, _disk_id: &str) -> Result<(), MachineError> {
        Ok(())
    }

    async fn forward(&self, _id: &str, _port: u16) -> Result<SocketAddr, MachineError> {
        Err(MachineError::NotRunning)
    }

    fn is_running(&self, id: &str) -> bool {
        self.running.lock().unwrap().contains(id)
    }

    fn console(&self, _id: &str) -> String {
        "booting\n".to_owned()
    }

    async fn shut_down(&self) {
        self.running.lock().unwrap().clear();
    }
}

async fn gated(boots: usize) -> (Emulator, Arc<Gated>, TempDir) {
    let host = Arc::new(Gated {
        started: Mutex::default(),
        running: Mutex::default(),
        deleted: Mutex::default(),
        boots: Semaphore::new(boots),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = options(folder.path(), Latency::none());
    options.machines = host.clone();
    let emulator = Emulator::start(options).await;
    create_base(&emulator).await;
    (emulator, host, folder)
}

#[tokio::test]
async fn a_machine_is_created_when_its_guest_is_ready() {
    let (emulator, host, _folder) = gated(0).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    let reply = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    assert_eq!((reply.status, reply.header("location")), (StatusCode::CREATED, None));
    assert_eq!(reply.body["properties"]["provisioningState"], "Creating");
    assert_eq!(reply.header("retry-after"), Some("4"));
    let operation = reply.header("azure-asyncoperation").expect("an operation");
    assert_eq!(emulator.get(operation).await.good().body["status"], "InProgress");
    // The same PUT again joins the running operation; another one is refused.
    let again = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    assert_eq!(again.header("azure-asyncoperation"), Some(operation));
    let mut other = vm("node-1");
    other["tags"] = json!({});
    assert_eq!(emulator.put(&vm_path("node-1"), &other).await.code(), "AnotherOperationInProgress");
    host.boots.add_permits(1);
    assert_eq!(emulator.follow(&reply).await["status"], "Succeeded");

    let spec = host.started.lock().unwrap()[0].clone();
    assert_eq!((spec.name.as_str(), spec.computer_name.as_str()), ("node-1", "node-1"));
    assert_eq!(spec.custom_data.as_deref(), Some(SECRET.as_bytes()));
    assert_eq!((spec.data_disks[0].lun, spec.data_disks[0].disk.size_gib, spec.os_disk.size_gib), (0, Some(10), None));
    let interface = &spec.network_interfaces[0];
    assert_eq!((interface.address.to_string().as_str(), interface.prefix_length), ("10.0.0.11", 24));
    assert!(interface.network.ends_with("/virtualnetworks/vnet"), "{}", interface.network);
    assert_eq!(interface.mac_address.len(), "AA-BB-CC-DD-EE-FF".len());

    // A group takes machines and all of their disks along.
    let deletion = emulator.delete(&path("")).await;
    let location = deletion.header("location").expect("a location").to_owned();
    eventually("the group's end", || async { (emulator.get(&location).await.status == StatusCode::OK).then_some(()) })
        .await;
    let deleted = host.deleted.lock().unwrap().clone();
    assert_eq!((deleted.len(), deleted[0].1.len()), (1, 2), "{deleted:?}");
    emulator.stop().await;
}

#[tokio::test]
async fn machines_that_do_not_boot_fail_with_azures_codes_and_can_be_tried_again() {
    let (emulator, host, _folder) = gated(1).await;
    for (index, (name, code, is_up)) in
        [("unusable", "OSProvisioningClientError", false), ("silent", "OSProvisioningTimedOut", true)]
            .into_iter()
            .enumerate()
    {
        emulator.put(&nic_path(name), &nic(&format!("10.0.0.{}", 11 + index))).await.good();
        for attempt in 1..=2 {
            let reply = emulator.put(&vm_path(name), &vm(name)).await.good();
            assert_eq!(emulator.follow(&reply).await["error"]["code"], code, "{name} {attempt}");
            let starts = host.started.lock().unwrap().iter().filter(|spec| spec.name == name).count();
            assert_eq!(starts, attempt, "{name}");
        }
        let view = emulator.get(&format!("{}/instanceView", vm_path(name))).await.good().body;
        assert_eq!(view["statuses"][0]["code"], json!(format!("ProvisioningState/failed/{code}")));
        assert_eq!(view["statuses"].as_array().map(Vec::len), Some(1 + usize::from(is_up)), "{view}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn machines_that_ran_are_started_again_by_the_next_daemon() {
    let (emulator, first, folder) = gated(1).await;
    create_node(&emulator, "node-1", 11).await;
    let view = emulator.get(&format!("{}/instanceView", vm_path("node-1"))).await.good().body;
    assert_eq!(view["statuses"][1]["code"], "PowerState/running");
    emulator.stop().await;
    let mut again = options(folder.path(), Latency::none());
    again.machines = first.clone();
    let emulator = Emulator::start(again).await;
    let status = eventually("the machine's start", || async {
        let status = emulator.get("/azure-local/status").await.good().body;
        (status["machines"][0]["running"] == true).then_some(status)
    })
    .await;
    assert_eq!((&status["vms"], &status["machines"][0]["power_state"]), (&json!("qemu"), &json!("running")));
    emulator.stop().await;
}

#[tokio::test]
async fn machines_that_cannot_be_suspended_are_named_and_run_on() {
    let (emulator, host, _folder) = gated(2).await;
    create_node(&emulator, "node-1", 11).await;
    create_node(&emulator, "full", 12).await;
    let answer = emulator.post("/azure-local/suspend", &json!({})).await.good().body;
    let failed = json!([{ "name": "full", "reason": "no space left" }]);
    assert_eq!(answer, json!({ "suspended": ["node-1"], "failed": failed }));
    let running = host.running.lock().unwrap().clone();
    assert!(running.len() == 1 && running.iter().all(|id| id.ends_with("/full")), "{running:?}");
    // Nothing is left to suspend but what cannot be.
    let again = emulator.post("/azure-local/suspend", &json!({})).await.good().body;
    assert_eq!(again, json!({ "suspended": [], "failed": failed }));
    emulator.stop().await;
}

#[tokio::test]
async fn without_machines_nothing_claims_to_run_or_to_answer() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let view = emulator.get(&format!("{}/instanceView", vm_path("node-1"))).await.good().body;
    assert_eq!(view["statuses"][1]["code"], "PowerState/unknown");
    let status = emulator.get("/azure-local/status").await.good().body;
    let machine = &status["machines"][0];
    assert_eq!((&status["vms"], &machine["running"]), (&json!("none"), &json!(false)));
    assert_eq!((&machine["name"], &machine["power_state"]), (&json!("node-1"), &json!(null)));
    let listeners = emulator.get("/azure-local/listeners").await.good().body;
    let listeners = listeners.as_array().expect("a list");
    assert!(!listeners.is_empty());
    for listener in listeners {
        assert_eq!((&listener["bound"], &listener["healthy_machines"]), (&json!(null), &json!([])), "{listener}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_machine_can_be_deleted_while_it_boots() {
    let (emulator, host, _folder) = gated(0).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    let creation = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    assert_eq!(emulator.delete(&vm_path("node-1")).await.status, StatusCode::OK);
    assert_eq!(emulator.follow(&creation).await["error"]["code"], "OperationPreempted");
    host.boots.add_permits(2);
    assert_eq!(emulator.get(&vm_path("node-1")).await.status, StatusCode::NOT_FOUND);
    create_node(&emulator, "node-1", 11).await;
    emulator.stop().await;
}

#[tokio::test]
async fn a_machine_whose_ignition_stops_never_reports() {
    let (emulator, host, _folder) = gated(2).await;
    let document = |file: &str| {
        let file = format!("{{\"path\": \"/etc/a\", \"contents\": {{\"source\": \"data:,{file}\"}}}}");
        format!("{{\"ignition\": {{\"version\": \"3.3.0\"}}, \"storage\": {{\"files\": [{file}]}}}}")
    };
    for (last, name, custom_data, reason) in [
        (11, "node-1", document("a"), None),
        (12, "node-2", document("[a]"), Some("`storage.files[0].contents.source`: invalid data character")),
        (13, "node-3", "words".to_owned(), Some("neither a cloud-config")),
    ] {
        emulator.put(&nic_path(name), &nic(&format!("10.0.0.{last}"))).await.good();
        let mut body = vm(name);
        body["properties"]["osProfile"]["customData"] = json!(STANDARD.encode(&custom_data));
        let reply = emulator.put(&vm_path(name), &body).await.good();
        // What is done at once is answered without an operation.
        let outcome = match reply.header("azure-asyncoperation") {
            Some(_) => emulator.follow(&reply).await,
            None => json!({ "status": reply.body["properties"]["provisioningState"] }),
        };
        let started = host.started.lock().unwrap().iter().any(|spec| spec.name == name);
        let Some(reason) = reason else {
            assert_eq!((&outcome["status"], started), (&json!("Succeeded"), true), "{outcome}");
            continue;
        };
        assert_eq!((&outcome["status"], started), (&json!("Failed"), false), "{outcome}");
        assert_eq!(outcome["error"]["code"], "OSProvisioningTimedOut", "{outcome}");
        assert!(outcome["error"]["message"].as_str().unwrap().contains(reason), "{outcome}");
    }
    emulator.stop().await;
}
