//! The configuration of a Flatcar machine that starts from its own disk: turns `osProfile.customData` into an Ignition document that
//! merges it and adds what the emulator's own image learns from its agent.
//!
//! Ignition reads it from QEMU's firmware configuration device, the item [`FIRMWARE_ITEM`] first
//! (<https://github.com/flatcar/ignition/blob/flatcar-master/internal/providers/qemu/qemu_fwcfg.go>). What the user's document says
//! of the same path or unit wins, since it is the child (<https://coreos.github.io/ignition/operator-notes/#config-merging>).

use serde_json::{Value, json};

use super::console::AGENT_DONE;
use super::data_url::data_url;
use super::guest_items;
use crate::machine::{MachineError, MachineSpec};

/// Where Flatcar's Ignition looks.
pub(super) const FIRMWARE_ITEM: &str = "opt/org.flatcar-linux/config";

/// Version of the document around the user's: every Ignition of version 2 reads it.
const SPEC_VERSION: &str = "3.0.0";

/// Azure's names of disks, from the serial numbers that the emulator gives its virtio disks.
const STORAGE_RULES: &str = include_str!("../../../image/root/usr/lib/udev/rules.d/66-azure-storage.rules");

/// Beginnings of Azure's names, up to the LUN (<https://github.com/Azure/azure-vm-utils>, <https://github.com/Azure/WALinuxAgent>).
const AZURE_NAMES: [&str; 2] = ["/dev/disk/azure/scsi1/lun", "/dev/disk/azure/data/by-lun/"];

/// The name that udev's own rules give the same disk, in the initramfs as well, where the emulator's rules are not.
const INITRAMFS_NAME: &str = "/dev/disk/by-id/virtio-lun";

/// Takes the place of Flatcar's unit, which knows no platform here.
const METADATA_UNIT: &str = "[Unit]\nDescription=Metadata of azure-local\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=/usr/bin/mkdir -p /run/metadata\nExecStart=/usr/bin/cp /etc/azure-local/metadata /run/metadata/flatcar\n\n\
    [Install]\nRequiredBy=metadata.target\n";

/// The document of a machine. May hold secrets.
pub(super) fn document(spec: &MachineSpec, time_server_port: Option<u16>) -> Result<Vec<u8>, MachineError> {
    let mut ignition = json!({ "version": SPEC_VERSION });
    if let Some(own) = own_document(spec.custom_data.as_deref())? {
        ignition["config"] = json!({ "merge": [{ "source": data_url(&own.to_string()) }] });
    }
    let mut files = vec![file("/etc/udev/rules.d/66-azure-storage.rules", STORAGE_RULES)];
    // Flatcar enlarges its root file system by itself.
    for (name, content) in guest_items::contents(spec, false, time_server_port) {
        files.push(file(&place(&name), &content));
    }
    let done = format!(
        "[Unit]\nDescription=Tell azure-local that the machine is configured\nAfter=systemd-networkd.service\n\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo \"{AGENT_DONE}\" > /dev/ttyS0'\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    );
    let document = json!({
        "ignition": ignition,
        "storage": { "files": files },
        "systemd": { "units": [
            { "name": "azure-local-agent.service", "enabled": true, "contents": done },
            { "name": "coreos-metadata.service", "enabled": true, "contents": METADATA_UNIT },
        ] },
    });
    Ok(document.to_string().into_bytes())
}

/// Where a machine has what its host tells it.
fn place(item: &str) -> String {
    match item {
        "computer-name" => "/etc/hostname".to_owned(),
        "chrony" => "/etc/chrony/sources.d/azure-local.sources".to_owned(),
        network if network.starts_with("network/") => format!("/etc/systemd/{network}"),
        other => format!("/etc/azure-local/{other}"),
    }
}

fn file(path: &str, content: &str) -> Value {
    json!({ "path": path, "mode": 0o644, "overwrite": true, "contents": { "source": data_url(content) } })
}

/// The user's document, with names of disks that the initramfs knows; none when there is no user-data. Only Ignition's third
/// specification is taken: a machine that passed its configuration over would look healthy.
fn own_document(custom_data: Option<&[u8]>) -> Result<Option<Value>, MachineError> {
    let Some(bytes) = custom_data.filter(|bytes| !bytes.trim_ascii().is_empty()) else {
        return Ok(None);
    };
    let unusable = |what: &str| {
        MachineError::Unusable(format!(
            "customData is {what}; machines of `local up --image FILE` are configured by Ignition of specification 3 alone (a JSON document with \
             `ignition.version`: \"3.…\")"
        ))
    };
    let mut document: Value = serde_json::from_slice(bytes).map_err(|error| match bytes.trim_ascii_start() {
        start if start.starts_with(b"#cloud-config") => unusable("a `#cloud-config` document"),
        start if start.starts_with(b"#!") => unusable("a script"),
        [0x1f, 0x8b, ..] => unusable("compressed with gzip"),
        [b'{', ..] => unusable(&format!("not valid JSON ({error})")),
        _ => unusable("of another kind"),
    })?;
    match document["ignition"]["version"].as_str() {
        Some(version) if version.starts_with("3.") => {}
        Some(version) => {
            let version: String = version.chars().take(20).flat_map(char::escape_debug).collect();
            return Err(unusable(&format!("Ignition of version `{version}`")));
        }
        None => return Err(unusable("JSON without `ignition.version`")),
    }
    rename_disks(&mut document);
    Ok(Some(document))
}

/// Gives disks the names that the initramfs knows, wherever Ignition itself opens them.
fn rename_disks(document: &mut Value) {
    let Some(storage) = document.get_mut("storage") else { return };
    for kind in ["disks", "filesystems", "luks", "raid"] {
        let entries = storage.get_mut(kind).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            if let Some(device) = entry.get_mut("device") {
                rename(device);
            }
            let devices = entry.get_mut("devices").and_then(Value::as_array_mut);
            devices.into_iter().flatten().for_each(rename);
        }
    }
}

