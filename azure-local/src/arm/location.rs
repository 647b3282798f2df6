//! Azure's regions: names as clients write them become canonical names, and the list that Azure gives of them.
//! Source: <https://learn.microsoft.com/azure/reliability/regions-list>

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;

/// A region.
pub(crate) struct Region {
    pub name: &'static str,
    title: &'static str,
    geography_group: &'static str,
    /// Newer regions have none.
    pair: Option<&'static str>,
}

const fn region(
    name: &'static str,
    title: &'static str,
    geography_group: &'static str,
    pair: Option<&'static str>,
) -> Region {
    Region { name, title, geography_group, pair }
}

/// The regions the emulator offers.
pub(crate) const REGIONS: &[Region] = &[
    region("australiaeast", "Australia East", "Asia Pacific", None),
    region("brazilsouth", "Brazil South", "South America", Some("southcentralus")),
    region("canadacentral", "Canada Central", "Canada", None),
    region("centralindia", "Central India", "Asia Pacific", None),
    region("centralus", "Central US", "US", Some("eastus2")),
    region("eastasia", "East Asia", "Asia Pacific", Some("southeastasia")),
    region("eastus", "East US", "US", Some("westus")),
    region("eastus2", "East US 2", "US", Some("centralus")),
    region("francecentral", "France Central", "Europe", None),
    region("germanywestcentral", "Germany West Central", "Europe", None),
    region("italynorth", "Italy North", "Europe", None),
    region("japaneast", "Japan East", "Asia Pacific", None),
    region("koreacentral", "Korea Central", "Asia Pacific", None),
    region("northcentralus", "North Central US", "US", Some("southcentralus")),
    region("northeurope", "North Europe", "Europe", Some("westeurope")),
    region("norwayeast", "Norway East", "Europe", None),
    region("polandcentral", "Poland Central", "Europe", None),
    region("southafricanorth", "South Africa North", "Africa", None),
    region("southcentralus", "South Central US", "US", Some("northcentralus")),
    region("southeastasia", "Southeast Asia", "Asia Pacific", Some("eastasia")),
    region("spaincentral", "Spain Central", "Europe", None),
    region("swedencentral", "Sweden Central", "Europe", None),
    region("switzerlandnorth", "Switzerland North", "Europe", None),
    region("uaenorth", "UAE North", "Middle East", None),
    region("uksouth", "UK South", "Europe", None),
    region("westeurope", "West Europe", "Europe", Some("northeurope")),
    region("westus", "West US", "US", Some("eastus")),
    region("westus2", "West US 2", "US", None),
    region("westus3", "West US 3", "US", None),
];

/// Places that Azure lists as locations and that no machine can be in.
const LOGICAL: &[(&str, &str)] = &[("europe", "Europe"), ("global", "Global"), ("unitedstates", "United States")];

/// Regions without availability zones.
const WITHOUT_ZONES: &[&str] = &["northcentralus", "westus"];

/// Regions whose availability sets and scale sets can have three fault domains; the others have two.
/// Source: <https://learn.microsoft.com/azure/virtual-machines/manage-availability>
const WITH_THREE_FAULT_DOMAINS: &[&str] = &[
    "canadacentral",
    "centralus",
    "eastus",
    "eastus2",
    "northcentralus",
    "northeurope",
    "southcentralus",
    "westeurope",
    "westus",
];

/// The canonical name of a region written as `westeurope` or `West Europe`; `None` when there is no such region.
pub(crate) fn canonical(text: &str) -> Option<&'static str> {
    let wanted: String = text.chars().filter(|character| *character != ' ').collect();
    REGIONS.iter().map(|region| region.name).find(|name| name.eq_ignore_ascii_case(&wanted))
}

/// The name of a region as its titles write it.
pub(crate) fn title(name: &str) -> &'static str {
    REGIONS.iter().find(|region| region.name == name).map_or("", |region| region.title)
}

/// The zones of a region.
pub(crate) fn zones(location: &str) -> &'static [&'static str] {
    if WITHOUT_ZONES.contains(&location) { &[] } else { &["1", "2", "3"] }
}

/// How many fault domains a set in the region can have.
pub(crate) fn fault_domains(location: &str) -> u64 {
    if WITH_THREE_FAULT_DOMAINS.contains(&location) { 3 } else { 2 }
}

/// All names, as refusals list them.
pub(crate) fn names() -> String {
    REGIONS.iter().map(|region| region.name).collect::<Vec<_>>().join(",")
}

/// Refuses zones that the region of a resource does not have.
pub(crate) fn check_zones(location: &str, wanted: &[Value], id: &ResourceId) -> Result<(), ArmError> {
    let available = zones(location);
    if wanted.iter().all(|zone| zone.as_str().is_some_and(|zone| available.contains(&zone))) {
        return Ok(());
    }
    let wanted: Vec<String> =
        wanted.iter().map(|zone| zone.as_str().map_or_else(|| zone.to_string(), str::to_owned)).collect();
    Err(ArmError::bad(
        "InvalidAvailabilityZone",
        format!(
            "The zone(s) '{}' for resource '{}/{}' is not supported. The supported zones for location '{location}' are '{}'",
            wanted.join(","),
            id.kind.full_name(),
            id.name,
            available.join(",")
        ),
    ))
}

/// `GET /subscriptions/{subscription}/locations`.
/// Source: <https://learn.microsoft.com/rest/api/resources/subscriptions/list-locations>
pub(crate) fn document(subscription: &str) -> Value {
    let entry = |name: &str, title: &str, regional: String, metadata: Value| {
        json!({
            "id": format!("/subscriptions/{subscription}/locations/{name}"),
            "name": name,
            "type": "Region",
            "displayName": title,
            "regionalDisplayName": regional,
            "metadata": metadata,
        })
    };
    let physical = REGIONS.iter().map(|region| {
        let paired: Vec<Value> = region
            .pair
            .iter()
            .map(|pair| json!({ "name": pair, "id": format!("/subscriptions/{subscription}/locations/{pair}") }))
            .collect();
        let metadata = json!({
            "regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": region.geography_group,
            "pairedRegion": paired,
        });
        let regional = format!("({}) {}", region.geography_group, region.title);
        let mut document = entry(region.name, region.title, regional, metadata);
        let mappings: Vec<Value> = zones(region.name)
            .iter()
            .map(|zone| json!({ "logicalZone": zone, "physicalZone": format!("{}-az{zone}", region.name) }))
            .collect();
        // Azure leaves the member out where there are no zones.
        if !mappings.is_empty() {
            document["availabilityZoneMappings"] = json!(mappings);
        }
        document
    });
    let logical = LOGICAL.iter().map(|(name, title)| {
        entry(name, title, (*title).to_owned(), json!({ "regionType": "Logical", "regionCategory": "Other" }))
    });
    json!({ "value": physical.chain(logical).collect::<Vec<_>>() })
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
            ("europe", None),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn every_region_that_is_named_is_there() {
        let named = WITHOUT_ZONES.iter().chain(WITH_THREE_FAULT_DOMAINS).copied();
        for name in REGIONS.iter().filter_map(|region| region.pair).chain(named) {
            assert_eq!(canonical(name), Some(name), "{name}");
        }
    }
}
