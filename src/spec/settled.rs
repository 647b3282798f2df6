//! A cluster without unknowns: [`settle`] makes a [`SettledSpec`] of what was asked and what others answered. Everything
//! after it reads it, and nothing changes it.

use std::net::Ipv4Addr;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::{ClusterSpec, DiscoveryUrl, ImagePlan, etcd_member_count};

/// What Azure and a discovery service say about what a spec leaves open. An answer to what the spec does not leave open has
/// no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// What machines of the image must name; none when there is no such thing, or nobody may read it.
    pub image_plan: Option<ImagePlan>,
    /// Of each node by its index, in the network that exists.
    pub addresses: Vec<Ipv4Addr>,
    /// From the service that makes tokens.
    pub token: Option<DiscoveryUrl>,
}

/// A [`ClusterSpec`] in which every node's address, the image's plan and the discovery URL's token are known. Serialised:
/// as the spec; one that is read must be as settled as one that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ClusterSpec")]
pub struct SettledSpec(ClusterSpec);

/// What a spec still leaves open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    #[error("of {nodes} nodes in virtual network `{network}`, the addresses of {known} are known")]
    Addresses { network: String, nodes: u32, known: usize },
    #[error("`{0}` makes tokens for etcd's discovery, and was not asked for one")]
    Token(DiscoveryUrl),
}

/// One machine of the cluster, as far as it is known before anything exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// 0 for the first.
    pub index: u32,
    /// Resource name, computer name and hostname.
    pub name: String,
    /// Static private address.
    pub address: Ipv4Addr,
    /// Whether etcd runs here as a member.
    pub etcd_member: bool,
    /// Whether etcd had begun before this member came.
    pub etcd_joins: bool,
}

/// The spec with the answers in it.
///
/// # Errors
/// When they leave something open: the address of a node, or the token.
pub fn settle(mut spec: ClusterSpec, answers: Answers) -> Result<SettledSpec, Unsettled> {
    let has_addresses = spec.has_addresses();
    if let Some(existing) = spec.existing_network.as_mut().filter(|_| !has_addresses) {
        existing.addresses = answers.addresses;
    }
    spec.image_plan = spec.image_plan.or(answers.image_plan);
    if spec.discovery_url.as_ref().is_some_and(DiscoveryUrl::is_service) && answers.token.is_some() {
        spec.discovery_url = answers.token;
    }
    spec.try_into()
}

/// The spec of a cluster that is shown and not made: `plan`, `preflight` and `user-data` ask no service for a token, which
/// would be one's own for nothing. Where the token will be, the service's URL stands in. Nothing stands in for an address.
///
/// # Errors
/// When the address of a node is not known.
pub fn settle_for_show(spec: ClusterSpec, answers: Answers) -> Result<SettledSpec, Unsettled> {
    let token = spec.discovery_url.as_ref().map(DiscoveryUrl::as_if_token);
    settle(spec, Answers { token, ..answers })
}

impl TryFrom<ClusterSpec> for SettledSpec {
    type Error = Unsettled;

    fn try_from(spec: ClusterSpec) -> Result<Self, Unsettled> {
        if let Some(existing) = spec.existing_network.as_ref().filter(|_| !spec.has_addresses()) {
            let network = existing.network.to_string();
            return Err(Unsettled::Addresses { network, nodes: spec.node_count, known: existing.addresses.len() });
        }
        match &spec.discovery_url {
            Some(service @ DiscoveryUrl::Service { .. }) => Err(Unsettled::Token(service.clone())),
            _ => Ok(Self(spec)),
        }
    }
}

impl Deref for SettledSpec {
    type Target = ClusterSpec;

    fn deref(&self) -> &ClusterSpec {
        &self.0
    }
}

impl SettledSpec {
    /// The same cluster with its first `node_count` nodes alone; with as many as it has or more, as it is. `members` is how many
    /// members etcd has then, where that is known: what was asked for once need not have come.
    pub fn without_later_nodes(&self, node_count: u32, members: Option<u32>) -> Self {
        let mut spec = self.0.clone();
        spec.node_count = spec.node_count.min(node_count);
        let most = spec.etcd_member_count.min(node_count);
        spec.etcd_member_count = members.map_or(most, |members| members.max(etcd_member_count(node_count)).min(most));
        let founders = spec.etcd_founder_count.map(|founders| founders.min(node_count));
        spec.etcd_founder_count = founders.filter(|founders| *founders < spec.etcd_member_count);
        if let Some(existing) = spec.existing_network.as_mut() {
            existing.addresses.truncate(spec.node_count as usize);
        }
        Self(spec)
    }

