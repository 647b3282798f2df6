//! Managed disks as files, known by their ARM id: they outlive the machines that use them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::folder::{create_private, file_name, write_private};
use crate::image::{DISK_SIZE_GIB, MachineImage};
use crate::machine::MachineSpec;

/// The folder of all disks.
pub(super) struct Disks {
    folder: PathBuf,
}

/// The files behind one machine's disks.
#[derive(Clone, Debug)]
pub(super) struct MachineDisks {
    /// The disk to start from, a qcow2 overlay on the image.
    pub os: PathBuf,
    /// Whether the disk is larger than the file system that the image brings.
    pub is_grown: bool,
    /// Raw sparse files by LUN.
    pub data: Vec<(u32, PathBuf)>,
}

impl MachineDisks {
    /// Exists once a configuration has been applied to the disk.
    pub(super) fn configured_marker(&self) -> PathBuf {
        self.os.with_extension(CONFIGURED)
    }
}

const OVERLAY: &str = "qcow2";
const RAW: &str = "raw";
const CONFIGURED: &str = "configured";
const IMAGE: &str = "image.json";

impl Disks {
    /// Makes the folder.
    pub(super) fn new(folder: PathBuf) -> Result<Self> {
        create_private(&folder).with_context(|| format!("creating `{}`", folder.display()))?;
        Ok(Self { folder })
    }

    /// The image below a machine's OS disk, whose kernel fits the modules on it; `new` when the disk is still to be made.
    pub(super) fn image_of(&self, spec: &MachineSpec, new: &MachineImage) -> Result<MachineImage> {
        let os = self.file(&spec.os_disk.id, OVERLAY);
        let image = if os.exists() {
            let note = os.with_extension(IMAGE);
            let text = fs::read(&note).with_context(|| format!("reading `{}`", note.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("reading `{}`", note.display()))?
        } else {
            new.clone()
        };
        if let MachineImage::Given(given) = &image {
            given.check_is_same().map_err(anyhow::Error::msg)?;
        }
        Ok(image)
    }

    /// The disks of a machine; those that are missing are made, an OS disk from `image`, which is what [`Self::image_of`] says.
    pub(super) async fn of_machine(&self, spec: &MachineSpec, image: &MachineImage) -> Result<MachineDisks> {
        let os = self.file(&spec.os_disk.id, OVERLAY);
        let size_gib = os_disk_gib(spec);
        if !os.exists() {
            let text = serde_json::to_vec(image).context("noting a disk's image")?;
            write_private(&os.with_extension(IMAGE), &text)?;
            create_overlay(&os, image, size_gib).await?;
        }
        let mut data = Vec::new();
        for disk in &spec.data_disks {
            let path = self.file(&disk.disk.id, RAW);
            create_raw(&path, disk.disk.size_gib.unwrap_or(1))?;
            data.push((disk.lun, path));
        }
        Ok(MachineDisks { os, is_grown: size_gib > DISK_SIZE_GIB, data })
    }

    /// Removes a disk and what is noted about it; one that is not there is removed already.
    pub(super) fn remove(&self, id: &str) -> Result<()> {
        for extension in [CONFIGURED, OVERLAY, RAW, IMAGE] {
            let path = self.file(id, extension);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing `{}`", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&self, id: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", file_name(id)))
    }
}

/// The size of a machine's OS disk in GiB: at least that of Azure's disks for Flatcar.
pub(super) fn os_disk_gib(spec: &MachineSpec) -> u32 {
    spec.os_disk.size_gib.unwrap_or(DISK_SIZE_GIB).max(DISK_SIZE_GIB)
}

