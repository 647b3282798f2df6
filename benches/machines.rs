//! How long three machines of a cluster take until they are ready, against three bare guests of the same image until
//! they answer on SSH, one after the other in the same run. Prints both and their ratio; judges nothing.
//!
//! `cargo bench --profile dev --bench machines`, after `azure-coreos-cluster local image build`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use azure_local::image;
use azure_local::machine::qemu::{QemuMachines, QemuOptions};
use azure_local::machine::{Disk, MachineHost, MachineSpec, NetworkInterface};
use futures::future::join_all;

const PROGRAM: &str = env!("CARGO_BIN_EXE_azure-coreos-cluster");
const MACHINES: u8 = 3;
const DEADLINE: Duration = Duration::from_secs(20 * 60);
/// The least that Ignition accepts: what a bare guest does at its first boot is the image's work alone.
const BARE_CONFIGURATION: &str = r#"{"ignition": {"version": "3.3.0"}}"#;

fn main() {
    let cache = coreos_cluster::local::image_cache().expect("a cache folder");
    let image = image::find(&cache).expect("an image; `azure-coreos-cluster local image build` makes it");
    let bare = bare_guests(image);
    println!("{MACHINES} bare guests answer on SSH after {bare:.1} s");
    let (created, ready) = cluster();
    println!("{MACHINES} machines of a cluster: Azure done after {created:.1} s, ready after {ready:.1} s");
    println!(
        "ratio {:.2} (machines created), {:.2} (etcd, Docker, disks and clocks checked)",
        created / bare,
        ready / bare
    );
}

fn bare_guests(image: image::Image) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let host = QemuMachines::new(QemuOptions::new(folder.path(), image)).expect("a host of machines");
        let start = Instant::now();
        join_all((0..MACHINES).map(|index| {
            let host = &host;
            async move {
                let spec = bare_guest(index);
                host.start(&spec).await.expect("the guest starts");
                host.wait_until_ready(&spec.id, DEADLINE).await.expect("the guest answers");
            }
        }))
        .await;
        let seconds = start.elapsed().as_secs_f64();
        host.shut_down().await;
        seconds
    })
}

fn bare_guest(index: u8) -> MachineSpec {
    MachineSpec {
        id: format!("/bare/{index}"),
        name: format!("bare-{index}"),
        computer_name: format!("bare-{index}"),
        custom_data: Some(BARE_CONFIGURATION.into()),
        administrator: None,
        os_disk: Disk { id: format!("/bare/disk-{index}"), size_gib: None },
        data_disks: Vec::new(),
        network_interfaces: vec![NetworkInterface {
            network: "/bare/network".into(),
            address: [10, 32, 0, 4 + index].into(),
            prefix_length: 20,
            mac_address: format!("00-0D-3A-00-00-{index:02X}"),
        }],
    }
}

/// Seconds until Azure is done, and until the nodes are ready.
fn cluster() -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .env("AZURE_LOCAL_DIR", folder.path().join("local"))
            .env("XDG_STATE_HOME", folder.path());
        command.stdin(Stdio::null());
        command
    };
    let log = std::fs::File::create(folder.path().join("log")).expect("a log");
    let emulator = command(&["local", "serve", "--vms", "qemu"]).stdout(Stdio::null()).stderr(log).spawn();
    let _emulator = Emulator(emulator.expect("the emulator starts"));
    let endpoint: PathBuf = folder.path().join("local/endpoint");
    let deadline = Instant::now() + DEADLINE;
    while !endpoint.exists() {
        assert!(Instant::now() < deadline, "the emulator does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    let start = Instant::now();
    let mut seconds = Vec::new();
    for arguments in [&["bench", "--data-disk", "--local", "--no-wait"][..], &["bench", "--local"]] {
        let status = command(arguments).stdout(Stdio::null()).status().expect("the program starts");
        assert!(status.success(), "{status}");
        seconds.push(start.elapsed().as_secs_f64());
    }
    (seconds[0], seconds[1])
}

/// Ends with the bench; its machines end with it.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
