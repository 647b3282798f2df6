//! The resource types the emulator has, with their ARM names, collections and api-versions.

use serde::{Deserialize, Serialize};

/// A resource type. The order is the one in which a resource group's content can be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    ResourceGroup,
    AvailabilitySet,
    NetworkSecurityGroup,
    PublicIpAddress,
    VirtualNetwork,
    LoadBalancer,
    NetworkInterface,
    Disk,
    VirtualMachine,
}

const IN_GROUPS: [Kind; 8] = [
    Kind::AvailabilitySet,
    Kind::NetworkSecurityGroup,
    Kind::PublicIpAddress,
    Kind::VirtualNetwork,
    Kind::LoadBalancer,
    Kind::NetworkInterface,
    Kind::Disk,
    Kind::VirtualMachine,
];

/// api-version of resource groups, subscriptions and providers.
pub const RESOURCES_VERSIONS: &[&str] = &["2021-04-01", "2022-09-01", "2022-12-01"];
/// api-version of Microsoft.Network.
pub const NETWORK_VERSIONS: &[&str] = &["2024-03-01"];
/// api-version of Microsoft.Compute without disks.
pub const COMPUTE_VERSIONS: &[&str] = &["2024-07-01"];
/// api-version of Microsoft.Compute/disks.
pub const DISK_VERSIONS: &[&str] = &["2024-03-02"];
/// api-version of Microsoft.Compute/skus.
pub const SKU_VERSIONS: &[&str] = &["2021-07-01", "2024-07-01"];
/// api-version of Microsoft.MarketplaceOrdering.
pub const MARKETPLACE_VERSIONS: &[&str] = &["2015-06-01", "2021-01-01"];

impl Kind {
    /// The kind of `namespace` and `collection`, in any case.
    pub fn find(namespace: &str, collection: &str) -> Option<Self> {
        IN_GROUPS.into_iter().find(|kind| {
            kind.namespace().eq_ignore_ascii_case(namespace) && kind.collection().eq_ignore_ascii_case(collection)
        })
    }

    /// The provider, such as `Microsoft.Network`.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::ResourceGroup => "Microsoft.Resources",
            Self::AvailabilitySet | Self::Disk | Self::VirtualMachine => "Microsoft.Compute",
            _ => "Microsoft.Network",
        }
    }

    /// The collection, such as `virtualNetworks`.
    pub fn collection(self) -> &'static str {
        match self {
            Self::ResourceGroup => "resourceGroups",
            Self::AvailabilitySet => "availabilitySets",
            Self::NetworkSecurityGroup => "networkSecurityGroups",
            Self::PublicIpAddress => "publicIPAddresses",
            Self::VirtualNetwork => "virtualNetworks",
            Self::LoadBalancer => "loadBalancers",
            Self::NetworkInterface => "networkInterfaces",
            Self::Disk => "disks",
            Self::VirtualMachine => "virtualMachines",
        }
    }

    /// Both, such as `Microsoft.Network/virtualNetworks`.
    pub fn full_name(self) -> String {
        format!("{}/{}", self.namespace(), self.collection())
    }

    /// The accepted api-versions, newest last.
    pub fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::ResourceGroup => RESOURCES_VERSIONS,
            Self::Disk => DISK_VERSIONS,
            Self::AvailabilitySet | Self::VirtualMachine => COMPUTE_VERSIONS,
            _ => NETWORK_VERSIONS,
        }
    }

    /// Whether Microsoft.Network owns the type.
    pub fn is_network(self) -> bool {
        self.namespace() == "Microsoft.Network"
    }

    /// The arrays below `properties` whose entries are sub-resources with an id of their own.
    pub fn children(self) -> &'static [&'static str] {
        match self {
            Self::NetworkSecurityGroup => &["securityRules"],
            Self::VirtualNetwork => &["subnets"],
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