async fn create_overlay(path: &Path, image: &MachineImage, size_gib: u32) -> Result<()> {
    let (format, disk) = match image {
        MachineImage::Built(built) => ("raw", &built.disk),
        MachineImage::Given(given) => (given.format.qemu_name(), &given.path),
    };
    let temporary = path.with_extension("new");
    let output = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", format, "-b"])
        .arg(disk)
        .arg(&temporary)
        .arg(format!("{size_gib}G"))
        .output()
        .await
        .context("running `qemu-img` (is it installed?)")?;
    if !output.status.success() {
        bail!("creating `{}`: {}", path.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::rename(&temporary, path).with_context(|| format!("creating `{}`", path.display()))
}

/// One that is there keeps its content, and grows when the disk has been made larger.
fn create_raw(path: &Path, size_gib: u32) -> Result<()> {
    let grow = || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        let bytes = u64::from(size_gib) << 30;
        if file.metadata()?.len() < bytes { file.set_len(bytes) } else { Ok(()) }
    };
    grow().with_context(|| format!("creating `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;
    use crate::machine::{DataDisk, Disk};
    use std::os::unix::fs::MetadataExt;

    fn spec() -> MachineSpec {
        MachineSpec {
            id: "/x/virtualmachines/node".to_owned(),
            name: "node".to_owned(),
            computer_name: "node".to_owned(),
            custom_data: None,
            administrator: None,
            os_disk: Disk { id: "/x/disks/os".to_owned(), size_gib: Some(64) },
            data_disks: vec![DataDisk { lun: 3, disk: Disk { id: "/x/disks/data".to_owned(), size_gib: Some(2) } }],
            network_interfaces: Vec::new(),
        }
    }

    #[tokio::test]
    async fn disks_are_made_once_kept_and_removed_by_id() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = |name: &str| {
            MachineImage::from(Image {
                kernel: folder.path().join(format!("{name}-kernel")),
                initramfs: folder.path().join(format!("{name}-initramfs")),
                disk: folder.path().join(name),
            })
        };
        File::create(folder.path().join("old")).expect("an image").set_len(1 << 30).expect("sized");
        let disks = Disks::new(folder.path().join("disks")).expect("disks");

        let made = disks.of_machine(&spec(), &image("old")).await.expect("made");
        assert!(made.os.exists() && made.is_grown);
        assert_eq!(made.data[0].0, 3);
        assert_eq!(made.data[0].1.metadata().expect("metadata").len(), 2 << 30);
        fs::write(made.configured_marker(), "").expect("marked");

        // A later image does not replace the one that the disk is made from.
        assert_eq!(disks.image_of(&spec(), &image("new")).expect("kept"), image("old"));

        disks.remove("/x/disks/os").expect("removed");
        disks.remove("/x/disks/os").expect("nothing to remove");
        let left: Vec<_> = fs::read_dir(folder.path().join("disks"))
            .expect("listed")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        assert_eq!(left, [made.data[0].1.clone()]);
    }

    #[tokio::test]
    async fn a_given_disk_is_below_in_its_own_format_as_long_as_it_stays_the_same() {
        for format in ["raw", "qcow2", "vpc"] {
            let folder = tempfile::tempdir().expect("a folder");
            let base = folder.path().join("base, with a comma");
            let created = Command::new("qemu-img").args(["create", "-q", "-f", format]).arg(&base).arg("1G").status();
            assert!(created.await.expect("qemu-img").success());
            let metadata = base.metadata().expect("metadata");
            let image: MachineImage = serde_json::from_value(serde_json::json!({
                "path": &base, "format": format, "virtual_bytes": 1 << 30, "file_bytes": metadata.len(),
                "modified": metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
            }))
            .expect("an image");
            let disks = Disks::new(folder.path().join("disks")).expect("disks");
            let made = disks.of_machine(&spec(), &image).await.expect("made");
            assert_eq!(disks.image_of(&spec(), &image).expect("the same"), image);
            let told = Command::new("qemu-img").args(["info", "--output=json"]).arg(&made.os).output().await;
            let told: serde_json::Value = serde_json::from_slice(&told.expect("qemu-img").stdout).expect("JSON");
            assert_eq!(told["backing-filename-format"], format);
            assert_eq!(told["virtual-size"], 64_u64 << 30);

            File::options().write(true).open(&base).expect("opened").set_len(4096).expect("changed");
            let error = disks.image_of(&spec(), &image).expect_err("another file").to_string();
            assert!(error.contains("was written to since it was named by `--image`"), "{error}");
        }
    }
}
