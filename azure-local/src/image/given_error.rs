//! Why a file is no image that machines start from, and what helps: for [`super::given`] and whoever shows it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::disk_file::Foreign;
use crate::shell_word::shell_word;

/// The file of a Flatcar release that suits.
const SUITABLE: &str = "flatcar_production_qemu_image.img";

/// Labels in a message.
const SHOWN_LABELS: usize = 12;

/// Why a file is no image that machines start from. The text goes on from "`FILE`: "; [`GivenImageError::remedy`] says what helps.
#[derive(Debug, thiserror::Error)]
pub enum GivenImageError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is a folder, not a file")]
    Folder,
    #[error("it is neither a file nor a folder")]
    Special,
    #[error("its path is not UTF-8, or holds a line break")]
    Name,
    #[error("it is empty")]
    Empty,
    #[error("it is compressed ({kind})")]
    Compressed { kind: &'static str, program: &'static str },
    #[error("it is a disk in the format {kind}; raw, qcow2 and VHD are taken")]
    OtherDisk { kind: &'static str, qemu_name: &'static str },
    #[error("it is an ISO image to install from, not an installed disk")]
    Iso,
    #[error("it is a web page, not a disk: the download failed")]
    WebPage,
    #[error("it is a text, not a disk; it begins with `{0}`")]
    Text(String),
    #[error("it is cut short: {0}")]
    CutShort(String),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error("it holds only what differs from another file, `{file}`, {}", if *.exists { "without which it is no disk" } else { "which is not there" })]
    Backing { file: String, exists: bool },
    #[error("it is encrypted")]
    Encrypted,
    #[error("running `qemu-img`: {0}")]
    QemuImg(io::Error),
    #[error("there is no GUID partition table in it, so it is no Flatcar disk")]
    NoPartitionTable,
    #[error("it is no Flatcar disk: partitions {} are missing; {}", .missing.join(", "), listed(.found))]
    OtherPartitions { missing: Vec<&'static str>, found: Vec<String> },
    #[error(
        "there is no boot code in its first sector, so a BIOS cannot start it: it is made for arm64, or for UEFI alone"
    )]
    NoBootCode,
    /// <https://github.com/flatcar/ignition/blob/flatcar-master/internal/providers/azure/azure.go>: it looks for a CD-ROM with a UDF
    /// volume until there is one.
    #[error(
        "it is Flatcar's image for Azure, whose machines wait for their configuration on a disc that Azure puts into them; here they would \
         wait for ever"
    )]
    ForAzure,
}

impl GivenImageError {
    /// What helps.
    pub fn remedy(&self, path: &Path) -> String {
        match self {
            Self::Compressed { program, .. } => {
                format!("{program} {} > {}", shell_word(path), shell_word(&unpacked(path)))
            }
            Self::OtherDisk { qemu_name, .. } => format!(
                "qemu-img convert -f {qemu_name} -O qcow2 {} {}",
                shell_word(path),
                shell_word(&beside(path, "qcow2"))
            ),
            Self::Backing { exists: true, .. } => {
                format!("qemu-img convert -f qcow2 -O qcow2 {} {}", shell_word(path), shell_word(&beside(path, "whole")))
            }
            Self::Io(_) | Self::Folder | Self::Special | Self::Name => {
                "name a file that you may read, or `local up --image built` for the image that `local image build` makes"
                    .to_owned()
            }
            Self::QemuImg(_) => "install Debian's package qemu-utils".to_owned(),
            _ => format!("take `{SUITABLE}` of a Flatcar release for amd64, or `local up --image built`"),
        }
    }

    /// Whether the content is the mistake, and not the path.
    pub fn is_content(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::Folder | Self::Special | Self::Name | Self::QemuImg(_))
    }
}

impl From<Foreign> for GivenImageError {
    fn from(foreign: Foreign) -> Self {
        match foreign {
            Foreign::Compressed { kind, program } => Self::Compressed { kind, program },
            Foreign::OtherDisk { kind, qemu_name } => Self::OtherDisk { kind, qemu_name },
            Foreign::Iso => Self::Iso,
            Foreign::WebPage => Self::WebPage,
            Foreign::Text(start) => Self::Text(start),
            Foreign::CutShortVhd => Self::CutShort("a VHD ends with the same mark that it begins with".to_owned()),
        }
    }
}

fn listed(labels: &[String]) -> String {
    let shown: Vec<String> = labels.iter().take(SHOWN_LABELS).map(|label| format!("`{label}`")).collect();
    let more = labels.len().saturating_sub(SHOWN_LABELS);
    match (shown.len(), more) {
        (0, _) => "its table is empty".to_owned(),
        (_, 0) => format!("it has {}", shown.join(", ")),
        _ => format!("it has {} and {more} more", shown.join(", ")),
    }
}

/// Where the content of a compressed file goes: its name without what the compression added.
fn unpacked(path: &Path) -> PathBuf {
    let is_added = |end: &OsStr| ["bz2", "gz", "xz", "zst", "zip"].iter().any(|known| end == *known);
    if path.extension().is_some_and(is_added) { path.with_extension("") } else { beside(path, "unpacked") }
}

/// A file beside this one, never this one itself.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}
