//! QEMU's command line: turns a machine's specification and files into arguments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::accelerator::Accelerator;
use super::disks::MachineDisks;
use super::flatcar_configuration::FIRMWARE_ITEM;
use super::folder::Folder;
use super::guest_items::Item;
use super::options::QemuOptions;
use super::{qmp, way_out};
use crate::image::MachineImage;
use crate::machine::MachineSpec;

/// The program.
pub(super) const PROGRAM: &str = "qemu-system-x86_64";

/// What the kernel is told at every boot. The image has no policy for any security module: `lsm` leaves them out, SELinux
/// too, for which Debian's kernel for clouds is built without `selinux=0`. Mitigations protect nobody in a machine that
/// its only user made.
const KERNEL_ARGUMENTS: &str = "root=LABEL=ROOT rootfstype=ext4 rw console=ttyS0 net.ifnames=0 lsm=capability audit=0 \
     mitigations=off 8250.nr_uarts=1 loglevel=6";

/// What makes the initramfs apply a configuration.
const FIRST_BOOT_ARGUMENTS: &str = "ignition.firstboot ignition.platform.id=qemu";

/// The arguments that are the same at every boot of a machine.
pub(super) fn arguments(
    options: &QemuOptions,
    folder: &Folder,
    spec: &MachineSpec,
    segments: &[PathBuf],
    disks: &MachineDisks,
    items: &[Item],
) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    arguments
        .words(["-name", &format!("azure-local-{}", folder.name())])
        .words(["-nodefaults", "-no-user-config", "-display", "none"])
        // A reset ends the process too, and the supervisor starts the next one: only so can a boot have other kernel
        // arguments than the one before.
        .words(["-action", "reboot=shutdown"])
        .words(["-machine", "pc"])
        .words(Accelerator::of_host().arguments())
        .words(["-smp", &options.vcpus.to_string(), "-m", &options.memory_mib.to_string()])
        .words(qmp::ARGUMENTS)
        .option("-chardev", "file,id=console,append=on", &[("path", &folder.console())])
        .words(["-serial", "chardev:console"]);
    // The page cache is the host's matter; QEMU's own tables are still written at each flush of the guest.
    arguments.option("-drive", "if=none,id=os,format=qcow2,cache=unsafe,discard=unmap", &[("file", &disks.os)]);
    arguments.words(["-device", "virtio-blk-pci,drive=os,serial=root"]);
    for (lun, path) in &disks.data {
        let drive = format!("if=none,id=lun{lun},format=raw,cache=unsafe,discard=unmap");
        arguments.option("-drive", &drive, &[("file", path)]);
        arguments.words(["-device", &format!("virtio-blk-pci,drive=lun{lun},serial=lun{lun}")]);
    }
    for (index, (interface, segment)) in spec.network_interfaces.iter().zip(segments).enumerate() {
        let netdev = format!("stream,id=eth{index},server=off,addr.type=unix");
        arguments.option("-netdev", &netdev, &[("addr.path", segment)]);
        arguments.words(["-device", &network_card(&format!("eth{index}"), &interface.mac_address.replace('-', ":"))]);
    }
    arguments
        .words(["-netdev", &format!("user,id={},net={},ipv6=off", way_out::NETDEV, way_out::NETWORK)])
        .words(["-device", &network_card(way_out::NETDEV, &way_out::mac_address(&spec.id))]);
    for (name, path) in items {
        arguments.option("-fw_cfg", &format!("name=opt/azure-local/{name}"), &[("file", path)]);
    }
    arguments.0
}

/// The arguments of one boot. `configuration` is the Ignition file of a first boot.
pub(super) fn boot_arguments(image: &MachineImage, configuration: Option<&Path>) -> Vec<OsString> {
    let mut arguments = Arguments::default();
    let built = match image {
        MachineImage::Built(built) => built,
        // The BIOS starts the boot loader of the first disk, which knows a first boot by a file of its own.
        MachineImage::Given(_) => {
            if let Some(configuration) = configuration {
                arguments.option("-fw_cfg", &format!("name={FIRMWARE_ITEM}"), &[("file", configuration)]);
            }
            arguments.words(["-boot", "order=c"]);
            return arguments.0;
        }
    };
    let kernel_arguments = format!("{KERNEL_ARGUMENTS}{}", Accelerator::of_host().kernel_arguments());
    arguments.0.extend(["-kernel".into(), (&built.kernel).into(), "-initrd".into(), (&built.initramfs).into()]);
    match configuration {
        Some(configuration) => arguments
            .words(["-append", &format!("{kernel_arguments} {FIRST_BOOT_ARGUMENTS}")])
            .option("-fw_cfg", "name=opt/com.coreos/config", &[("file", configuration)]),
        None => arguments.words(["-append", &kernel_arguments]),
    };
    arguments.0
}

/// Without a boot ROM, which would only be loaded.
fn network_card(netdev: &str, mac_address: &str) -> String {
    format!("virtio-net-pci,netdev={netdev},mac={mac_address},romfile=")
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn words<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.0.extend(words.into_iter().map(OsString::from));
        self
    }

    /// An option whose value ends in paths: in those, QEMU wants commas doubled.
    fn option(&mut self, name: &str, value: &str, paths: &[(&str, &Path)]) -> &mut Self {
        let mut value = OsString::from(value);
        for (key, path) in paths {
            value.push(format!(",{key}="));
            value.push(path.to_string_lossy().replace(',', ",,"));
        }
        self.0.push(name.into());
        self.0.push(value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;
    use serde_json::json;

    #[test]
    fn only_a_first_boot_applies_a_configuration() {
        let text = |arguments: Vec<OsString>| arguments.join(" ".as_ref()).into_string().expect("text");
        let image =
            Image { kernel: PathBuf::from("/k"), initramfs: PathBuf::from("/i"), disk: PathBuf::from("/d") }.into();
        let first = text(boot_arguments(&image, Some(Path::new("/m/a,b/config.ign"))));
        assert!(first.contains("ignition.firstboot ignition.platform.id=qemu -fw_cfg"), "{first}");
        assert!(first.ends_with("name=opt/com.coreos/config,file=/m/a,,b/config.ign"), "{first}");
        let later = text(boot_arguments(&image, None));
        assert!(!later.contains("ignition"), "{later}");
        assert!(later.starts_with("-kernel /k -initrd /i -append root=LABEL=ROOT "), "{later}");
    }

    #[test]
    fn a_given_disk_starts_by_itself() {
        let text = |arguments: Vec<OsString>| arguments.join(" ".as_ref()).into_string().expect("text");
        let note = json!({
            "path": "/f.img", "format": "qcow2", "virtual_bytes": 1, "file_bytes": 1, "modified": 1
        });
        let image: MachineImage = serde_json::from_value(note).expect("an image");
        assert_eq!(
            text(boot_arguments(&image, Some(Path::new("/m/a,b/config.ign")))),
            "-fw_cfg name=opt/org.flatcar-linux/config,file=/m/a,,b/config.ign -boot order=c"
        );
        assert_eq!(text(boot_arguments(&image, None)), "-boot order=c");
    }
}
