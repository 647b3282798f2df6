//! What a file is by its content: turns its first and last bytes into a format of disks, or says what it is instead. Called by
//! [`super::given`].

use serde::{Deserialize, Serialize};

/// So much of a file's beginning tells what it is: an ISO 9660 volume has its mark at 32,769.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// A VHD has its mark in the last sector.
pub(super) const TAIL_BYTES: usize = 512;

/// So much of a text is shown.
const SHOWN_CHARACTERS: usize = 40;

/// Formats of disks that machines can start from, by QEMU's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskFormat {
    /// The disk's bytes.
    #[serde(rename = "raw")]
    Raw,
    /// QEMU's own (<https://www.qemu.org/docs/master/interop/qcow2.html>).
    #[serde(rename = "qcow2")]
    Qcow2,
    /// Microsoft's VHD, fixed or dynamic.
    #[serde(rename = "vpc")]
    Vhd,
}

impl DiskFormat {
    /// As `qemu-img` takes it.
    pub(crate) fn qemu_name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vhd => "vpc",
        }
    }
}

/// Something that is no disk that machines start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// `program`, with its arguments, writes what is in it to its standard output.
    Compressed { kind: &'static str, program: &'static str },
    /// A disk in a format that `qemu-img convert` reads.
    OtherDisk { kind: &'static str, qemu_name: &'static str },
    /// An installation medium.
    Iso,
    /// A page that a server sent in place of the file.
    WebPage,
    /// How it begins.
    Text(String),
    /// A dynamic VHD whose end is missing.
    CutShortVhd,
}

/// Beginnings of files, from their authors' documents: bzip2, RFC 1952 (gzip), RFC 8878 (zstd), the .xz format, PKZIP's APPNOTE.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (b"BZh", "bzip2", "bzip2 -dc"),
    (&[0x1f, 0x8b], "gzip", "gzip -dc"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz", "xz -dc"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstd -dc"),
    (b"PK\x03\x04", "zip", "unzip -p"),
];

const OTHER_DISKS: [(usize, &[u8], &str, &str); 4] = [
    (0, b"vhdxfile", "VHDX", "vhdx"),
    (0, b"KDMV", "VMDK", "vmdk"),
    (0, b"# Disk DescriptorFile", "VMDK", "vmdk"),
    (64, &[0x7f, 0x10, 0xda, 0xbe], "VirtualBox (VDI)", "vdi"),
];

const VHD: &[u8] = b"conectix";

/// The format of a file that is not empty. `head` and `tail` are its first and last bytes, as many as there are.
pub(super) fn recognize(head: &[u8], tail: &[u8]) -> Result<DiskFormat, Foreign> {
    for (magic, kind, program) in COMPRESSED {
        if head.starts_with(magic) {
            return Err(Foreign::Compressed { kind, program });
        }
    }
    for (at, magic, kind, qemu_name) in OTHER_DISKS {
        if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return Err(Foreign::OtherDisk { kind, qemu_name });
        }
    }
    let ends_as_vhd = tail.starts_with(VHD);
    if head.starts_with(b"QFI\xfb") {
        Ok(DiskFormat::Qcow2)
    } else if ends_as_vhd {
        Ok(DiskFormat::Vhd)
    } else if head.starts_with(VHD) {
        Err(Foreign::CutShortVhd)
    } else if is_iso(head) {
        // A hybrid one that is started from a disk as well is still made to install from.
        Err(Foreign::Iso)
    } else {
        text(head).map_or(Ok(DiskFormat::Raw), Err)
    }
}

fn is_iso(head: &[u8]) -> bool {
    head.get(0x8001..).is_some_and(|rest| rest.starts_with(b"CD001"))
}

/// What a file without any control characters but those of texts is.
fn text(head: &[u8]) -> Option<Foreign> {
    let start = &head[..head.len().min(1024)];
    let is_binary = start.iter().any(|byte| byte.is_ascii_control() && !b"\t\n\r\x0c".contains(byte));
    if is_binary {
        return None;
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let lower: String = text.chars().take(16).collect::<String>().to_ascii_lowercase();
    if ["<!doctype", "<html", "<?xml", "<head"].iter().any(|begin| lower.starts_with(begin)) {
        return Some(Foreign::WebPage);
    }
    Some(Foreign::Text(text.lines().next().unwrap_or_default().chars().take(SHOWN_CHARACTERS).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file's first bytes: `magic` at `at`, zeros around it.
    fn head(at: usize, magic: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEAD_BYTES];
        bytes[at..at + magic.len()].copy_from_slice(magic);
        bytes
    }

    #[test]
    fn content_tells_what_a_file_is() {
        let zeros = vec![0; TAIL_BYTES];
        let footer = [VHD, &zeros[8..]].concat();
        let mut hybrid = head(0x8001, b"CD001");
        hybrid[510..512].copy_from_slice(&[0x55, 0xaa]);
        let compressed = |kind, program| Err(Foreign::Compressed { kind, program });
        let other = |kind, qemu_name| Err(Foreign::OtherDisk { kind, qemu_name });
        for (head, tail, found) in [
            (head(0, b"QFI\xfb\0\0\0\x03"), &zeros, Ok(DiskFormat::Qcow2)),
            (head(0, VHD), &footer, Ok(DiskFormat::Vhd)),
            (head(510, &[0x55, 0xaa]), &footer, Ok(DiskFormat::Vhd)),
            (head(0, VHD), &zeros, Err(Foreign::CutShortVhd)),
            (head(510, &[0x55, 0xaa]), &zeros, Ok(DiskFormat::Raw)),
            (head(0, b""), &zeros, Ok(DiskFormat::Raw)),
            (head(0, b"BZh91AY&SY"), &zeros, compressed("bzip2", "bzip2 -dc")),
            (head(0, &[0x1f, 0x8b, 8]), &zeros, compressed("gzip", "gzip -dc")),
            (head(0, b"\xfd7zXZ\0"), &zeros, compressed("xz", "xz -dc")),
            (head(0, &[0x28, 0xb5, 0x2f, 0xfd]), &zeros, compressed("zstd", "zstd -dc")),
            (head(0, b"PK\x03\x04"), &zeros, compressed("zip", "unzip -p")),
            (head(0, b"vhdxfile"), &zeros, other("VHDX", "vhdx")),
            (head(0, b"KDMV"), &zeros, other("VMDK", "vmdk")),
            (b"# Disk DescriptorFile\nversion=1\n".to_vec(), &zeros, other("VMDK", "vmdk")),
            (head(64, &[0x7f, 0x10, 0xda, 0xbe]), &zeros, other("VirtualBox (VDI)", "vdi")),
            (head(0x8001, b"CD001"), &zeros, Err(Foreign::Iso)),
            (hybrid, &zeros, Err(Foreign::Iso)),
            (b"<!DOCTYPE html>\n<title>404</title>".to_vec(), &zeros, Err(Foreign::WebPage)),
            (b"\xef\xbb\xbf \n<HTML>".to_vec(), &zeros, Err(Foreign::WebPage)),
            (b"Not Found\nreally".to_vec(), &zeros, Err(Foreign::Text("Not Found".to_owned()))),
            (b"\n\n".to_vec(), &zeros, Err(Foreign::Text(String::new()))),
        ] {
            assert_eq!(recognize(&head, tail), found, "{:?}", &head[..8.min(head.len())]);
        }
    }
}
