//! The partition table of a disk: turns its first bytes into the partitions that a GPT lists. Called by [`super::given`].
//!
//! Form of the table: UEFI Specification 2.10, 5.3 (<https://uefi.org/specs/UEFI/2.10/05_GUID_Partition_Table_Format.html>).

/// Bytes of a sector on the disks of Flatcar's images.
pub(super) const SECTOR_BYTES: u64 = 512;

/// So many bytes of a disk are read: the table of 128 entries ends long before.
pub(super) const READ_BYTES: usize = 1 << 20;

/// Entries of a table that are looked at; `sgdisk`, `sfdisk` and Flatcar's build make 128.
const MOST_ENTRIES: usize = 1024;

const SIGNATURE: &[u8] = b"EFI PART";

/// The first sector's code, before the identity of a disk and the table of an MBR.
const BOOT_CODE_BYTES: usize = 440;

/// A GUID partition table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartitionTable {
    /// In the order of the table; those that are not used are left out.
    pub partitions: Vec<Partition>,
    /// Whether the first sector holds code, without which a BIOS starts nothing.
    pub has_boot_code: bool,
}

/// An entry of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    pub label: String,
    pub first_sector: u64,
    /// The last one that belongs to it.
    pub last_sector: u64,
}

impl Partition {
    /// Where it ends on the disk.
    pub(super) fn end_byte(&self) -> u64 {
        self.last_sector.saturating_add(1).saturating_mul(SECTOR_BYTES)
    }

    /// How long it is.
    pub(super) fn sectors(&self) -> u64 {
        self.last_sector.saturating_sub(self.first_sector).saturating_add(1)
    }
}

/// The table at the beginning of a disk; none when there is no GPT, or one that is not of sectors of 512 bytes.
pub(super) fn read(start: &[u8]) -> Option<PartitionTable> {
    let sector = usize::try_from(SECTOR_BYTES).ok()?;
    let header = start.get(sector..2 * sector).filter(|header| header.starts_with(SIGNATURE))?;
    let first_entry = usize::try_from(number(header, 72)?.checked_mul(SECTOR_BYTES)?).ok()?;
    let entries = usize::try_from(number(header, 80)? & 0xffff_ffff).ok()?.min(MOST_ENTRIES);
    let entry_bytes = usize::try_from(number(header, 84)? & 0xffff_ffff).ok().filter(|bytes| *bytes >= 128)?;
    let partitions = (0..entries)
        .map_while(|index| {
            let at = first_entry.checked_add(index.checked_mul(entry_bytes)?)?;
            start.get(at..at.checked_add(128)?)
        })
        // The kind of an entry that is not used is zero.
        .filter(|entry| entry[..16].iter().any(|byte| *byte != 0))
        .map(|entry| {
            Some(Partition {
                label: label(&entry[56..128]),
                first_sector: number(entry, 32)?,
                last_sector: number(entry, 40)?,
            })
        })
        .collect::<Option<_>>()?;
    let has_boot_code = start.get(..BOOT_CODE_BYTES)?.iter().any(|byte| *byte != 0);
    Some(PartitionTable { partitions, has_boot_code })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let eight: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_le_bytes(eight))
}

/// UTF-16, filled up with zeros.
fn label(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The first bytes of a disk with these partitions, for tests: label, first and last sector.
#[cfg(test)]
pub(super) fn written(partitions: &[(&str, u64, u64)], has_boot_code: bool) -> Vec<u8> {
    let mut disk = vec![0; READ_BYTES];
    if has_boot_code {
        disk[..2].copy_from_slice(&[0xeb, 0x63]);
    }
    // The MBR that keeps old programs away.
    disk[450] = 0xee;
    disk[454..458].copy_from_slice(&1_u32.to_le_bytes());
    disk[458..462].copy_from_slice(&u32::MAX.to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    for (index, (label, first, last)) in partitions.iter().enumerate() {
        let entry = &mut disk[1024 + index * 128..][..128];
        entry[..16].copy_from_slice(&[0xaf; 16]);
        entry[16..32].fill(u8::try_from(index).unwrap() + 1);
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        for (at, unit) in label.encode_utf16().enumerate() {
            entry[56 + 2 * at..][..2].copy_from_slice(&unit.to_le_bytes());
        }
    }
    let last = partitions.iter().map(|partition| partition.2).max().unwrap_or(2048);
    let entries = crc32(&disk[1024..][..128 * 128]);
    let header = &mut disk[512..][..92];
    header[..8].copy_from_slice(SIGNATURE);
    header[8..12].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    header[12..16].copy_from_slice(&92_u32.to_le_bytes());
    header[24..32].copy_from_slice(&1_u64.to_le_bytes());
    header[32..40].copy_from_slice(&(last + 33).to_le_bytes());
    header[40..48].copy_from_slice(&34_u64.to_le_bytes());
    header[48..56].copy_from_slice(&last.to_le_bytes());
    header[71] = 1;
    header[72..80].copy_from_slice(&2_u64.to_le_bytes());
    header[80..84].copy_from_slice(&128_u32.to_le_bytes());
    header[84..88].copy_from_slice(&128_u32.to_le_bytes());
    header[88..92].copy_from_slice(&entries.to_le_bytes());
    let checksum = crc32(header);
    header[16..20].copy_from_slice(&checksum.to_le_bytes());
    disk
}

#[cfg(test)]
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_table_is_read_as_others_read_it() {
        let made = [("EFI-SYSTEM", 2048, 4095), ("USR-A", 4096, 8191), ("ROOT", 8192, 12287)];
        let bytes = written(&made, true);
        let table = read(&bytes).expect("a table");
        let read_back: Vec<_> = table
            .partitions
            .iter()
            .map(|partition| (partition.label.as_str(), partition.first_sector, partition.last_sector))
            .collect();
        assert_eq!(read_back, made);
        assert_eq!((table.partitions[2].sectors(), table.partitions[2].end_byte()), (4096, 12288 * 512));
        assert!(table.has_boot_code && !read(&written(&made, false)).expect("a table").has_boot_code);

        // util-linux checks sums and bounds, too.
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        file.as_file().set_len((12287 + 34) * SECTOR_BYTES).expect("sized");
        let shown = Command::new("partx")
            .args(["--raw", "--noheadings", "--output", "NAME,START,END"])
            .arg(file.path())
            .output()
            .expect("partx");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert_eq!(shown, "EFI-SYSTEM 2048 4095\nUSR-A 4096 8191\nROOT 8192 12287\n");
    }

    #[test]
    fn what_is_no_table_ends_no_program() {
        let good = written(&[("ROOT", 2048, 4095)], true);
        for length in [0, 511, 512, 600, 1024, 1100] {
            let _ = read(&good[..length]);
        }
        assert_eq!(read(&good[..512]), None);
        assert_eq!(read(&vec![0; READ_BYTES]), None);
        for field in [72, 80, 84] {
            let mut wrong = good.clone();
            wrong[512 + field..][..8].fill(0xff);
            let _ = read(&wrong);
        }
        let mut strange = good;
        strange[1024 + 56..][..2].copy_from_slice(&[0x00, 0xd8]);
        assert_eq!(read(&strange).expect("a table").partitions[0].label, "\u{fffd}OOT");
    }
}
