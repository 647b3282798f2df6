//! How machines are kept from failing together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::resource_id::has_shape;
use super::text::stands_as_text;

/// The id of a proximity placement group.
const PROXIMITY_ID: &str = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Compute/proximityPlacementGroups/*";

/// Most virtual machines in one availability set.
/// <https://learn.microsoft.com/azure/virtual-machines/availability-set-overview>
pub(super) const AVAILABILITY_SET_MACHINES: u32 = 200;
/// Most virtual machines in one flexible scale set, and what a cluster's addresses allow.
/// <https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-orchestration-modes>
pub(super) const SCALE_SET_MACHINES: u32 = 1000;

/// One of the three ways that Azure has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Availability {
    /// Spread over racks of one building.
    Set { name: AvailabilitySetName },
    /// Spread over buildings, node after node.
    Zones { zones: Vec<Zone> },
    /// A flexible scale set that standalone machines join; with zones also spread over buildings.
    ScaleSet { zones: Vec<Zone> },
}

impl Availability {
    /// The zone of the node with this index.
    pub fn zone(&self, index: u32) -> Option<&Zone> {
        let zones = self.zones();
        zones.get(index as usize % zones.len().max(1))
    }

    /// All zones in use; none when the region decides.
    pub fn zones(&self) -> &[Zone] {
        match self {
            Self::Set { .. } => &[],
            Self::Zones { zones } | Self::ScaleSet { zones } => zones,
        }
    }

    /// How many machines it can hold.
    pub fn most_machines(&self) -> u32 {
        match self {
            Self::Set { .. } => AVAILABILITY_SET_MACHINES,
            Self::Zones { .. } | Self::ScaleSet { .. } => SCALE_SET_MACHINES,
        }
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones: Vec<String> = self.zones().iter().map(Zone::to_string).collect();
        match self {
            Self::Set { name: AvailabilitySetName(Some(name)) } => write!(formatter, "availability set {name}"),
            Self::Set { .. } => formatter.write_str("availability set"),
            Self::Zones { .. } => write!(formatter, "zones {}", zones.join(",")),
            Self::ScaleSet { .. } if zones.is_empty() => formatter.write_str("scale set"),
            Self::ScaleSet { .. } => write!(formatter, "scale set in zones {}", zones.join(",")),
        }
    }
}

impl Default for Availability {
    fn default() -> Self {
        Self::Set { name: AvailabilitySetName(None) }
    }
}

/// The name of an availability set; without one it is the cluster's name and `-as`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailabilitySetName(Option<String>);

impl AvailabilitySetName {
    /// The name as a resource of cluster `cluster`.
    pub fn resource_name(&self, cluster: &str) -> String {
        self.0.clone().unwrap_or_else(|| format!("{cluster}-as"))
    }
}

impl FromStr for AvailabilitySetName {
    type Err = InvalidResourceName;

    fn from_str(text: &str) -> Result<Self, InvalidResourceName> {
        check_resource_name("availability set", text)?;
        Ok(Self(Some(text.to_owned())))
    }
}

/// An availability zone: `1`, `2` or `3`.
/// <https://learn.microsoft.com/azure/reliability/availability-zones-overview>
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(String);

/// Why a zone was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("zone `{0}` is none of 1, 2 and 3")]
pub struct InvalidZone(String);

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        match text {
            "1" | "2" | "3" => Ok(Self(text.to_owned())),
            _ => Err(InvalidZone(text.to_owned())),
        }
    }
}

stands_as_text!(Zone, InvalidZone);

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A proximity placement group: a name in the cluster's resource group, made when missing, or the id of one that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ProximityPlacementGroup {
    Named(String),
    Existing(String),
}

impl FromStr for ProximityPlacementGroup {
    type Err = InvalidResourceName;

    fn from_str(text: &str) -> Result<Self, InvalidResourceName> {
        let what = "proximity placement group";
        if has_shape(text, PROXIMITY_ID) {
            return Ok(Self::Existing(text.to_owned()));
        }
        if text.starts_with('/') {
            return Err(InvalidResourceName::new(what, text, "is the id of something else, or none"));
        }
        check_resource_name(what, text)?;
        Ok(Self::Named(text.to_owned()))
    }
}

impl fmt::Display for ProximityPlacementGroup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(text) | Self::Existing(text) => formatter.write_str(text),
        }
    }
}

stands_as_text!(ProximityPlacementGroup, InvalidResourceName);

/// Why a resource's name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` {why}")]
pub struct InvalidResourceName {
    what: &'static str,
    value: String,
    why: String,
}

impl InvalidResourceName {
    pub(super) fn new(what: &'static str, value: &str, why: &str) -> Self {
        Self { what, value: value.to_owned(), why: why.to_owned() }
    }
}

/// 1 to 80 letters, digits, `_`, `.` and `-`, from a letter or digit to a letter, digit or `_`.
/// <https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftcompute>
pub(super) fn check_resource_name(what: &'static str, text: &str) -> Result<(), InvalidResourceName> {
    let invalid = |why: &str| Err(InvalidResourceName::new(what, text, why));
    if text.is_empty() || text.chars().count() > 80 {
        return invalid("needs 1 to 80 characters");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return invalid("may have letters, digits, `_`, `.` and `-` only");
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || text.ends_with(['.', '-']) {
        return invalid("must start with a letter or digit and end with a letter, digit or `_`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_spread_over_zones() {
        let zones: Vec<Zone> = ["1", "3"].iter().map(|zone| zone.parse().unwrap()).collect();
        for (availability, expected) in [
            (Availability::default(), [None, None, None]),
            (Availability::ScaleSet { zones: Vec::new() }, [None, None, None]),
            (Availability::Zones { zones }, [Some("1"), Some("3"), Some("1")]),
        ] {
            let found = [0, 1, 2].map(|index| availability.zone(index).map(|zone| zone.0.as_str()));
            assert_eq!(found, expected, "{availability:?}");
        }
    }

    #[test]
    fn names_and_ids() {
        for (text, good) in [
            ("group", true),
            ("a.b_c-d_", true),
            ("-a", false),
            ("a-", false),
            ("a b", false),
            ("", false),
            ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/proximityPlacementGroups/p", true),
            ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/p", false),
        ] {
            assert_eq!(text.parse::<ProximityPlacementGroup>().is_ok(), good, "{text}");
        }
    }
}
