//! A machine size's name, and the one thing its name tells about its disks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::stands_as_text;

/// Such as `Standard_D2as_v5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VmSize(String);

/// Why a size was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("size `{name}` {why}")]
pub struct InvalidVmSize {
    name: String,
    why: String,
}

/// More than any size's name has behind its tier, in characters.
const LONGEST_NAME: usize = 64;

/// The names that sizes had before Resource Manager, with cores and memory, and what has as much today.
/// <https://learn.microsoft.com/previous-versions/azure/cloud-services/cloud-services-sizes-specs>
const OLD_NAMES: [(&str, &str, &str); 13] = [
    ("ExtraSmall", "a shared core and 0.75 GiB", "Standard_B1s"),
    ("Small", "1 core and 1.75 GiB", "Standard_B1ms"),
    ("Medium", "2 cores and 3.5 GiB", "Standard_B2s"),
    ("Large", "4 cores and 7 GiB", "Standard_D4as_v5"),
    ("ExtraLarge", "8 cores and 14 GiB", "Standard_D8as_v5"),
    ("A5", "2 cores and 14 GiB", "Standard_E2as_v5"),
    ("A6", "4 cores and 28 GiB", "Standard_E4as_v5"),
    ("A7", "8 cores and 56 GiB", "Standard_E8as_v5"),
    ("A0", "a shared core and 0.75 GiB", "Standard_B1s"),
    ("A1", "1 core and 1.75 GiB", "Standard_B1ms"),
    ("A2", "2 cores and 3.5 GiB", "Standard_B2s"),
    ("A3", "4 cores and 7 GiB", "Standard_D4as_v5"),
    ("A4", "8 cores and 14 GiB", "Standard_D8as_v5"),
];

impl VmSize {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The letters between the digits and the version: `as` of `Standard_D2as_v5`.
    fn features(&self) -> &str {
        let name = self.0.split_once('_').map_or("", |(_, rest)| rest);
        name.split('_').next().unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_uppercase())
    }

    /// The version suffix (`_v5` gives 5), 1 when there is none.
    fn version(&self) -> u32 {
        let (_, suffix) = self.0.rsplit_once("_v").unwrap_or((&self.0, "1"));
        suffix.parse().unwrap_or(1)
    }

    /// The stable name under which a data disk of this LUN appears in the guest.
    ///
    /// Sizes from v6 on attach disks by NVMe, older ones by SCSI.
    /// <https://learn.microsoft.com/azure/virtual-machines/enable-nvme-interface>
    pub fn data_disk_device(&self, lun: u32) -> String {
        match self.version() {
            0..=5 => format!("/dev/disk/azure/scsi1/lun{lun}"),
            _ => format!("/dev/disk/azure/data/by-lun/{lun}"),
        }
    }

    /// Whether its processors are Arm's: the feature letters have a `p`.
    /// <https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions>
    pub fn is_arm64(&self) -> bool {
        self.features().contains('p')
    }

    /// Whether the size takes premium disks: its feature letters, between the digits and the version, have an `s`;
    /// those of the first generations have it in the family's name.
    /// <https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions>
    pub fn has_premium_disks(&self) -> bool {
        let old = |family: &str| self.0["Standard_".len()..].starts_with(family);
        self.features().contains('s') || ["DS", "GS"].into_iter().any(old)
    }
}

impl Default for VmSize {
    fn default() -> Self {
        Self("Standard_D2as_v5".into())
    }
}

impl FromStr for VmSize {
    type Err = InvalidVmSize;

    fn from_str(text: &str) -> Result<Self, InvalidVmSize> {
        let invalid = |why: String| Err(InvalidVmSize { name: text.to_owned(), why });
        if let Some((_, what, today)) = OLD_NAMES.iter().find(|(old, ..)| old.eq_ignore_ascii_case(text)) {
            return invalid(format!("is an old name, of {what}; today's equivalent is `{today}`"));
        }
        let well_formed = |rest: &str| {
            (1..=LONGEST_NAME).contains(&rest.len())
                && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        match text.split_once('_') {
            Some((tier, rest)) if tier.eq_ignore_ascii_case("basic") && well_formed(rest) => {
                invalid("is of the Basic tier, which Azure has retired; choose a `Standard_` size".into())
            }
            Some((tier, rest)) if tier.eq_ignore_ascii_case("standard") && well_formed(rest) => {
                Ok(Self(format!("Standard_{}", canonical(rest))))
            }
            _ => invalid("is not a name such as `Standard_D2as_v5`".into()),
        }
    }
}

/// As Azure writes it, whatever the case it was typed in: family in capitals, features and version in small letters.
fn canonical(rest: &str) -> String {
    let mut parts = rest.split('_').enumerate().map(|(index, part)| {
        let is_version = part.len() > 1 && part[1..].chars().all(|c| c.is_ascii_digit());
        match index {
            0 => {
                let (family, features) =
                    part.split_at(part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len()));
                family.to_ascii_uppercase() + &features.to_ascii_lowercase()
            }
            _ if is_version && part.starts_with('V') => part.to_ascii_lowercase(),
            _ => part.to_owned(),
        }
    });
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |name, part| name + "_" + &part)
}

impl fmt::Display for VmSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

stands_as_text!(VmSize, InvalidVmSize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premium_disks_are_told_by_the_name() {
        for (size, premium) in [
            ("Standard_D2as_v5", true),
            ("Standard_B2s", true),
            ("Standard_DS2_v2", true),
            ("Standard_D2_v3", false),
            ("Standard_A2_v2", false),
        ] {
            assert_eq!(size.parse::<VmSize>().unwrap().has_premium_disks(), premium, "{size}");
        }
    }

    #[test]
    fn sizes_and_their_disk_names() {
        for (size, device) in [
            ("Standard_D2as_v5", "/dev/disk/azure/scsi1/lun0"),
            ("Standard_B2s", "/dev/disk/azure/scsi1/lun0"),
            ("Standard_D2s_v6", "/dev/disk/azure/data/by-lun/0"),
            ("Standard_E104i_v7", "/dev/disk/azure/data/by-lun/0"),
            ("standard_d2s_V6", "/dev/disk/azure/data/by-lun/0"),
        ] {
            assert_eq!(size.parse::<VmSize>().unwrap().data_disk_device(0), device, "{size}");
        }
        for (typed, canonical) in [
            ("standard_d2PS_V6", "Standard_D2ps_v6"),
            ("Standard_NC24ads_A100_v4", "Standard_NC24ads_A100_v4"),
            ("STANDARD_e4-2AS_v5", "Standard_E4-2as_v5"),
            ("Standard_XX", "Standard_XX"),
        ] {
            assert_eq!(typed.parse::<VmSize>().unwrap().as_str(), canonical);
        }
        let old = "large".parse::<VmSize>().unwrap_err().to_string();
        assert_eq!(old, "size `large` is an old name, of 4 cores and 7 GiB; today's equivalent is `Standard_D4as_v5`");
        for bad in
            ["", "Small", "Basic_A1", "Standard_", "Standard D2", "Premium_D2", &format!("Standard_{}", "x".repeat(65))]
        {
            assert!(bad.parse::<VmSize>().is_err(), "{bad}");
        }
    }
}
