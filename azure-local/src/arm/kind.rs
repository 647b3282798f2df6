//! The resource types the emulator has, with their ARM names, collections and api-versions.

use serde::{Deserialize, Serialize};

use crate::arm::version;

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
            Self::ResourceGroup => version::RESOURCES,
            Self::UserAssignedIdentity => version::IDENTITY,
            Self::Disk => version::DISK,
            kind if kind.is_network() => version::NETWORK,
            _ => version::COMPUTE,
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
