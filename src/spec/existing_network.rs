//! A virtual network that somebody else made, in which the nodes take free addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ResourceGroupName;
use super::availability::{InvalidResourceName, check_resource_name};
use super::text::stands_as_text;

/// The network, its subnets, and what is known of the nodes' places in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingNetwork {
    pub network: VirtualNetworkName,
    /// Nodes are spread over them, one after another; never empty.
    pub subnets: Vec<String>,
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

impl ExistingNetwork {
    /// The subnet of the node with this index.
    pub fn subnet(&self, index: u32) -> &str {
        &self.subnets[index as usize % self.subnets.len()]
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
            ["", subscriptions, subscription, groups, group, providers, provider, kind, name]
                if [subscriptions, groups, providers, provider, kind].join("/").eq_ignore_ascii_case(
                    "subscriptions/resourceGroups/providers/Microsoft.Network/virtualNetworks",
                ) =>
            {
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
        ] {
            assert_eq!(
                text.parse::<VirtualNetworkName>().ok().map(|name| name.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn nodes_are_spread_over_subnets() {
        let network = ExistingNetwork {
            network: "hub".parse().unwrap(),
            subnets: vec!["a".into(), "b".into()],
            addresses: Vec::new(),
        };
        assert_eq!([0, 1, 2].map(|index| network.subnet(index)), ["a", "b", "a"]);
    }
}
