//! An image of the user's: turns the path of a Flatcar disk into what machines start from, or says what the file is instead.
//!
//! `local up --image FILE` calls it before the daemon starts, and the daemon when it does; both before any machine is made.

use std::fs::{self, DirBuilder, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disk_file::{self, DiskFormat};
use super::given_error::GivenImageError;
use super::partition_table::{self, PartitionTable};
use crate::shell_word::shell_word;

/// Partitions of every Flatcar disk, by label
/// (<https://github.com/flatcar/scripts/blob/main/build_library/disk_layout.json>, layout `base`; the other ones there are reserved).
const FLATCAR_LABELS: [&str; 6] = ["EFI-SYSTEM", "BIOS-BOOT", "USR-A", "USR-B", "OEM", "ROOT"];

/// Sectors of the partition ROOT in the layout `azure` of the same file; `vm`, which QEMU's image has, is smaller, and a machine that
/// has run has another one.
const ROOT_SECTORS_FOR_AZURE: u64 = 58_875_904;

/// Characters of a program's own words in a message.
const SHOWN_CHARACTERS: usize = 400;

/// A Flatcar disk that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenImage {
    /// Absolute, without links.
    pub path: PathBuf,
    pub format: DiskFormat,
    /// Of the disk that a machine sees.
    pub virtual_bytes: u64,
    /// Of the file.
    file_bytes: u64,
    /// When the file was last written, in nanoseconds since 1970.
    modified: i64,
}

/// Looks at the file; blocks for as long as `qemu-img` reads its tables, which is seconds.
pub fn examine(path: &Path) -> Result<GivenImage, GivenImageError> {
    let path = path.canonicalize()?;
    if path.to_str().is_none_or(|text| text.contains(char::is_control)) {
        return Err(GivenImageError::Name);
    }
    let metadata = fs::metadata(&path)?;
    if metadata.is_dir() {
        return Err(GivenImageError::Folder);
    }
    if !metadata.is_file() {
        return Err(GivenImageError::Special);
    }
    let mut file = File::open(&path)?;
    if metadata.len() == 0 {
        return Err(GivenImageError::Empty);
    }
    let mut head = Vec::new();
    (&mut file).take(disk_file::HEAD_BYTES as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(metadata.len().saturating_sub(disk_file::TAIL_BYTES as u64)))?;
    let mut tail = Vec::new();
    file.take(disk_file::TAIL_BYTES as u64).read_to_end(&mut tail)?;
    let format = disk_file::recognize(&head, &tail)?;
    let virtual_bytes = virtual_bytes(&path, format)?;
    let start = start_of_disk(&path, format)?;
    let table = partition_table::read(&start).ok_or(GivenImageError::NoPartitionTable)?;
    check_partitions(&table, virtual_bytes)?;
    let (file_bytes, modified) = state(&metadata);
    Ok(GivenImage { path, format, virtual_bytes, file_bytes, modified })
}

impl GivenImage {
    /// An error when the file is not the one that was looked at: disks that were made from it hold only what differs from it.
    pub(crate) fn check_is_same(&self) -> Result<(), String> {
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(metadata) if state(&metadata) == (self.file_bytes, self.modified) => Ok(()),
            Ok(_) => Err(format!(
                "`{path}` was written to since it was named by `--image`; the machines' disks need it as it was. Put the old file back \
                 with its time (`cp -p`), or delete the machines, and after `local down` name the new one"
            )),
            Err(error) => Err(format!("the machines' image `{path}`: {error}")),
        }
    }
}

fn state(metadata: &fs::Metadata) -> (u64, i64) {
    (metadata.len(), metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()))
}