    /// All nodes in order.
    pub fn nodes(&self) -> Vec<Node> {
        let node = |(index, address): (u32, Ipv4Addr)| Node {
            index,
            name: self.machine_name(index),
            address,
            etcd_member: index < self.etcd_member_count,
            etcd_joins: (self.etcd_founders()..self.etcd_member_count).contains(&index),
        };
        match &self.existing_network {
            Some(existing) => (0..self.node_count).zip(existing.addresses.iter().copied()).map(node).collect(),
            None => (0..self.node_count).map(|index| node((index, self.address_space.address(index)))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{DISCOVERY_SERVICE_URL, Parameter, SUBNET_NAMES, VIRTUAL_NETWORK_NAME};
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;

    const NETWORK: (&Parameter, &str) = (&VIRTUAL_NETWORK_NAME, "shared/office");
    const SUBNET: (&Parameter, &str) = (&SUBNET_NAMES, "nodes");
    const SERVICE: (&Parameter, &str) = (&DISCOVERY_SERVICE_URL, "https://host/new?size=3");

    fn asked(flags: &[(&Parameter, &str)]) -> ClusterSpec {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        resolve(&ClusterInput::flags("mycluster", flags), None, &key).unwrap()
    }

    fn addresses(count: u8) -> Vec<Ipv4Addr> {
        (0..count).map(|index| Ipv4Addr::new(10, 1, 0, 4 + index)).collect()
    }

    fn token() -> DiscoveryUrl {
        "https://host/0123".parse().unwrap()
    }

    #[test]
    fn what_is_open_is_answered_or_refused() {
        let with = |addresses, token| Answers { addresses, token, image_plan: None };
        for (flags, answers, refused) in [
            (&[][..], with(vec![], None), None),
            (
                &[NETWORK, SUBNET],
                with(vec![], None),
                Some("of 3 nodes in virtual network `shared/office`, the addresses of 0"),
            ),
            (&[NETWORK, SUBNET], with(addresses(2), None), Some("the addresses of 2 are known")),
            (&[NETWORK, SUBNET], with(addresses(3), None), None),
            (&[SERVICE], with(vec![], None), Some("`https://host/new?size=3` makes tokens")),
            (
                &[SERVICE],
                with(vec![], Some("https://host/new".parse().unwrap())),
                Some("`https://host/new` makes tokens"),
            ),
            (&[SERVICE], with(vec![], Some(token())), None),
            (&[NETWORK, SUBNET, SERVICE], with(addresses(3), Some(token())), None),
        ] {
            let settled = settle(asked(flags), answers.clone());
            match (settled, refused) {
                (Ok(settled), None) => {
                    let found: Vec<Ipv4Addr> = settled.nodes().iter().map(|node| node.address).collect();
                    let own = (0..3).map(|index| settled.address_space.address(index)).collect();
                    assert_eq!(found, if settled.existing_network.is_some() { addresses(3) } else { own }, "{flags:?}");
                    assert_eq!(settled.discovery_url, answers.token, "{flags:?}");
                    let stored = serde_json::to_value(&settled).unwrap();
                    assert_eq!(stored, serde_json::to_value(&*settled).unwrap(), "stored as the spec that it is");
                    assert_eq!(serde_json::from_value::<SettledSpec>(stored).unwrap(), settled);
                }
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                (settled, refused) => panic!("{flags:?}: {settled:?} instead of {refused:?}"),
            }
        }
        let stored = serde_json::to_value(asked(&[NETWORK, SUBNET])).unwrap();
        let error = serde_json::from_value::<SettledSpec>(stored).unwrap_err().to_string();
        assert!(error.contains("the addresses of 0 are known"), "{error}");
    }

    #[test]
    fn what_is_known_stays() {
        let mut spec = asked(&[NETWORK, SUBNET, (&DISCOVERY_SERVICE_URL, "https://host/4567")]);
        spec.existing_network.as_mut().unwrap().addresses = addresses(3);
        let others = Answers { addresses: vec![Ipv4Addr::LOCALHOST; 3], token: Some(token()), image_plan: None };
        assert_eq!(*settle(spec.clone(), others).unwrap(), spec);
    }

    #[test]
    fn only_a_token_has_a_stand_in() {
        let service = asked(&[SERVICE]);
        let shown = settle_for_show(service, Answers::default()).unwrap();
        assert_eq!(shown.discovery_url.as_ref().unwrap().to_string(), "https://host/new?size=3");
        let network = asked(&[NETWORK, SUBNET]);
        assert!(matches!(settle_for_show(network, Answers::default()), Err(Unsettled::Addresses { .. })));
    }
}
