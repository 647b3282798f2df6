//! Names that systemd gives to what has a path.

use std::fmt::Write as _;

/// The name of a device's unit: its path with `-` for `/`, everything unusual escaped.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#String%20Escaping%20for%20Inclusion%20in%20Unit%20Names>
pub(super) fn device_unit(path: &str) -> String {
    let mut name = String::new();
    for (index, character) in path.trim_matches('/').chars().enumerate() {
        match character {
            '/' => name.push('-'),
            '.' if index == 0 => name.push_str("\\x2e"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | ':' | '_' | '.' => name.push(character),
            other => {
                for byte in other.encode_utf8(&mut [0; 4]).bytes() {
                    // Cannot fail: a String takes everything.
                    let _ = write!(name, "\\x{byte:02x}");
                }
            }
        }
    }
    name + ".device"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        // As `systemd-escape --path --suffix=device` says.
        for (path, unit) in [
            ("/dev/disk/azure/scsi1/lun0", "dev-disk-azure-scsi1-lun0.device"),
            ("/dev/disk/azure/data/by-lun/3", r"dev-disk-azure-data-by\x2dlun-3.device"),
            ("/.x/ü", r"\x2ex-\xc3\xbc.device"),
        ] {
            assert_eq!(device_unit(path), unit);
        }
    }
}