fn check_partitions(table: &PartitionTable, virtual_bytes: u64) -> Result<(), GivenImageError> {
    let labelled = |label: &str| table.partitions.iter().find(|partition| partition.label == label);
    let missing: Vec<&str> = FLATCAR_LABELS.into_iter().filter(|label| labelled(label).is_none()).collect();
    if !missing.is_empty() {
        let found = table.partitions.iter().map(|partition| partition.label.escape_debug().to_string()).collect();
        return Err(GivenImageError::OtherPartitions { missing, found });
    }
    if let Some(beyond) = table.partitions.iter().find(|partition| partition.end_byte() > virtual_bytes) {
        return Err(GivenImageError::CutShort(format!(
            "its partition {} ends at byte {}, and the disk at {virtual_bytes}",
            beyond.label.escape_debug(),
            beyond.end_byte()
        )));
    }
    if !table.has_boot_code {
        return Err(GivenImageError::NoBootCode);
    }
    if labelled("ROOT").is_some_and(|root| root.sectors() == ROOT_SECTORS_FOR_AZURE) {
        return Err(GivenImageError::ForAzure);
    }
    Ok(())
}

/// The size of the disk in the file, when that holds all of the disk and is whole.
fn virtual_bytes(path: &Path, format: DiskFormat) -> Result<u64, GivenImageError> {
    let output =
        qemu_img(Command::new("qemu-img").args(["info", "--output=json", "-f", format.qemu_name()]).arg(path))?;
    let told: Value = serde_json::from_slice(&output).map_err(|error| GivenImageError::Damaged(error.to_string()))?;
    let other = ["/full-backing-filename", "/backing-filename", "/format-specific/data/data-file"];
    if let Some(file) = other.iter().find_map(|pointer| told.pointer(pointer)?.as_str()) {
        let exists = path.parent().is_some_and(|folder| folder.join(file).exists());
        return Err(GivenImageError::Backing { file: shortened(file), exists });
    }
    if told["encrypted"] == true {
        return Err(GivenImageError::Encrypted);
    }
    if format == DiskFormat::Qcow2 {
        check_clusters(path)?;
    }
    let bytes = told["virtual-size"].as_u64();
    bytes.ok_or_else(|| GivenImageError::Damaged("`qemu-img info` gives no size".to_owned()))
}

/// A file that lacks its end still has its tables at the beginning.
fn check_clusters(path: &Path) -> Result<(), GivenImageError> {
    let status = Command::new("qemu-img")
        .args(["check", "-q", "-f", "qcow2"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A line for each of thousands of clusters.
        .stderr(Stdio::null())
        .status()
        .map_err(GivenImageError::QemuImg)?;
    match status.code() {
        // Clusters that nobody uses (3) do no harm (qemu-img(1), "check").
        Some(0 | 3) => Ok(()),
        _ => {
            let message = format!("`qemu-img check {}` tells what is missing; is it cut short?", shell_word(path));
            Err(GivenImageError::Damaged(message))
        }
    }
}

/// The disk's first bytes, whatever the file's format.
fn start_of_disk(path: &Path, format: DiskFormat) -> Result<Vec<u8>, GivenImageError> {
    let folder = std::env::temp_dir().join(format!("azure-local-{}", uuid::Uuid::new_v4()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    let start = folder.join("start");
    let arguments = |name: &str, path: &Path| {
        let mut argument = std::ffi::OsString::from(name);
        argument.push(path);
        argument
    };
    let read = qemu_img(
        Command::new("qemu-img")
            .args(["dd", "-f", format.qemu_name(), "-O", "raw", "count=1"])
            .arg(format!("bs={}", partition_table::READ_BYTES))
            .arg(arguments("if=", path))
            .arg(arguments("of=", &start)),
    )
    .and_then(|_| Ok(fs::read(&start)?));
    // What was read is more than what is left behind.
    let _ = fs::remove_dir_all(&folder);
    read
}

/// What it prints; an error with its reason when it fails.
fn qemu_img(command: &mut Command) -> Result<Vec<u8>, GivenImageError> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).env("LC_ALL", "C").output().map_err(GivenImageError::QemuImg)?;
    if status.success() {
        return Ok(stdout);
    }
    let said = String::from_utf8_lossy(&stderr);
    Err(GivenImageError::Damaged(shortened(said.trim().trim_start_matches("qemu-img: "))))
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN_CHARACTERS).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests;
