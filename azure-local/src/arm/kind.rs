//! The resource types the emulator has, with their ARM names, collections and api-versions.

use serde::{Deserialize, Serialize};

/// A resource type. The order is the one in which a resource group's content can be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    ResourceGroup,
    UserAssignedIdentity,
    ProximityPlacementGroup,
    AvailabilitySet,
    ScaleSet,
    Image,
    NetworkSecurityGroup,
    PublicIpAddress,
    VirtualNetwork,
    LoadBalancer,
    NetworkInterface,
    Disk,
    VirtualMachine,
}

const IN_GROUPS: [Kind; 12] = [
    Kind::UserAssignedIdentity,
    Kind::ProximityPlacementGroup,
    Kind::AvailabilitySet,
    Kind::ScaleSet,
    Kind::Image,
    Kind::NetworkSecurityGroup,
    Kind::PublicIpAddress,
    Kind::VirtualNetwork,
    Kind::LoadBalancer,
    Kind::NetworkInterface,
    Kind::Disk,
    Kind::VirtualMachine,
];

/// api-version of resource groups, subscriptions and providers.
pub(crate) const RESOURCES_VERSIONS: &[&str] = &["2021-04-01", "2022-09-01", "2022-12-01"];
/// api-version of Microsoft.ManagedIdentity.
pub(crate) const IDENTITY_VERSIONS: &[&str] = &["2018-11-30", "2023-01-31", "2024-11-30"];
/// api-version of Microsoft.Network.
pub(crate) const NETWORK_VERSIONS: &[&str] = &["2024-03-01"];
/// api-version of Microsoft.Compute without disks and galleries.
pub(crate) const COMPUTE_VERSIONS: &[&str] = &["2024-07-01"];
/// api-version of Microsoft.Compute/disks.
pub(crate) const DISK_VERSIONS: &[&str] = &["2024-03-02"];
/// api-version of Microsoft.Compute/galleries and community galleries.
pub(crate) const GALLERY_VERSIONS: &[&str] = &["2022-03-03", "2023-07-03", "2024-03-03"];
/// api-version of Microsoft.Compute/skus.
pub(crate) const SKU_VERSIONS: &[&str] = &["2021-07-01", "2024-07-01"];
/// api-version of Microsoft.MarketplaceOrdering.
pub(crate) const MARKETPLACE_VERSIONS: &[&str] = &["2015-06-01", "2021-01-01"];

impl Kind {
    /// The kind of `namespace` and `collection`, in any case.
    pub(crate) fn find(namespace: &str, collection: &str) -> Option<Self> {
        IN_GROUPS.into_iter().find(|kind| {
            kind.namespace().eq_ignore_ascii_case(namespace) && kind.collection().eq_ignore_ascii_case(collection)
        })
    }

    /// The provider, such as `Microsoft.Network`.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::ResourceGroup => "Microsoft.Resources",
            Self::UserAssignedIdentity => "Microsoft.ManagedIdentity",
            Self::ProximityPlacementGroup
            | Self::AvailabilitySet
            | Self::ScaleSet
            | Self::Image
            | Self::Disk
            | Self::VirtualMachine => "Microsoft.Compute",
            _ => "Microsoft.Network",
        }
    }

    /// The collection, such as `virtualNetworks`.
    pub(crate) fn collection(self) -> &'static str {
        match self {
            Self::ResourceGroup => "resourceGroups",
            Self::UserAssignedIdentity => "userAssignedIdentities",
            Self::ProximityPlacementGroup => "proximityPlacementGroups",
            Self::AvailabilitySet => "availabilitySets",
            Self::ScaleSet => "virtualMachineScaleSets",
            Self::Image => "images",
            Self::NetworkSecurityGroup => "networkSecurityGroups",
            Self::PublicIpAddress => "publicIPAddresses",
            Self::VirtualNetwork => "virtualNetworks",
            Self::LoadBalancer => "loadBalancers",
            Self::NetworkInterface => "networkInterfaces",
            Self::Disk => "disks",
            Self::VirtualMachine => "virtualMachines",
        }
    }

    /// The kinds of `namespace`, in any case.
    pub(crate) fn of_namespace(namespace: &str) -> impl Iterator<Item = Self> {
        IN_GROUPS.into_iter().filter(move |kind| kind.namespace().eq_ignore_ascii_case(namespace))
    }

    /// Both, such as `Microsoft.Network/virtualNetworks`.
    pub(crate) fn full_name(self) -> String {
        format!("{}/{}", self.namespace(), self.collection())
    }

    /// The accepted api-versions, newest last.
    pub(crate) fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::ResourceGroup => RESOURCES_VERSIONS,
            Self::UserAssignedIdentity => IDENTITY_VERSIONS,
            Self::Disk => DISK_VERSIONS,
            kind if kind.is_network() => NETWORK_VERSIONS,
            _ => COMPUTE_VERSIONS,
        }
    }

    /// Whether a resource of this type can be in availability zones.
    pub(crate) fn has_zones(self) -> bool {
        matches!(self, Self::ScaleSet | Self::PublicIpAddress | Self::Disk | Self::VirtualMachine)
    }

    /// Whether Microsoft.Network owns the type.
    pub(crate) fn is_network(self) -> bool {
        self.namespace() == "Microsoft.Network"
    }

    /// The arrays below `properties` whose entries are sub-resources with an id of their own.
    pub(crate) fn children(self) -> &'static [&'static str] {
        match self {
            Self::NetworkSecurityGroup => &["securityRules"],
            Self::VirtualNetwork => &["subnets", "virtualNetworkPeerings"],
            Self::LoadBalancer => &[
                "frontendIPConfigurations",
                "backendAddressPools",
                "probes",
                "loadBalancingRules",
                "inboundNatRules",
                "outboundRules",
            ],
            Self::NetworkInterface => &["ipConfigurations"],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_names() {
        for kind in IN_GROUPS {
            assert_eq!(Kind::find(&kind.namespace().to_uppercase(), &kind.collection().to_lowercase()), Some(kind));
        }
        assert_eq!(Kind::find("Microsoft.Network", "virtualMachines"), None);
    }
}