/// `/dev/disk/azure/scsi1/lun3-part1` is `/dev/disk/by-id/virtio-lun3-part1`.
fn rename(device: &mut Value) {
    let lun = device.as_str().and_then(|name| AZURE_NAMES.iter().find_map(|azure| name.strip_prefix(azure)));
    if let Some(lun) = lun.filter(|lun| lun.starts_with(|first: char| first.is_ascii_digit())) {
        *device = Value::String(format!("{INITRAMFS_NAME}{lun}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Disk, NetworkInterface};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use std::io::Write as _;
    use std::net::Ipv4Addr;
    use std::process::{Command, Stdio};

    fn spec(custom_data: Option<&str>) -> MachineSpec {
        MachineSpec {
            id: "/x/node".to_owned(),
            name: "node".to_owned(),
            computer_name: "node-1".to_owned(),
            administrator: None,
            custom_data: custom_data.map(|text| text.as_bytes().to_owned()),
            os_disk: Disk { id: "/x/os".to_owned(), size_gib: None },
            data_disks: Vec::new(),
            network_interfaces: vec![NetworkInterface {
                network: "/x/vnet".to_owned(),
                address: Ipv4Addr::new(10, 0, 0, 4),
                prefix_length: 24,
                mac_address: "00-0D-3A-00-00-01".to_owned(),
            }],
        }
    }

    fn decoded(url: &Value) -> String {
        let packed = url.as_str().and_then(|url| url.strip_prefix("data:;base64,")).expect("a data URL");
        String::from_utf8(STANDARD.decode(packed).expect("base64")).expect("text")
    }

    /// Held against the real program, which Debian's package `ignition` brings.
    fn validated(document: &[u8]) -> Value {
        let mut child = Command::new("ignition-validate")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("`ignition-validate` is installed");
        child.stdin.take().expect("its input").write_all(document).expect("written");
        let output = child.wait_with_output().expect("ended");
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.trim().is_empty(), "{said}");
        serde_json::from_slice(document).expect("JSON")
    }

    #[test]
    fn a_machine_gets_its_own_document_and_what_the_agent_tells_others() {
        let own = json!({
            "ignition": { "version": "3.3.0" },
            "storage": {
                "disks": [{ "device": "/dev/disk/azure/scsi1/lun0", "wipeTable": true }],
                "raid": [{ "name": "data", "level": "raid1", "devices": [
                    "/dev/disk/azure/data/by-lun/1-part1", "/dev/disk/azure/scsi1/lun12", "/dev/sdx"] }],
                "luks": [{ "name": "l", "device": "/dev/disk/azure/scsi1/lun2" }],
                "filesystems": [{ "device": "/dev/disk/azure/scsi1/lun0-part1", "format": "ext4", "path": "/var" }],
                "files": [{ "path": "/etc/x", "contents": { "source": "data:,/dev/disk/azure/scsi1/lun0" } }],
            },
        });
        let document = validated(&document(&spec(Some(&own.to_string())), Some(1123)).expect("a document"));
        let merged = decoded(&document["ignition"]["config"]["merge"][0]["source"]);
        let storage = &validated(merged.as_bytes())["storage"];
        assert_eq!(storage["disks"][0]["device"], "/dev/disk/by-id/virtio-lun0");
        assert_eq!(
            storage["raid"][0]["devices"],
            json!(["/dev/disk/by-id/virtio-lun1-part1", "/dev/disk/by-id/virtio-lun12", "/dev/sdx"])
        );
        assert_eq!(storage["luks"][0]["device"], "/dev/disk/by-id/virtio-lun2");
        assert_eq!(storage["filesystems"][0]["device"], "/dev/disk/by-id/virtio-lun0-part1");
        // What systemd and programs open comes when the emulator's rules are there.
        assert_eq!(storage["files"], own["storage"]["files"]);

        let files: Vec<(&str, String)> = document["storage"]["files"]
            .as_array()
            .expect("files")
            .iter()
            .map(|file| (file["path"].as_str().expect("a path"), decoded(&file["contents"]["source"])))
            .collect();
        let paths: Vec<&str> = files.iter().map(|file| file.0).collect();
        assert_eq!(
            paths,
            [
                "/etc/udev/rules.d/66-azure-storage.rules",
                "/etc/hostname",
                "/etc/systemd/network/10-eth0.network",
                "/etc/systemd/network/20-out.network",
                "/etc/azure-local/metadata",
                "/etc/chrony/sources.d/azure-local.sources",
            ]
        );
        assert_eq!(files[1].1, "node-1\n");
        assert!(files[2].1.contains("Address=10.0.0.4/24\n") && files[3].1.contains("Gateway=198.18.0.2\n"));
        assert_eq!(files[4].1, "COREOS_AZURE_IPV4_DYNAMIC=10.0.0.4\n");
        assert!(files[5].1.starts_with("server 198.18.0.2 port 1123 "));
        let unit = document["systemd"]["units"][0]["contents"].as_str().expect("a unit");
        assert!(unit.contains("echo \"azure-local: agent done\" > /dev/ttyS0"), "{unit}");
    }

    #[test]
    fn without_user_data_a_machine_is_told_its_network_all_the_same() {
        for nothing in [None, Some(" \n")] {
            let document = validated(&document(&spec(nothing), None).expect("a document"));
            assert_eq!(document["ignition"], json!({ "version": SPEC_VERSION }));
            assert_eq!(document["storage"]["files"].as_array().expect("files").len(), 5);
        }
    }

    #[test]
    fn user_data_that_would_be_passed_over_is_refused() {
        for (text, named) in [
            ("#cloud-config\nhostname: a\n", "is a `#cloud-config` document; "),
            ("#!/bin/sh\n", "is a script; "),
            ("{\"ignition\":", "not valid JSON"),
            ("hello", "of another kind"),
            ("[]", "JSON without `ignition.version`"),
            ("{\"a\":1}", "JSON without `ignition.version`"),
            (r#"{"ignition":{"version":"2.3.0"}}"#, "Ignition of version `2.3.0`; "),
            (r#"{"ignition":{"version":"3"}}"#, "Ignition of version `3`; "),
        ] {
            match document(&spec(Some(text)), None) {
                Err(MachineError::Unusable(message)) => {
                    assert!(message.contains(named) && message.contains("specification 3"), "{message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
