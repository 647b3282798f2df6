//! `local up --image FILE`: files that are no Flatcar disk are refused before anything starts, and one that is stays named.

use std::fs;
use std::path::Path;

use crate::local_daemon::Daemon;
use crate::sandbox::Sandbox;

/// A disk with Flatcar's partitions, a MiB each, that nothing would run from.
fn write_disk(path: &Path, labels: &[&str]) {
    let mut disk = vec![0; (labels.len() + 2) << 20];
    disk[..2].copy_from_slice(&[0xeb, 0x63]);
    disk[512..520].copy_from_slice(b"EFI PART");
    disk[584] = 2;
    disk[592..596].copy_from_slice(&128_u32.to_le_bytes());
    disk[596..600].copy_from_slice(&128_u32.to_le_bytes());
    for (index, label) in labels.iter().enumerate() {
        let (first, entry) = ((index as u64 + 1) * 2048, &mut disk[1024 + index * 128..][..128]);
        entry[..16].fill(1);
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&(first + 2047).to_le_bytes());
        for (at, unit) in label.encode_utf16().enumerate() {
            entry[56 + 2 * at..][..2].copy_from_slice(&unit.to_le_bytes());
        }
    }
    fs::write(path, disk).unwrap();
}

#[test]
fn only_a_flatcar_disk_becomes_the_machines_image() {
    let sandbox = Sandbox::without_emulator();
    let file = |name: &str, content: &[u8]| fs::write(sandbox.path(name), content).unwrap();
    file("empty", b"");
    file("page", b"<!DOCTYPE html>\n<title>404</title>");
    file("flatcar.img.bz2", b"BZh91AY&SY");
    file("random", &[1; 4096]);
    write_disk(&sandbox.path("debian"), &["EFI-SYSTEM", "root"]);
    let up = |name: &str| {
        let path = sandbox.path(name);
        sandbox.run(&["local", "up", "--vms", "none", "--image", path.to_str().unwrap()])
    };
    for (name, status, parts) in [
        ("nothing", 2, ["nothing`: No such file or directory", "name a file that you may read"]),
        (".", 2, ["it is a folder, not a file", "`local up --image built`"]),
        ("empty", 3, ["empty`: it is empty", "take `flatcar_production_qemu_image.img`"]),
        ("page", 3, ["page`: it is a web page, not a disk: the download failed", "take `flatcar_production"]),
        ("flatcar.img.bz2", 3, ["it is compressed (bzip2)", "bzip2 -dc '"]),
        ("random", 3, ["there is no GUID partition table in it", "take `flatcar_production_qemu_image.img`"]),
        ("debian", 3, ["USR-A, USR-B, OEM, ROOT are missing; it has `EFI-SYSTEM`, `root`", "take `flatcar_production"]),
    ] {
        let ended = up(name).demand(status).says(&parts);
        assert_eq!(ended.stdout, "", "{name}");
        assert!(!sandbox.path("azure-local").exists(), "{name}: something was started");
    }

    write_disk(&sandbox.path("flatcar.img"), &["EFI-SYSTEM", "BIOS-BOOT", "USR-A", "USR-B", "OEM", "ROOT"]);
    let flatcar = sandbox.path("flatcar.img");
    let daemon = Daemon::start(&sandbox, &["--vms", "none", "--image", flatcar.to_str().unwrap()], &[]);
    let arguments = || fs::read_to_string(sandbox.path("azure-local/arguments")).unwrap();
    let path = flatcar.canonicalize().unwrap();
    let named = format!("\n--image\n{}", path.display());
    assert!(arguments().ends_with(&named), "{}", arguments());
    up("flatcar.img").demand(0);
    let other = sandbox.run(&["local", "up", "--image", "built"]).demand(2);
    other.says(&["runs already, with other options"]);

    // The file is not looked at again by an emulator that has no machines.
    daemon.down();
    fs::remove_file(&path).unwrap();
    sandbox.succeed(&["local", "up"]);
    daemon.down();
    sandbox.run(&["local", "up", "--vms", "qemu"]).demand(2).says(&["flatcar.img`: No such file", "--image built"]);
    assert!(arguments().ends_with(&named) && arguments().starts_with("--vms\nnone"), "{}", arguments());
    sandbox.succeed(&["local", "up", "--image", "built"]);
    assert!(!arguments().contains("--image"), "{}", arguments());
}
