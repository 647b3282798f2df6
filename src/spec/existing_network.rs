//! A virtual network that somebody else made, in which the nodes take free addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ResourceGroupName;
use super::availability::{InvalidResourceName, check_resource_name};
use super::resource_id::has_shape;
use super::text::stands_as_text;

/// The id of a virtual network.
const ID: &str = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Network/virtualNetworks/*";

/// Subnets that belong to a service of Azure's, which alone may have addresses in them.
/// <https://learn.microsoft.com/azure/virtual-network/virtual-network-for-azure-services>
const RESERVED_SUBNETS: [(&str, &str); 5] = [
    ("GatewaySubnet", "virtual network gateways"),
    ("AzureFirewallSubnet", "Azure Firewall"),
    ("AzureFirewallManagementSubnet", "Azure Firewall"),
    ("AzureBastionSubnet", "Azure Bastion"),
    ("RouteServerSubnet", "Azure Route Server"),
];

/// The network, its subnets, and what is known of the nodes' places in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingNetwork {
    pub network: VirtualNetworkName,
    /// Nodes are spread over them, one after another; never empty, and none twice.
    pub subnets: Vec<SubnetName>,
    /// Of each node by its index, found when the cluster is made and kept.
    #[serde(default)]
    pub addresses: Vec<Ipv4Addr>,
}

/// A virtual network by its name, in the cluster's resource group or in another one of the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VirtualNetworkName {
    /// Named by an id only; interfaces take addresses in networks of their own subscription alone.
    pub subscription: Option<String>,
    pub resource_group: Option<ResourceGroupName>,
    pub name: String,
}

/// A subnet's name: 1 to 80 letters, digits, `_`, `.` and `-`, and none that Azure keeps for a service of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubnetName(String);

impl SubnetName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name one subnet; Azure makes no difference of case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl FromStr for SubnetName {
    type Err = InvalidResourceName;

    fn from_str(text: &str) -> Result<Self, InvalidResourceName> {
        let what = "subnet";
        check_resource_name(what, text)?;
        match RESERVED_SUBNETS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, service)) => {
                let why = format!("is kept for {service}, and takes no machines; name another subnet");
                Err(InvalidResourceName::new(what, text, &why))
            }
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for SubnetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

stands_as_text!(SubnetName, InvalidResourceName);

impl ExistingNetwork {
    /// The subnet of the node with this index.
    pub fn subnet(&self, index: u32) -> &SubnetName {
        &self.subnets[index as usize % self.subnets.len()]
    }

    /// Whether both name the same subnets in the same order, whatever the case.
    pub fn has_subnets(&self, others: &[SubnetName]) -> bool {
        self.subnets.len() == others.len() && self.subnets.iter().zip(others).all(|(one, other)| one.is_same(other))
    }
}

impl VirtualNetworkName {
    /// Whether both name one network, for a cluster in `group`; Azure makes no difference of case.
    pub fn is_same(&self, other: &Self, group: &ResourceGroupName) -> bool {
        let group_of = |name: &Self| name.resource_group.as_ref().unwrap_or(group).as_str().to_lowercase();
        let subscription = |name: &Self| name.subscription.as_ref().map(|id| id.to_ascii_lowercase());
        self.name.eq_ignore_ascii_case(&other.name)
            && group_of(self) == group_of(other)
            && subscription(self) == subscription(other)
    }
}

impl FromStr for VirtualNetworkName {
    type Err = InvalidResourceName;

    /// `NAME`, `GROUP/NAME` or the network's id.
    fn from_str(text: &str) -> Result<Self, InvalidResourceName> {
        let what = "virtual network";
        let (subscription, group, name) = match text.split('/').collect::<Vec<_>>()[..] {
            [name] => (None, None, name),
            [group, name] => (None, Some(group), name),
            ["", _, subscription, _, group, _, _, _, name] if has_shape(text, ID) => {
                (Some(subscription.to_owned()), Some(group), name)
            }
            _ => return Err(InvalidResourceName::new(what, text, "is neither NAME, GROUP/NAME nor a network's id")),
        };
        check_resource_name(what, name)?;
        let resource_group = group.map(str::parse).transpose();
        let resource_group = resource_group
            .map_err(|error| InvalidResourceName::new(what, text, &format!("has no good group: {error}")))?;
        Ok(Self { subscription, resource_group, name: name.to_owned() })
    }
}

impl fmt::Display for VirtualNetworkName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.subscription, &self.resource_group) {
            (Some(subscription), Some(group)) => write!(
                formatter,
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{}",
                self.name
            ),
            (_, Some(group)) => write!(formatter, "{group}/{}", self.name),
            (_, None) => formatter.write_str(&self.name),
        }
    }
}

stands_as_text!(VirtualNetworkName, InvalidResourceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_three_forms() {
        let id = "/subscriptions/s/resourceGroups/shared/providers/Microsoft.Network/virtualNetworks/hub";
        for (text, expected) in [
            ("hub", Some("hub")),
            ("shared/hub", Some("shared/hub")),
            (id, Some(id)),
            (&id.to_lowercase(), Some(id)),
            ("a/b/c", None),
            ("", None),
            ("group./hub", None),
            ("shared/-hub", None),
            ("/subscriptions/../resourceGroups/shared/providers/Microsoft.Network/virtualNetworks/hub", None),
            ("/subscriptions/s?x/resourceGroups/shared/providers/Microsoft.Network/virtualNetworks/hub", None),
        ] {
            assert_eq!(
                text.parse::<VirtualNetworkName>().ok().map(|name| name.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn case_makes_no_other_network() {
        let group: ResourceGroupName = "mine".parse().unwrap();
        let id = |group: &str| {
            format!("/subscriptions/S/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/hub")
        };
        for (one, other, same) in [
            ("shared/hub", "Shared/HUB", true),
            ("hub", "mine/Hub", true),
            ("hub", "shared/hub", false),
            ("shared/hub", "shared/spoke", false),
            (&id("shared"), &id("SHARED").to_lowercase(), true),
            (&id("shared"), "shared/hub", false),
        ] {
            let parsed = |text: &str| text.parse::<VirtualNetworkName>().unwrap();
            assert_eq!(parsed(one).is_same(&parsed(other), &group), same, "{one} {other}");
        }
    }

    #[test]
    fn subnets_that_belong_to_azure_are_refused() {
        for (text, expected) in [
            ("nodes", None),
            ("My_subnet.1", None),
            ("GatewaySubnet", Some("is kept for virtual network gateways")),
            ("azurebastionsubnet", Some("is kept for Azure Bastion")),
            ("AzureFirewallSubnet", Some("is kept for Azure Firewall")),
            ("AzureFirewallManagementSubnet", Some("is kept for Azure Firewall")),
            ("RouteServerSubnet", Some("is kept for Azure Route Server")),
            ("../x", Some("may have letters")),
            ("", Some("needs 1 to 80 characters")),
        ] {
            match (text.parse::<SubnetName>(), expected) {
                (Ok(name), None) => assert_eq!(name.as_str(), text),
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn nodes_are_spread_over_subnets() {
        let network = ExistingNetwork {
            network: "hub".parse().unwrap(),
            subnets: ["a", "b"].map(|name| name.parse().unwrap()).to_vec(),
            addresses: Vec::new(),
        };
        assert_eq!([0, 1, 2].map(|index| network.subnet(index).as_str()), ["a", "b", "a"]);
        for (names, same) in [(["A", "b"], true), (["b", "a"], false)] {
            assert_eq!(network.has_subnets(&names.map(|name| name.parse().unwrap())), same, "{names:?}");
        }
    }
}
