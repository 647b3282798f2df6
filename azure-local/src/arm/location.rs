//! Azure's regions: names as clients write them become canonical names.

/// Canonical and displayed names of the regions the emulator offers.
pub const LOCATIONS: &[(&str, &str)] = &[
    ("australiaeast", "Australia East"),
    ("brazilsouth", "Brazil South"),
    ("canadacentral", "Canada Central"),
    ("centralindia", "Central India"),
    ("centralus", "Central US"),
    ("eastasia", "East Asia"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("francecentral", "France Central"),
    ("germanywestcentral", "Germany West Central"),
    ("italynorth", "Italy North"),
    ("japaneast", "Japan East"),
    ("koreacentral", "Korea Central"),
    ("northcentralus", "North Central US"),
    ("northeurope", "North Europe"),
    ("norwayeast", "Norway East"),
    ("polandcentral", "Poland Central"),
    ("southafricanorth", "South Africa North"),
    ("southcentralus", "South Central US"),
    ("southeastasia", "Southeast Asia"),
    ("spaincentral", "Spain Central"),
    ("swedencentral", "Sweden Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("uaenorth", "UAE North"),
    ("uksouth", "UK South"),
    ("westeurope", "West Europe"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("westus3", "West US 3"),
];

/// Regions without availability zones.
const WITHOUT_ZONES: &[&str] = &["northcentralus", "westus"];

/// The canonical name of a region written as `westeurope` or `West Europe`; `None` when there is no such region.
pub fn canonical(text: &str) -> Option<&'static str> {
    let wanted: String = text.chars().filter(|character| *character != ' ').collect();
    LOCATIONS.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(&wanted))
}

/// The zones of a region.
pub fn zones(location: &str) -> &'static [&'static str] {
    if WITHOUT_ZONES.contains(&location) { &[] } else { &["1", "2", "3"] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_one_canonical_name() {
        let table = [
            ("westeurope", Some("westeurope")),
            ("West Europe", Some("westeurope")),
            ("EASTUS", Some("eastus")),
            ("moon", None),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }
}
