//! Real machines: boots guests from the image and asks them, over SSH, whether they are what was asked for.
//!
//! The image is found, or built, in `AZURE_LOCAL_IMAGE_CACHE`, else in the user's cache folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use azure_local::image;
use azure_local::machine::qemu::{QemuMachines, QemuOptions};
use azure_local::machine::{DataDisk, Disk, MachineError, MachineHost, MachineSpec, NetworkInterface};
use azure_local::time::TimeServer;
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Emulated guests on a busy machine are slow; only a hang comes near this.
const PATIENCE: Duration = Duration::from_secs(600);

const VIRTUAL_NETWORK: &str = "/subscriptions/s/resourcegroups/g/providers/microsoft.network/virtualnetworks/vnet";

fn image_cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("AZURE_LOCAL_IMAGE_CACHE") {
        return folder.into();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("`HOME` is set")).join(".cache"), PathBuf::from);
    cache.join("azure-local/image")
}

async fn image() -> image::Image {
    tokio::task::spawn_blocking(|| {
        image::build(&image_cache(), &image::RunningProgram::default(), &mut |step| eprintln!("image: {step}"))
    })
    .await
    .expect("no panic")
    .expect("the image is built")
}

struct Operator {
    folder: tempfile::TempDir,
}

impl Operator {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(folder.path().join("key"))
            .status()
            .await
            .expect("ssh-keygen");
        assert!(status.success());
        Self { folder }
    }

    fn public_key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("key.pub")).expect("a key").trim().to_owned()
    }

    /// Runs a command in the guest and returns what it printed; `Err` holds what was printed when it failed.
    async fn try_run(&self, address: SocketAddr, command: &str) -> Result<String, String> {
        let output = Command::new("ssh")
            .args(["-q", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "ConnectTimeout=60", "-F", "none", "-i"])
            .arg(self.folder.path().join("key"))
            .args(["-p", &address.port().to_string(), &format!("core@{}", address.ip()), command])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("ssh");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(format!("{}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
        }
    }

    async fn run(&self, machines: &QemuMachines, id: &str, command: &str) -> String {
        let address = machines.forward(id, 22).await.expect("a way in");
        self.try_run(address, command).await.unwrap_or_else(|error| panic!("`{command}` in {id}: {error}"))
    }

    async fn run_until(
        &self,
        machines: &QemuMachines,
        id: &str,
        command: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = match machines.forward(id, 22).await {
                Ok(address) => self.try_run(address, command).await,
                Err(error) => Err(error.to_string()),
            };
            match answer {
                Ok(text) if wanted(&text) => return text,
                other => assert!(Instant::now() < deadline, "`{command}` in {id}: {other:?}"),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}

fn machine_id(name: &str) -> String {
    format!("/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/{name}")
}

fn spec(number: u8, custom_data: Option<Vec<u8>>) -> MachineSpec {
    let name = format!("node-{number}");
    MachineSpec {
        id: machine_id(&name),
        custom_data,
        administrator: None,
        computer_name: name.clone(),
        os_disk: Disk { id: format!("/disks/{name}-os"), size_gib: None },
        data_disks: vec![DataDisk { lun: 2, disk: Disk { id: format!("/disks/{name}-data"), size_gib: Some(4) } }],
        network_interfaces: vec![NetworkInterface {
            network: VIRTUAL_NETWORK.to_owned(),
            address: Ipv4Addr::new(10, 0, 0, 3 + number),
            prefix_length: 24,
            mac_address: format!("00-0D-3A-00-00-{number:02X}"),
        }],
        name,
    }
}

/// Like the configuration that the client renders: name, key, data disk, a unit.
fn configuration(operator: &Operator, number: u8) -> Vec<u8> {
    let mount = "[Unit]\nBefore=docker.service\n[Mount]\nWhat=/dev/disk/azure/scsi1/lun2\nWhere=/var/lib/docker\n\
                 Type=ext4\n[Install]\nWantedBy=multi-user.target\nRequiredBy=docker.service\n";
    let count = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo boot >> /var/boots'\n\
                 [Install]\nWantedBy=multi-user.target\n";
    json!({
        "ignition": { "version": "3.3.0" },
        "passwd": { "users": [{ "name": "core", "sshAuthorizedKeys": [operator.public_key()] }] },
        "storage": {
            "filesystems": [{
                "device": "/dev/disk/azure/scsi1/lun2", "format": "ext4", "path": "/var/lib/docker", "label": "data"
            }],
            "files": [
                { "path": "/etc/hostname", "mode": 420, "overwrite": true,
                  "contents": { "source": format!("data:,ignited-{number}") } },
                { "path": "/etc/environment", "mode": 420, "overwrite": true,
                  "contents": { "source": "data:,FROM_ENVIRONMENT=yes%0A" } },
                { "path": "/etc/first", "mode": 420, "contents": { "source": "data:,first" } }
            ]
        },
        "systemd": { "units": [
            { "name": "var-lib-docker.mount", "enabled": true, "contents": mount },
            { "name": "count-boots.service", "enabled": true, "contents": count },
            { "name": "etcd-member.service", "enabled": number == 1 }
        ] }
    })
    .to_string()
    .into_bytes()
}

/// Processes whose command line names `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let wanted = folder.as_os_str().as_encoded_bytes();
    std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| line.windows(wanted.len()).any(|window| window == wanted))
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

fn options(folder: &Path, image: image::Image) -> QemuOptions {
    QemuOptions::new(folder.join("machines"), image)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_live_a_whole_life() {
    let operator = Operator::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let time_server = TimeServer::start(None).await.expect("a time server");
    let mut options = options(folder.path(), image().await);
    options.time_server_port = Some(time_server.address().port());
    let machines = QemuMachines::new(options).expect("machines");
    let specs = [1, 2].map(|number| spec(number, Some(configuration(&operator, number))));
    let [one, two] = [&specs[0].id, &specs[1].id];

    let begun = Instant::now();
    for spec in &specs {
        machines.start(spec).await.expect("started");
        machines.start(spec).await.expect("starting a running machine changes nothing");
        assert!(machines.is_running(&spec.id));
    }
    for spec in &specs {
        if let Err(error) = machines.wait_until_ready(&spec.id, PATIENCE).await {
            panic!("{error}\n{}", machines.console(&spec.id));
        }
    }
    eprintln!("two machines ready after {:.1} s", begun.elapsed().as_secs_f64());

    // The configuration reached the guest, and nothing of it stayed in the machine's folder.
    assert_eq!(operator.run(&machines, one, "hostname").await, "ignited-1\n");
    assert_eq!(operator.run(&machines, two, "hostname").await, "ignited-2\n");
    assert_eq!(operator.run(&machines, one, "sudo -n id -u; id -u; id -gn").await, "0\n500\ncore\n");
    assert_eq!(operator.run(&machines, one, "echo $FROM_ENVIRONMENT").await, "yes\n");
    let groups = operator.run(&machines, one, "id -Gn").await;
    assert!(groups.contains("docker") && groups.contains("sudo"), "{groups}");
    assert_eq!(operator.run(&machines, one, "id -u etcd").await, "232\n");

    // Addresses and disks are those of the specification, under Azure's names.
    let addresses = operator.run(&machines, two, "ip -4 -o address show eth0").await;
    assert!(addresses.contains("10.0.0.5/24"), "{addresses}");
    for name in ["scsi1/lun2", "data/by-lun/2"] {
        let size = operator.run(&machines, one, &format!("sudo blockdev --getsize64 /dev/disk/azure/{name}")).await;
        assert_eq!(size.trim(), (4_u64 << 30).to_string());
    }
    assert!(operator.run(&machines, one, "readlink -f /dev/disk/azure/root").await.starts_with("/dev/vd"));
    let mounted = operator.run(&machines, one, "findmnt -n -o SOURCE,FSTYPE /var/lib/docker").await;
    assert!(mounted.contains("ext4"), "{mounted}");

    // They reach each other over the segment, and the host.
    operator.run_until(&machines, one, "ping -c 1 -W 5 10.0.0.5 >/dev/null; echo $?", |code| code == "0\n").await;
    operator.run_until(&machines, two, "ping -c 1 -W 5 10.0.0.4 >/dev/null; echo $?", |code| code == "0\n").await;

    // The guest's clock follows the host's.
    operator
        .run_until(&machines, two, "chronyc -n sources", |sources| {
            sources.lines().any(|line| line.starts_with("^* 198.18.0.2"))
        })
        .await;

    // Docker and etcd are there.
    operator
        .run_until(&machines, one, "docker info --format '{{.Driver}}' 2>&1; true", |driver| driver == "overlay2\n")
        .await;
    operator.run_until(&machines, one, "systemctl is-active etcd-member; true", |state| state == "active\n").await;
    let health = operator.run(&machines, one, "ETCDCTL_API=3 etcdctl endpoint health 2>&1").await;
    assert!(health.contains("is healthy"), "{health}");
    assert_eq!(operator.run(&machines, two, "systemctl is-active etcd-member; true").await, "inactive\n");
    let failed = operator.run(&machines, one, "systemctl --failed --no-legend --plain").await;
    assert_eq!(failed, "");

    // A reboot is one: another kernel run, the same files, Ignition not run again.
    operator.run_until(&machines, one, "cat /var/boots; true", |boots| boots == "boot\n").await;
    let before = operator.run(&machines, one, "cat /proc/sys/kernel/random/boot_id").await;
    let identity = operator.run(&machines, one, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub").await;
    operator.run(&machines, one, "sudo rm /etc/first; sync").await;
    let address = machines.forward(one, 22).await.expect("a way in");
    // The connection may end before the answer comes.
    let _ = operator.try_run(address, "sudo systemctl reboot").await;
    operator
        .run_until(&machines, one, "cat /proc/sys/kernel/random/boot_id", |after| !after.is_empty() && after != before)
        .await;
    assert_eq!(operator.run(&machines, one, "ls /etc/first 2>/dev/null; true").await, "");
    assert_eq!(operator.run(&machines, one, "cat /proc/cmdline | grep -c ignition; true").await, "0\n");
    operator.run_until(&machines, one, "cat /var/boots", |boots| boots == "boot\nboot\n").await;
    let after = operator.run(&machines, one, "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub").await;
    assert_eq!(after, identity);
    operator.run_until(&machines, one, "ping -c 1 -W 5 10.0.0.5 >/dev/null; echo $?", |code| code == "0\n").await;

    // Stopped machines keep their disks.
    operator.run(&machines, two, "echo kept | sudo tee /etc/kept").await;
    machines.stop(two).await.expect("stopped");
    assert!(!machines.is_running(two));
    assert!(matches!(machines.forward(two, 22).await, Err(MachineError::NotRunning)));
    assert!(matches!(machines.wait_until_ready(two, PATIENCE).await, Err(MachineError::NotRunning)));
    machines.start(&specs[1]).await.expect("started again");
    machines.wait_until_ready(two, PATIENCE).await.expect("ready again");
    assert_eq!(operator.run(&machines, two, "cat /etc/kept").await, "kept\n");
    assert!(machines.console(two).contains("Linux version"));

    // A suspended one goes on where it was.
    operator.run(&machines, two, "echo here | sudo tee /run/in-memory").await;
    let before = operator.run(&machines, two, "cat /proc/sys/kernel/random/boot_id").await;
    machines.suspend(two).await.expect("suspended");
    assert!(!machines.is_running(two));
    assert!(matches!(machines.suspend(two).await, Err(MachineError::Host(_))));
    machines.start(&specs[1]).await.expect("resumed");
    machines.wait_until_ready(two, PATIENCE).await.expect("ready at once");
    let after = operator.run(&machines, two, "cat /run/in-memory /proc/sys/kernel/random/boot_id").await;
    assert_eq!(after, format!("here\n{before}"));
    operator.run_until(&machines, one, "ping -c 1 -W 5 10.0.0.5 >/dev/null; echo $?", |code| code == "0\n").await;

    // A guest can turn itself off.
    let address = machines.forward(two, 22).await.expect("a way in");
    let _ = operator.try_run(address, "sudo systemctl poweroff").await;
    let deadline = Instant::now() + PATIENCE;
    while machines.is_running(two) {
        assert!(Instant::now() < deadline, "the guest never turned itself off");
        sleep(Duration::from_millis(100)).await;
    }

    // A deleted machine leaves what was not named, and nothing else.
    machines.delete(two, &["/disks/node-2-os".to_owned()]).await.expect("deleted");
    machines.delete(one, &["/disks/node-1-os".to_owned(), "/disks/node-1-data".to_owned()]).await.expect("deleted");
    machines.delete(one, &[]).await.expect("deleting again changes nothing");
    let disks: Vec<_> = std::fs::read_dir(folder.path().join("machines/disks"))
        .expect("disks")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(disks.len() == 1 && disks[0].starts_with("node-2-data"), "{disks:?}");
    machines.delete_disk("/disks/node-2-data").await.expect("removed");
    machines.shut_down().await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("machines"))
        .expect("machines")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["disks"]);
    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_ignition_refuses_fails_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let machines = QemuMachines::new(options(folder.path(), image().await)).expect("machines");
    let refused = json!({
        "ignition": { "version": "3.3.0" },
        "storage": { "files": [{ "path": "relative/path" }] }
    });
    let spec = spec(3, Some(refused.to_string().into_bytes()));
    machines.start(&spec).await.expect("started");
    match machines.wait_until_ready(&spec.id, PATIENCE).await {
        Err(MachineError::Unusable(reason)) => {
            assert!(reason.contains("path not absolute"), "{reason}\n{}", machines.console(&spec.id));
        }
        other => panic!("{other:?}\n{}", machines.console(&spec.id)),
    }
    assert!(!machines.is_running(&spec.id));
    machines.delete(&spec.id, &[]).await.expect("deleted");
    machines.shut_down().await;
    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_configuration_has_its_name_and_a_lost_process_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let machines = QemuMachines::new(options(folder.path(), image().await)).expect("machines");
    let spec = spec(4, None);
    machines.start(&spec).await.expect("started");
    if let Err(error) = machines.wait_until_ready(&spec.id, PATIENCE).await {
        panic!("{error}\n{}", machines.console(&spec.id));
    }
    let process_file = std::fs::read_dir(folder.path().join("machines"))
        .expect("machines")
        .map(|entry| entry.expect("an entry").path().join("qemu.pid"))
        .find(|path| path.exists())
        .expect("a process id");
    let memory = process_file.with_file_name("memory");
    let process = std::fs::read_to_string(process_file).expect("a process id");
    assert!(Command::new("kill").args(["-KILL", process.trim()]).status().await.expect("kill").success());
    match machines.wait_until_ready(&spec.id, PATIENCE).await {
        Err(MachineError::Ended(reason)) => assert!(reason.contains("signal: 9"), "{reason}"),
        // The wait may have begun, and seen a banner, before the process was gone.
        other => assert!(other.is_ok(), "{other:?}"),
    }

    // A memory that cannot be read costs what a power cut costs: a boot.
    let deadline = Instant::now() + PATIENCE;
    while machines.is_running(&spec.id) {
        assert!(Instant::now() < deadline, "its end is not noticed");
        sleep(Duration::from_millis(20)).await;
    }
    std::fs::write(&memory, "no stream of QEMU's").expect("written");
    std::fs::write(memory.with_extension("console-offset"), "0\n").expect("written");
    machines.start(&spec).await.expect("started");
    assert!(machines.is_running(&spec.id) && !memory.exists());
    let running = processes_of(folder.path());
    assert!(running.len() == 1 && !running[0].contains("-incoming"), "{running:?}");
    machines
        .delete(&spec.id, &["/disks/node-4-os".to_owned(), "/disks/node-4-data".to_owned()])
        .await
        .expect("deleted");
    machines.shut_down().await;
    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
}
