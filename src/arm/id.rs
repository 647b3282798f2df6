//! ARM's resource ids, each with the api-version that this program speaks for its type.

use std::fmt;

/// <https://learn.microsoft.com/rest/api/compute/>
pub(crate) const COMPUTE_API_VERSION: &str = "2024-07-01";
/// <https://learn.microsoft.com/rest/api/virtualnetwork/>
pub(crate) const NETWORK_API_VERSION: &str = "2024-03-01";
/// <https://learn.microsoft.com/rest/api/resources/>
const RESOURCES_API_VERSION: &str = "2021-04-01";
/// <https://learn.microsoft.com/rest/api/compute/disks>
const DISKS_API_VERSION: &str = "2024-03-02";

/// A resource's path and the version to ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceId {
    path: String,
    api_version: &'static str,
    kind: &'static str,
}

impl ResourceId {
    /// A subscription.
    pub fn subscription(subscription: &str) -> Self {
        Self {
            path: format!("/subscriptions/{subscription}"),
            api_version: RESOURCES_API_VERSION,
            kind: "subscription",
        }
    }

    /// A resource group.
    pub fn resource_group(subscription: &str, group: &str) -> Self {
        let path = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        Self { path, api_version: RESOURCES_API_VERSION, kind: "resource group" }
    }

    /// A resource of the group by its type, such as `Microsoft.Network/loadBalancers`.
    ///
    /// # Panics
    /// When the type is not one that this program makes.
    pub fn resource(subscription: &str, group: &str, resource_type: &str, name: &str) -> Self {
        let (api_version, kind) = match resource_type {
            "Microsoft.Network/networkSecurityGroups" => (NETWORK_API_VERSION, "network security group"),
            "Microsoft.Network/publicIPAddresses" => (NETWORK_API_VERSION, "public IP address"),
            "Microsoft.Network/virtualNetworks" => (NETWORK_API_VERSION, "virtual network"),
            "Microsoft.Network/loadBalancers" => (NETWORK_API_VERSION, "load balancer"),
            "Microsoft.Network/networkInterfaces" => (NETWORK_API_VERSION, "network interface"),
            "Microsoft.Compute/availabilitySets" => (COMPUTE_API_VERSION, "availability set"),
            "Microsoft.Compute/proximityPlacementGroups" => (COMPUTE_API_VERSION, "proximity placement group"),
            "Microsoft.Compute/virtualMachineScaleSets" => (COMPUTE_API_VERSION, "scale set"),
            "Microsoft.Compute/virtualMachines" => (COMPUTE_API_VERSION, "virtual machine"),
            "Microsoft.Compute/images" => (COMPUTE_API_VERSION, "image"),
            "Microsoft.Compute/disks" => (DISKS_API_VERSION, "disk"),
            other => panic!("no api-version is known for `{other}`"),
        };
        let group = Self::resource_group(subscription, group).path;
        Self { path: format!("{group}/providers/{resource_type}/{name}"), api_version, kind }
    }

    /// Something below this resource, such as `backendAddressPools/nodes`.
    pub fn child(&self, path: &str) -> Self {
        Self { path: format!("{}/{path}", self.path), ..self.clone() }
    }

    /// The id as it stands in documents and URLs.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The version that requests for this resource carry.
    pub fn api_version(&self) -> &'static str {
        self.api_version
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The type in words, such as `load balancer`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether it is a subscription.
    pub fn is_subscription(&self) -> bool {
        self.kind == "subscription"
    }

    /// Whether it is a virtual machine, whose operations must be polled slowly.
    pub fn is_virtual_machine(&self) -> bool {
        self.kind == "virtual machine"
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} `{}`", self.kind, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let id = ResourceId::resource("s", "g", "Microsoft.Network/loadBalancers", "lb");
        assert_eq!(id.path(), "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb");
        assert_eq!((id.to_string(), id.api_version()), ("load balancer `lb`".into(), "2024-03-01"));
        assert_eq!(id.child("backendAddressPools/nodes").name(), "nodes");
    }
}
