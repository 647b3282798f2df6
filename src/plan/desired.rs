//! Everything that a spec asks for, with the order in which it can be made.

use serde_json::Value;

use super::resource::{self, FirstBoot};
use super::step::StepKey;
use crate::arm::ResourceId;
use crate::spec::{Availability, ClusterSpec, ExistingNetwork, Image, Node, ProximityPlacementGroup, SettledSpec};

/// The tag that every resource of a cluster carries; its value is the cluster's name.
pub const CLUSTER_TAG: &str = "coreos-cluster";

/// One resource as it should be.
#[derive(Clone, PartialEq)]
pub struct Desired {
    pub key: StepKey,
    pub id: ResourceId,
    pub body: Value,
    pub needs: Vec<StepKey>,
}

/// The ids of a cluster's resources, all derived from its name.
#[derive(Clone, Debug)]
pub struct ResourceNames {
    subscription: String,
    group: String,
    name: String,
}

impl ResourceNames {
    /// The ids of `spec` in `subscription`.
    pub fn new(subscription: &str, spec: &ClusterSpec) -> Self {
        Self::of(subscription, spec.resource_group.as_str(), spec.name.as_str())
    }

    /// The ids of the cluster with this name in this group.
    pub fn of(subscription: &str, group: &str, name: &str) -> Self {
        Self { subscription: subscription.to_owned(), group: group.to_owned(), name: name.to_owned() }
    }

    fn resource(&self, resource_type: &str, name: &str) -> ResourceId {
        ResourceId::resource(&self.subscription, &self.group, resource_type, name)
    }

    pub fn resource_group(&self) -> ResourceId {
        ResourceId::resource_group(&self.subscription, &self.group)
    }

    pub fn network_security_group(&self) -> ResourceId {
        self.resource("Microsoft.Network/networkSecurityGroups", &format!("{}-nsg", self.name))
    }

    pub fn public_ip_address(&self) -> ResourceId {
        self.resource("Microsoft.Network/publicIPAddresses", &format!("{}-ip", self.name))
    }

    /// The one with this name, see [`AvailabilitySetName`](crate::spec::AvailabilitySetName).
    pub fn availability_set(&self, set: &str) -> ResourceId {
        self.resource("Microsoft.Compute/availabilitySets", set)
    }

    pub fn scale_set(&self) -> ResourceId {
        self.resource("Microsoft.Compute/virtualMachineScaleSets", &format!("{}-vmss", self.name))
    }

    /// One of our own; others have ids.
    pub fn proximity_placement_group(&self, group: &str) -> ResourceId {
        self.resource("Microsoft.Compute/proximityPlacementGroups", group)
    }

    /// The image that is made from a disk of the user's.
    pub fn image(&self) -> ResourceId {
        self.resource("Microsoft.Compute/images", &format!("{}-image", self.name))
    }

    /// Of the machine with this name.
    pub fn node_public_ip_address(&self, machine: &str) -> ResourceId {
        self.resource("Microsoft.Network/publicIPAddresses", &format!("{machine}-ip"))
    }

    /// The cluster's own.
    pub fn virtual_network(&self) -> ResourceId {
        self.resource("Microsoft.Network/virtualNetworks", &format!("{}-vnet", self.name))
    }

    /// The nodes' own subnet.
    pub fn subnet(&self) -> ResourceId {
        self.virtual_network().child("subnets/nodes")
    }

    /// A network that somebody else made.
    pub fn existing_network(&self, existing: &ExistingNetwork) -> ResourceId {
        let group = existing.network.resource_group.as_ref().map_or(self.group.as_str(), |group| group.as_str());
        let network = &existing.network.name;
        ResourceId::resource(&self.subscription, group, "Microsoft.Network/virtualNetworks", network)
    }

    /// The subnet that a node is in.
    pub fn subnet_of(&self, spec: &ClusterSpec, node: &Node) -> ResourceId {
        match &spec.existing_network {
            Some(existing) => {
                self.existing_network(existing).child(&format!("subnets/{}", existing.subnet(node.index)))
            }
            None => self.subnet(),
        }
    }

    pub fn load_balancer(&self) -> ResourceId {
        self.resource("Microsoft.Network/loadBalancers", &format!("{}-lb", self.name))
    }

