//! What `sgdisk`, `mdadm`, `mkfs` and `cryptsetup` take for a text, by way of Ignition.
//!
//! <https://github.com/coreos/ignition/tree/main/internal/exec/stages/disks>

use super::values::{any, not_empty, one_of, refused};
use crate::userdata::mistake::Mistake;
use diagnostics::quoted;

pub(super) fn raid_level(text: &str) -> Option<Mistake> {
    const LEVELS: [&str; 15] = [
        "linear", "raid0", "0", "stripe", "raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10",
        "10",
    ];
    one_of(text, &LEVELS)
}

/// What `mdadm` takes, which since 4.3 is what POSIX calls portable, alone or below `/dev`.
/// <https://github.com/md-raid-utilities/mdadm/blob/main/mdadm.8.in>
pub(super) fn raid_name(text: &str) -> Option<Mistake> {
    let name = text.strip_prefix("/dev/").unwrap_or(text);
    let name = name.strip_prefix("md/").unwrap_or(name);
    let fits = (1..=32).contains(&name.len())
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let instead = "write 32 characters at most of letters, digits, `-`, `.` and `_`";
    if fits { None } else { refused(format!("{} is no name of an array", quoted(text)), instead) }
}

/// 36 bytes, and no colon, which `sgdisk` takes for a separator.
pub(super) fn partition_label(text: &str) -> Option<Mistake> {
    match text {
        text if text.len() > 36 => refused(format!("has {} bytes, 36 is the most", text.len()), ""),
        text if text.contains(':') => refused(format!("{} has a `:`", quoted(text)), ""),
        _ => any(text),
    }
}

pub(super) fn guid(text: &str) -> Option<Mistake> {
    let groups: Vec<&str> = text.split('-').collect();
    let fits = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if fits || text.is_empty() { None } else { refused(format!("{} is no GUID", quoted(text)), "") }
}

/// The serial number of a FAT file system, with or without its dash.
/// <https://github.com/coreos/ignition/blob/main/internal/exec/stages/disks/filesystems.go>
pub(super) fn vfat_id(text: &str) -> Option<Mistake> {
    let digits = match text.split_once('-') {
        Some((first, second)) if first.len() == 4 => format!("{first}{second}"),
        _ => text.to_owned(),
    };
    let fits = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { None } else { refused(format!("{} is no id of a `vfat`", quoted(text)), "write it as `A1B2-C3D4`") }
}

/// What `mkfs.vfat` refuses in a label.
/// <https://github.com/dosfstools/dosfstools/blob/master/src/common.c>
pub(super) fn no_part_of_a_vfat_label(label: &str) -> Option<char> {
    label.chars().find(|character| character.is_control() || "*?.,;:/\\|+=<>[]\"".contains(*character))
}

pub(super) fn format(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["ext4", "btrfs", "xfs", "swap", "vfat", "none"]) }
}

/// A name of the device mapper's, which becomes an argument too.
pub(super) fn luks_name(text: &str) -> Option<Mistake> {
    match text {
        text if text.contains('/') => refused(format!("{} has a `/`", quoted(text)), ""),
        text if text.len() > 127 => refused(format!("has {} bytes, 127 is the most", text.len()), ""),
        text if text.starts_with('-') || [".", ".."].contains(&text) => {
            refused(format!("{} is no name of a volume", quoted(text)), "")
        }
        text => not_empty(text),
    }
}

pub(super) fn luks_label(text: &str) -> Option<Mistake> {
    if text.len() > 47 { refused(format!("has {} bytes, 47 is the most", text.len()), "") } else { any(text) }
}

pub(super) fn clevis_pin(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["tpm2", "tang", "sss"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        let (at_most, too_long) = ("a".repeat(32), "a".repeat(33));
        let (mapped, not_mapped) = ("a".repeat(127), "a".repeat(128));
        type Rule = fn(&str) -> Option<Mistake>;
        let cases: [(Rule, &[&str], &[&str]); 8] = [
            (raid_level, &["raid1", "10", "linear"], &["", "raid9"]),
            (
                raid_name,
                &["m", "md0", "/dev/md0", "/dev/md/a-b", &at_most],
                &["", "-m", "a b", "../m", "m/n", &too_long],
            ),
            (partition_label, &["", "root"], &["a:b", "a\0", "0123456789012345678901234567890123456"]),
            (guid, &["", "01234567-89AB-CDEF-EDCB-A98765432101"], &["x", "0123456789ABCDEFEDCBA98765432101"]),
            (
                vfat_id,
                &["A1B2-C3D4", "a1b2c3d4"],
                &["", "A1B2-C3D", "A1B2C-3D4", "01234567-89AB-CDEF-EDCB-A98765432101"],
            ),
            (format, &["", "ext4", "none"], &["ext3", "EXT4"]),
            (luks_name, &["a", "a b", &mapped], &["", "a/b", "-a", "..", "a\0", &not_mapped]),
            (luks_label, &["", "a"], &["a\0", "012345678901234567890123456789012345678901234567"]),
        ];
        for (index, (rule, taken, refused)) in cases.into_iter().enumerate() {
            for text in taken {
                assert_eq!(rule(text), None, "rule {index}: {text}");
            }
            for text in refused {
                assert!(rule(text).is_some(), "rule {index}: {text}");
            }
        }
        assert_eq!((no_part_of_a_vfat_label("BOOT 1"), no_part_of_a_vfat_label("a/b")), (None, Some('/')));
    }
}
