//! A validated cluster: `config` makes a [`ClusterSpec`] out of flags, [`settle`] a [`SettledSpec`] out of that and what Azure
//! and a discovery service answered; `plan`, `userdata` and all that follows read it.
//!
//! Nothing after this point holds an invalid name, address or key. The module is pure.

mod account;
mod address;
mod availability;
mod cloud;
pub mod cloud_config;
mod dialect;
mod discovery;
mod existing_network;
mod identity;
mod image;
mod name;
mod overlay;
pub mod pkcs12;
mod port;
mod reserved;
mod resource_id;
mod settled;
mod size;
mod source;
mod ssh_certificate;
mod ssh_key;
mod ssh_key_file;
mod tag;
mod template_set;
mod text;

pub use account::{ClientId, InvalidAccount, SubscriptionId, TenantId};
pub use address::{AddressSpace, RESERVED_FIRST_ADDRESSES, usable_addresses};
pub use availability::{Availability, AvailabilitySetName, ProximityPlacementGroup, Zone};
pub use cloud::AzureCloud;
pub use dialect::Dialect;
pub use discovery::DiscoveryUrl;
pub use existing_network::{ExistingNetwork, SubnetName, VirtualNetworkName};
pub use identity::MachineIdentity;
pub use image::{BlobContainer, Image, ImagePlan, ImageSource, MarketplaceImage};
pub use name::{ClusterName, Location, MachinePrefix, ResourceGroupName};
pub use overlay::Overlay;
pub use port::{LAST_FRONT_PORT, OpenPort, PortProbe, Protocol};
pub use settled::{Answers, Node, SettledSpec, Unsettled, settle, settle_for_show};
pub use size::VmSize;
pub use source::AddressSource;
pub use ssh_certificate::{SshCertificate, Thumbprints};
pub use ssh_key::{InvalidSshKey, SshPublicKey};
pub use tag::{MOST_TAGS, Tag};
pub use template_set::TemplateSet;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Fewest nodes with which etcd survives the loss of one.
pub const QUORUM_NODES: u32 = 3;

/// Why a cluster has to have more nodes than `count`.
pub(crate) fn too_few_nodes(count: u32) -> String {
    format!(
        "must be at least {QUORUM_NODES}, found {count}: etcd stays available while more than half of its members answer, \
         so one or two members survive the loss of none"
    )
}

