//! Files as users have them: disks in every format, whole and damaged, and what is no disk.

use super::*;
use crate::image::partition_table::written;
use tempfile::TempDir;

const SECTORS_PER_MIB: u64 = 2048;

/// Flatcar's partitions, small, with a ROOT of so many sectors.
fn layout(root_sectors: u64) -> Vec<(&'static str, u64, u64)> {
    let mut first = SECTORS_PER_MIB;
    let mut next = |label, sectors: u64| {
        let partition = (label, first, first + sectors - 1);
        first += sectors;
        partition
    };
    let mut partitions: Vec<_> =
        ["EFI-SYSTEM", "BIOS-BOOT", "USR-A", "USR-B", "OEM", "OEM-CONFIG"].map(|label| next(label, 2048)).into();
    partitions.push(next("ROOT", root_sectors));
    partitions
}

/// A raw sparse disk that ends a MiB after its last partition.
fn disk(folder: &TempDir, name: &str, partitions: &[(&str, u64, u64)], has_boot_code: bool) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, written(partitions, has_boot_code)).unwrap();
    let last = partitions.iter().map(|partition| partition.2).max().unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len((last + 1 + SECTORS_PER_MIB) * 512).unwrap();
    path
}

fn flatcar(folder: &TempDir) -> PathBuf {
    disk(folder, "flatcar.img", &layout(4096), true)
}

fn converted(from: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let to = from.with_file_name(name);
    let status = Command::new("qemu-img").arg("convert").args(arguments).arg(from).arg(&to).status().unwrap();
    assert!(status.success());
    to
}

/// What is wrong, and what helps.
#[track_caller]
fn refused(path: &Path) -> (String, String) {
    let error = examine(path).expect_err("refused");
    (error.to_string(), error.remedy(path))
}

#[track_caller]
fn shell(command: &str) {
    let status = Command::new("sh").args(["-euc", command]).status().unwrap();
    assert!(status.success(), "{command}");
}

#[test]
fn a_flatcar_disk_is_taken_in_each_format() {
    let folder = tempfile::tempdir().unwrap();
    let raw = flatcar(&folder);
    let bytes = raw.metadata().unwrap().len();
    for (name, arguments, format) in [
        ("flatcar.img", &[][..], DiskFormat::Raw),
        ("a,b 'c'.qcow2", &["-O", "qcow2"], DiskFormat::Qcow2),
        ("packed.qcow2", &["-c", "-O", "qcow2"], DiskFormat::Qcow2),
        ("dynamic.vhd", &["-O", "vpc"], DiskFormat::Vhd),
        ("fixed.vhd", &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], DiskFormat::Vhd),
    ] {
        let path = if arguments.is_empty() { raw.clone() } else { converted(&raw, name, arguments) };
        let image = examine(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((image.format, image.path.file_name().unwrap().to_str()), (format, Some(name)));
        // A dynamic VHD's size goes by cylinders.
        assert!(image.virtual_bytes >= bytes && image.virtual_bytes < bytes + (1 << 20), "{name}");
        let noted = serde_json::to_string(&crate::image::MachineImage::from(image.clone())).unwrap();
        assert_eq!(serde_json::from_str::<crate::image::MachineImage>(&noted).unwrap(), image.into(), "{noted}");
    }
}

#[test]
fn what_is_compressed_or_in_another_format_is_taken_after_the_command_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let raw = flatcar(&folder);
    for (program, ending) in [("bzip2", ".bz2"), ("gzip", ".gz"), ("xz", ".xz")] {
        for name in [format!("it's {program}.img{ending}"), format!("{program}-without-ending")] {
            let path = folder.path().join(&name);
            shell(&format!("{program} -c {} > {}", shell_word(&raw), shell_word(&path)));
            let (why, remedy) = refused(&path);
            assert_eq!(why, format!("it is compressed ({program})"));
            shell(&remedy);
            let unpacked = if name.contains('.') {
                path.with_extension("")
            } else {
                folder.path().join(format!("{name}.unpacked"))
            };
            examine(&unpacked).unwrap_or_else(|error| panic!("{remedy}: {error}"));
        }
    }
    for (format, kind) in [("vhdx", "VHDX"), ("vmdk", "VMDK"), ("vdi", "VirtualBox (VDI)")] {
        let path = converted(&raw, &format!("other.{format}"), &["-O", format]);
        let (why, remedy) = refused(&path);
        assert_eq!(why, format!("it is a disk in the format {kind}; raw, qcow2 and VHD are taken"));
        shell(&remedy);
        examine(&folder.path().join(format!("other.{format}.qcow2")))
            .unwrap_or_else(|error| panic!("{remedy}: {error}"));
    }
}