    pub fn backend_address_pool(&self) -> ResourceId {
        self.load_balancer().child("backendAddressPools/nodes")
    }

    /// Of the machine with this name.
    pub fn network_interface(&self, machine: &str) -> ResourceId {
        self.resource("Microsoft.Network/networkInterfaces", &format!("{machine}-nic"))
    }

    pub fn virtual_machine(&self, machine: &str) -> ResourceId {
        self.resource("Microsoft.Compute/virtualMachines", machine)
    }

    /// A disk that was made together with a machine.
    pub fn disk(&self, disk: &str) -> ResourceId {
        self.resource("Microsoft.Compute/disks", disk)
    }
}

/// All resources of the cluster, each after what it needs. `first_boots` holds what each node is given, by index.
pub fn desired(spec: &SettledSpec, names: &ResourceNames, first_boots: &[FirstBoot]) -> Vec<Desired> {
    use StepKey as Key;
    let one = |key, id, body, needs: &[StepKey]| Desired { key, id, body, needs: needs.to_vec() };
    let mut all = vec![
        one(Key::ResourceGroup, names.resource_group(), resource::resource_group(spec), &[]),
        one(
            Key::NetworkSecurityGroup,
            names.network_security_group(),
            resource::network_security_group(spec),
            &[Key::ResourceGroup],
        ),
        one(Key::PublicIpAddress, names.public_ip_address(), resource::public_ip_address(spec), &[Key::ResourceGroup]),
    ];
    let mut apart_needs = vec![Key::ResourceGroup];
    if let Some(ProximityPlacementGroup::Named(group)) = &spec.proximity_placement_group {
        let id = names.proximity_placement_group(group);
        all.push(one(
            Key::ProximityPlacementGroup,
            id,
            resource::proximity_placement_group(spec),
            &[Key::ResourceGroup],
        ));
        apart_needs = vec![Key::ProximityPlacementGroup];
    }
    let mut machine_needs = apart_needs.clone();
    match &spec.availability {
        Availability::Set { name } => {
            let id = names.availability_set(&name.resource_name(spec.name.as_str()));
            all.push(one(Key::AvailabilitySet, id, resource::availability_set(spec, names), &apart_needs));
            machine_needs = vec![Key::AvailabilitySet];
        }
        Availability::ScaleSet { .. } => {
            all.push(one(Key::ScaleSet, names.scale_set(), resource::scale_set(spec, names), &apart_needs));
            machine_needs = vec![Key::ScaleSet];
        }
        Availability::Zones { .. } => {}
    }
    if let Image::Vhd(blob) = &spec.image {
        all.push(one(Key::Image, names.image(), resource::image(spec, blob), &[Key::ResourceGroup]));
        machine_needs.push(Key::Image);
    }
    // A subnet of ours carries the security group; in somebody else's each interface does.
    let mut network_needs = Key::VirtualNetwork;
    if spec.existing_network.is_some() {
        network_needs = Key::NetworkSecurityGroup;
    } else {
        all.push(one(
            Key::VirtualNetwork,
            names.virtual_network(),
            resource::virtual_network(spec, names),
            &[Key::NetworkSecurityGroup],
        ));
    }
    all.push(one(
        Key::LoadBalancer,
        names.load_balancer(),
        resource::load_balancer(spec, names),
        &[Key::PublicIpAddress],
    ));
    for (node, first_boot) in spec.nodes().iter().zip(first_boots) {
        let mut interface_needs = vec![network_needs, Key::LoadBalancer];
        if spec.public_ip_per_node {
            let key = Key::NodePublicIpAddress(node.index);
            let id = names.node_public_ip_address(&node.name);
            all.push(one(key, id, resource::node_public_ip_address(spec, node), &[Key::ResourceGroup]));
            interface_needs.push(key);
        }
        all.push(one(
            Key::NetworkInterface(node.index),
            names.network_interface(&node.name),
            resource::network_interface(spec, names, node),
            &interface_needs,
        ));
        let needs: Vec<Key> = machine_needs.iter().copied().chain([Key::NetworkInterface(node.index)]).collect();
        all.push(one(
            Key::VirtualMachine(node.index),
            names.virtual_machine(&node.name),
            resource::virtual_machine(spec, names, node, first_boot),
            &needs,
        ));
    }
    all
}