/// Everything that was asked for; it may leave open what only others know: see [`Answers`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// Also the public DNS label and the first part of every resource's name.
    pub name: ClusterName,
    /// The group that holds all resources.
    pub resource_group: ResourceGroupName,
    /// Which of Azure's clouds.
    #[serde(default)]
    pub cloud: AzureCloud,
    /// The region of every resource.
    pub location: Location,
    /// Number of machines, 3 to 1000; 1 or 2 when allowed expressly.
    pub node_count: u32,
    /// How many of the first nodes are etcd members. It grows with the cluster.
    pub etcd_member_count: u32,
    /// How many of them began etcd together, each told of all of these; the others joined it one after the other. None
    /// means that all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_founder_count: Option<u32>,
    /// Where etcd's members find each other; none means that each is told all of them. A service until the cluster is made.
    #[serde(default)]
    pub discovery_url: Option<DiscoveryUrl>,
    /// Size of every machine.
    pub vm_size: VmSize,
    /// Second part of a machine's name: `<name>-<prefix>-<index>`.
    pub machine_prefix: MachinePrefix,
    /// First public port of the SSH range, one port a node.
    pub first_ssh_port: u16,
    /// The operator's key, for user `core`.
    pub ssh_public_key: SshPublicKey,
    /// Ports that the load balancer spreads over all nodes.
    pub open_ports: Vec<OpenPort>,
    /// Whether the platform's ports that carry TLS stay closed.
    #[serde(default)]
    pub without_tls: bool,
    /// Names of ports that earlier runs opened and that are closed now: their rules are ours to remove.
    #[serde(default)]
    pub closed_ports: Vec<String>,
    /// Size in GiB of each node's disk for `/var/lib/docker`; none means it stays on the OS disk.
    pub data_disk_gib: Option<u32>,
    /// How many data disks of this size each node gets, when it gets any; those after the first are `/var/lib/data1`, ….
    #[serde(default = "one")]
    pub data_disk_count: u32,
    /// What the machines start from.
    pub image: Image,
    /// What Azure says that machines of this image must name.
    #[serde(default)]
    pub image_plan: Option<ImagePlan>,
    /// Size in GiB of each node's OS disk; none means the image's own.
    #[serde(default)]
    pub os_disk_gib: Option<u32>,
    /// What the data disks are kept on, in Azure's words; none means premium where the size takes it.
    #[serde(default)]
    pub data_disk_type: Option<String>,
    /// How the machines are kept from failing together.
    #[serde(default)]
    pub availability: Availability,
    /// Where they are kept close together.
    #[serde(default)]
    pub proximity_placement_group: Option<ProximityPlacementGroup>,
    /// Whether their interfaces are given a part of the host's network card.
    /// <https://learn.microsoft.com/azure/virtual-network/accelerated-networking-overview>
    #[serde(default)]
    pub accelerated_networking: bool,
    /// Whether they are spare capacity that Azure may take back.
    #[serde(default)]
    pub spot: bool,
    #[serde(default)]
    pub identities: Vec<MachineIdentity>,
    /// Whether each node has a public address of its own.
    #[serde(default)]
    pub public_ip_per_node: bool,
    /// Who may reach SSH.
    #[serde(default = "everybody")]
    pub ssh_sources: Vec<AddressSource>,
    /// The user's tags on every resource.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The virtual network's, when it is the cluster's own.
    #[serde(default)]
    pub address_space: AddressSpace,
    /// The virtual network that somebody else made.
    #[serde(default)]
    pub existing_network: Option<ExistingNetwork>,
    /// Additional NTP servers; the host's clock stays the first source.
    pub ntp_servers: Vec<String>,
    /// The user's own file: merged over ours, or sent in its place.
    pub custom_data: Option<Overlay>,
    /// The user's own file is the whole user-data of every node; nothing of ours is rendered.
    #[serde(default)]
    pub custom_data_only: bool,
    /// The form of the machines' user-data.
    #[serde(default)]
    pub user_data_format: Dialect,
    /// What user-data is rendered from.
    #[serde(default)]
    pub templates: TemplateSet,
}

/// As many data disks as clusters had before there could be several.
fn one() -> u32 {
    1
}

impl ClusterSpec {
    /// Each node's number of data disks; their logical unit numbers count from 0.
    pub fn data_disks(&self) -> u32 {
        self.data_disk_gib.map_or(0, |_| self.data_disk_count)
    }

    /// Whether every node's address is known.
    pub fn has_addresses(&self) -> bool {
        self.existing_network.as_ref().is_none_or(|existing| existing.addresses.len() >= self.node_count as usize)
    }

    /// How many of the first nodes began etcd together.
    pub fn etcd_founders(&self) -> u32 {
        self.etcd_founder_count.unwrap_or(self.etcd_member_count)
    }

    /// `<name>-<prefix>-<index>`.
    pub fn machine_name(&self, index: u32) -> String {
        format!("{}-{}-{index}", self.name, self.machine_prefix)
    }

    /// The last public port of the SSH range.
    pub fn last_ssh_port(&self) -> u16 {
        self.first_ssh_port + (self.node_count - 1) as u16
    }
}

/// Whoever has the key, from anywhere.
pub fn everybody() -> Vec<AddressSource> {
    vec![AddressSource::Any]
}

/// How many etcd members a new cluster of `node_count` nodes gets: always odd, 7 at most.
pub fn etcd_member_count(node_count: u32) -> u32 {
    match node_count {
        0..=2 => 1,
        3..=4 => 3,
        5..=99 => 5,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_an_odd_subset() {
        for (nodes, members) in [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (20, 5), (99, 5), (100, 7), (200, 7)] {
            assert_eq!(etcd_member_count(nodes), members, "{nodes} nodes");
        }
    }
}