#[test]
fn what_lacks_a_part_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let raw = flatcar(&folder);
    let mut filled = fs::read(&raw).unwrap();
    // What is not zero is stored.
    filled[1 << 20..].fill(7);
    let full = folder.path().join("full.img");
    fs::write(&full, &filled).unwrap();
    let cut = |path: &Path, bytes: u64| {
        File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
        refused(path).0
    };
    let qcow2 = converted(&full, "cut.qcow2", &["-O", "qcow2"]);
    assert!(cut(&qcow2, 3 << 20).contains("cut short?"));
    assert!(cut(&qcow2, 20).starts_with("it is damaged: "));
    let dynamic = converted(&full, "cut.vhd", &["-O", "vpc"]);
    assert!(cut(&dynamic, 3 << 20).starts_with("it is cut short: a VHD ends with"));
    let fixed = converted(&full, "fixed.vhd", &["-O", "vpc", "-o", "subformat=fixed,force_size=on"]);
    let why = cut(&fixed, 3 << 20);
    assert!(why.starts_with("it is cut short: its partition ") && why.ends_with("and the disk at 3145728"), "{why}");
    assert!(cut(&full, 3 << 20).starts_with("it is cut short: its partition "));
    assert_eq!(cut(&full, 300), "there is no GUID partition table in it, so it is no Flatcar disk");

    let overlay = folder.path().join("overlay.qcow2");
    shell(&format!("qemu-img create -q -f qcow2 -b flatcar.img -F raw {}", shell_word(&overlay)));
    let (why, remedy) = refused(&overlay);
    assert!(why.contains("what differs from another file, `") && why.ends_with("without which it is no disk"), "{why}");
    shell(&remedy);
    examine(&folder.path().join("overlay.qcow2.whole")).unwrap();
    fs::remove_file(&raw).unwrap();
    assert!(refused(&overlay).0.ends_with("which is not there"));
}

#[test]
fn what_is_no_flatcar_disk_for_this_machine_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let without = |label: &str| -> Vec<_> { layout(4096).into_iter().filter(|known| known.0 != label).collect() };
    let mut iso = vec![0; 0x9000];
    iso[0x8001..0x8006].copy_from_slice(b"CD001");
    let many: Vec<_> = (1..=20).map(|number| ("x\n", number * 2048, number * 2048 + 9)).collect();
    for (path, message) in [
        (folder.path().join("nothing"), "No such file or directory (os error 2)"),
        (folder.path().to_owned(), "it is a folder, not a file"),
        (PathBuf::from("/dev/null"), "it is neither a file nor a folder"),
        (file("a\nb", b"x"), "its path is not UTF-8, or holds a line break"),
        (file("empty", b""), "it is empty"),
        (file("page", b"<!DOCTYPE html>\n<title>404"), "it is a web page, not a disk: the download failed"),
        (file("text", b"Not Found\n"), "it is a text, not a disk; it begins with `Not Found`"),
        (file("iso", &iso), "it is an ISO image to install from, not an installed disk"),
        (file("zeros", &[0; 4096]), "there is no GUID partition table in it, so it is no Flatcar disk"),
        (
            disk(&folder, "debian.raw", &[("", 2048, 4095), ("EFI-SYSTEM", 4096, 8191)], true),
            "it is no Flatcar disk: partitions BIOS-BOOT, USR-A, USR-B, OEM, ROOT are missing; it has ``, `EFI-SYSTEM`",
        ),
        (
            disk(&folder, "no-usr-b", &without("USR-B"), true),
            "it is no Flatcar disk: partitions USR-B are missing; it has `EFI-SYSTEM`, `BIOS-BOOT`, `USR-A`, `OEM`, `OEM-CONFIG`, `ROOT`",
        ),
        (
            disk(&folder, "arm64", &layout(4096), false),
            "there is no boot code in its first sector, so a BIOS cannot start it: it is made for arm64, or for UEFI alone",
        ),
        (
            disk(&folder, "azure.vhd", &layout(ROOT_SECTORS_FOR_AZURE), true),
            "it is Flatcar's image for Azure, whose machines wait for their configuration on a disc that Azure puts into them; here they \
             would wait for ever",
        ),
    ] {
        let (why, remedy) = refused(&path);
        assert_eq!(why, message);
        let content = examine(&path).expect_err("refused").is_content();
        let named = if content {
            "take `flatcar_production_qemu_image.img` of a Flatcar release for amd64"
        } else {
            "name a file that"
        };
        assert!(remedy.starts_with(named) && remedy.contains("--image built"), "{remedy}");
    }
    let (why, _) = refused(&disk(&folder, "many", &many, true));
    assert!(why.ends_with("`x\\n` and 8 more"), "{why}");
}

#[test]
fn a_file_that_changed_is_not_the_image_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let raw = flatcar(&folder);
    let image = examine(&raw).unwrap();
    image.check_is_same().unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
    File::options().write(true).open(&raw).unwrap().set_modified(later).unwrap();
    assert!(image.check_is_same().unwrap_err().contains("was written to since it was named by `--image`"));
    fs::remove_file(&raw).unwrap();
    assert!(image.check_is_same().unwrap_err().contains("No such file"));
}
