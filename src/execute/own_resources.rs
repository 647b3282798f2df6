//! Which resources can be a cluster's: those that its spec makes, and, when the spec is lost or of an earlier time,
//! those that a group's list shows with the cluster's tag and a name that only it gives. `removal` asks for each by id.

use std::collections::BTreeSet;

use super::group_list::Listed;
use crate::arm::{Resource, ResourceId};
use crate::plan::{ResourceNames, carries_tag, data_disk_name};
use crate::spec::{Availability, ProximityPlacementGroup, SettledSpec};

/// The names of everything that one cluster can have made.
#[derive(Clone, Debug)]
pub(crate) struct OwnResources {
    names: ResourceNames,
    cluster: String,
    /// `<name>-<prefix>-`: a machine's name without its index. None when nothing tells it.
    machine_stem: Option<String>,
    /// What is asked for whatever the list says.
    expected: Vec<ResourceId>,
}

impl OwnResources {
    /// Of a cluster whose spec is known.
    pub(crate) fn of_spec(subscription: &str, spec: &SettledSpec) -> Self {
        let names = ResourceNames::new(subscription, spec);
        let expected = expected(spec, &names);
        let first = spec.machine_name(0);
        Self { names, cluster: spec.name.to_string(), machine_stem: stem(&first), expected }
    }

    /// Of a cluster of which only the names are known; `machines` are those that its inventory holds.
    pub(crate) fn of_names(subscription: &str, group: &str, cluster: &str, machines: &[String]) -> Self {
        let names = ResourceNames::of(subscription, group, cluster);
        let mut expected = vec![
            names.load_balancer(),
            names.virtual_network(),
            names.availability_set(&format!("{cluster}-as")),
            names.scale_set(),
            names.public_ip_address(),
            names.network_security_group(),
            names.image(),
        ];
        expected.extend(machines.iter().flat_map(|machine| of_machine(&names, machine)));
        let machine_stem = machines.first().and_then(|machine| stem(machine));
        Self { names, cluster: cluster.to_owned(), machine_stem, expected }
    }

    /// The group that holds them.
    pub(crate) fn group(&self) -> ResourceId {
        self.names.resource_group()
    }

    /// What is asked for whatever a list says.
    pub(crate) fn expected(&self) -> &[ResourceId] {
        &self.expected
    }

    /// Whether a resource carries the cluster's tag.
    pub(crate) fn carries_tag(&self, resource: &Resource) -> bool {
        carries_tag(&self.cluster, resource)
    }

    /// Whether the group's list says that an entry is the cluster's.
    pub(crate) fn is_listed_as_ours(&self, listed: &Listed) -> bool {
        // Azure need not pass a machine's tags on to its disks.
        listed.cluster() == Some(&self.cluster) || same(&listed.resource_type, "Microsoft.Compute/disks")
    }

    /// Whether this path is asked for whatever the list says.
    pub(crate) fn is_expected(&self, path: &str) -> bool {
        self.expected.iter().any(|id| same(id.path(), path))
    }

    /// Everything to ask for by id: what is expected, and what the list shows under names of ours, in an order that does
    /// not hang on the list's.
    pub(crate) fn candidates(&self, list: &[Listed]) -> Vec<ResourceId> {
        let mut all = self.expected.clone();
        let mut known: BTreeSet<String> = all.iter().map(|id| id.path().to_ascii_lowercase()).collect();
        let mut listed: Vec<ResourceId> = list.iter().filter_map(|listed| self.recognise(listed)).collect();
        listed.sort_by_key(|id| id.path().to_ascii_lowercase());
        all.extend(listed.into_iter().filter(|id| known.insert(id.path().to_ascii_lowercase())));
        all
    }

    /// The id of a listed resource that can only be this cluster's. A tag alone is no proof: policies pass a group's tags
    /// on to whatever is in it. <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-policies>
    fn recognise(&self, listed: &Listed) -> Option<ResourceId> {
        let (name, cluster) = (listed.name.as_str(), self.cluster.as_str());
        let tagged = listed.cluster() == Some(cluster);
        let own = |suffix: &str| tagged && same(name, &format!("{cluster}-{suffix}"));
        let machine = |name: &str| self.is_machine(name);
        let id = match listed.resource_type.to_ascii_lowercase().as_str() {
            "microsoft.compute/virtualmachines" if tagged && machine(name) => self.names.virtual_machine(name),
            // Azure need not pass a machine's tags on to its disks.
            "microsoft.compute/disks" if self.is_disk(name) => self.names.disk(name),
            "microsoft.network/networkinterfaces" if tagged && name.strip_suffix("-nic").is_some_and(machine) => {
                self.names.network_interface(name.strip_suffix("-nic")?)
            }
            "microsoft.network/publicipaddresses" if tagged && name.strip_suffix("-ip").is_some_and(machine) => {
                self.names.node_public_ip_address(name.strip_suffix("-ip")?)
            }
            "microsoft.network/publicipaddresses" if own("ip") => self.names.public_ip_address(),
            "microsoft.network/networksecuritygroups" if own("nsg") => self.names.network_security_group(),
            "microsoft.network/virtualnetworks" if own("vnet") => self.names.virtual_network(),
            "microsoft.network/loadbalancers" if own("lb") => self.names.load_balancer(),
            "microsoft.compute/images" if own("image") => self.names.image(),
            "microsoft.compute/virtualmachinescalesets" if own("vmss") => self.names.scale_set(),
            "microsoft.compute/availabilitysets" if own("as") => self.names.availability_set(name),
            _ => return None,
        };
        same(id.path(), &listed.id).then_some(id)
    }

    /// The machine at this path, when it has a name of ours and is in the cluster's group.
    pub(crate) fn machine_at(&self, path: &str) -> Option<ResourceId> {
        let name = path.rsplit('/').next()?;
        let machine = self.is_machine(name).then(|| self.names.virtual_machine(name))?;
        same(machine.path(), path).then_some(machine)
    }

    /// Whether this is the machine, or what was made for it: disks, an interface, an address.
    pub(crate) fn is_of_machine(&self, id: &ResourceId, machine: &str) -> bool {
        let data_disk = || {
            let (of, number) = id.name().rsplit_once("-data-")?;
            Some(id.kind() == "disk" && of == machine && is_number(number))
        };
        of_machine(&self.names, machine).iter().any(|own| same(own.path(), id.path())) || data_disk() == Some(true)
    }

    fn is_machine(&self, name: &str) -> bool {
        let index = self.machine_stem.as_deref().and_then(|stem| name.strip_prefix(stem));
        index.is_some_and(is_number)
    }

    fn is_disk(&self, name: &str) -> bool {
        let data = || name.rsplit_once("-data-").filter(|(_, number)| is_number(number)).map(|(machine, _)| machine);
        name.strip_suffix("-os").or_else(data).is_some_and(|machine| self.is_machine(machine))
    }
}

/// Ids know no case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether the path is this one or below it, as a machine's extensions are.
pub(super) fn is_at_or_below(path: &str, own: &str) -> bool {
    path.get(..own.len()).is_some_and(|start| same(start, own))
        && path[own.len()..].chars().next().is_none_or(|next| next == '/')
}

/// In which of the stages a resource goes: a stage's members go together, each stage after what uses it.
pub(super) fn stage(id: &ResourceId) -> usize {
    match id.kind() {
        "virtual machine" => 0,
        // Machines take these along; they are named too, for a run that was stopped between the two.
        "disk" | "network interface" => 1,
        "load balancer" | "virtual network" | "availability set" | "scale set" => 2,
        _ => 3,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `mycluster-coreos-` of `mycluster-coreos-0`.
fn stem(machine: &str) -> Option<String> {
    let (stem, index) = machine.rsplit_once('-')?;
    is_number(index).then(|| format!("{stem}-"))
}

fn of_machine(names: &ResourceNames, machine: &str) -> [ResourceId; 4] {
    [
        names.virtual_machine(machine),
        names.disk(&format!("{machine}-os")),
        names.network_interface(machine),
        // Made by a run with other options, it is still ours.
        names.node_public_ip_address(machine),
    ]
}

fn expected(spec: &SettledSpec, names: &ResourceNames) -> Vec<ResourceId> {
    let nodes = spec.nodes();
    let mut all: Vec<ResourceId> = nodes.iter().flat_map(|node| of_machine(names, &node.name)).collect();
    all.extend(nodes.iter().flat_map(|node| (0..spec.data_disks()).map(|lun| names.disk(&data_disk_name(node, lun)))));
    all.push(names.load_balancer());
    if spec.existing_network.is_none() {
        all.push(names.virtual_network());
    }
    match &spec.availability {
        Availability::Set { name } => all.push(names.availability_set(&name.resource_name(spec.name.as_str()))),
        Availability::ScaleSet { .. } => all.push(names.scale_set()),
        Availability::Zones { .. } => {}
    }
    all.extend([names.public_ip_address(), names.network_security_group(), names.image()]);
    if let Some(ProximityPlacementGroup::Named(group)) = &spec.proximity_placement_group {
        all.push(names.proximity_placement_group(group));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_below_a_machine_belongs_to_it() {
        let machine = ResourceNames::of("s", "g", "mycluster").virtual_machine("mycluster-coreos-1");
        let machine = machine.path();
        for (path, expected) in [
            (machine.to_owned(), true),
            (machine.to_uppercase(), true),
            (format!("{machine}/extensions/agent"), true),
            (format!("{machine}0"), false),
            ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/ö".into(), false),
        ] {
            assert_eq!(is_at_or_below(&path, machine), expected, "{path}");
        }
    }

    #[test]
    fn what_was_made_for_a_machine() {
        let machines: Vec<String> = (0..20).map(|index| format!("mycluster-coreos-{index}")).collect();
        let own = OwnResources::of_names("s", "g", "mycluster", &machines);
        let names = ResourceNames::of("s", "g", "mycluster");
        for (id, expected) in [
            (names.virtual_machine("mycluster-coreos-1"), true),
            (names.disk("mycluster-coreos-1-os"), true),
            (names.disk("mycluster-coreos-1-data-0"), true),
            (names.disk("mycluster-coreos-1-data-12"), true),
            (names.network_interface("mycluster-coreos-1"), true),
            (names.node_public_ip_address("mycluster-coreos-1"), true),
            (names.virtual_machine("mycluster-coreos-10"), false),
            (names.virtual_machine("mycluster-coreos-1-data-0"), false),
            (names.disk("mycluster-coreos-11-os"), false),
            (names.disk("mycluster-coreos-1-data-x"), false),
            (names.disk("mycluster-coreos-12-data-0"), false),
            (names.load_balancer(), false),
            (names.public_ip_address(), false),
            (names.resource_group(), false),
        ] {
            assert_eq!(own.is_of_machine(&id, "mycluster-coreos-1"), expected, "{id}");
        }
    }

    #[test]
    fn names_tell_what_is_ours_and_tags_alone_do_not() {
        let own = OwnResources::of_names("s", "g", "mycluster", &["mycluster-coreos-0".into()]);
        let listed = |id: String, resource_type: &str, cluster: Option<&str>| -> Listed {
            let name = id.rsplit('/').next().unwrap().to_owned();
            let tags = cluster.map(|cluster| json!({"coreos-cluster": cluster}));
            serde_json::from_value(json!({"id": id, "type": resource_type, "name": name, "tags": tags})).unwrap()
        };
        let found = |resource_type: &str, name: &str, cluster: Option<&str>| {
            let id = format!("/SUBSCRIPTIONS/s/resourceGroups/G/providers/{resource_type}/{name}");
            own.recognise(&listed(id, resource_type, cluster)).is_some()
        };
        let tag = Some("mycluster");
        for (resource_type, name, cluster, expected) in [
            ("Microsoft.Compute/virtualMachines", "mycluster-coreos-7", tag, true),
            ("Microsoft.Compute/virtualMachines", "mycluster-coreos-7", None, false),
            ("Microsoft.Compute/virtualMachines", "mycluster-coreos-7", Some("other"), false),
            ("Microsoft.Compute/virtualMachines", "mycluster-coreos-x", tag, false),
            ("Microsoft.Compute/virtualMachines", "mycluster-jump-0", tag, false),
            ("Microsoft.Compute/disks", "mycluster-coreos-7-os", None, true),
            ("Microsoft.Compute/disks", "mycluster-coreos-7-data-1", None, true),
            ("Microsoft.Compute/disks", "mycluster-database", tag, false),
            ("Microsoft.Network/networkInterfaces", "mycluster-coreos-3-nic", tag, true),
            ("Microsoft.Network/publicIPAddresses", "mycluster-coreos-3-ip", tag, true),
            ("Microsoft.Network/publicIPAddresses", "mycluster-ip", tag, true),
            ("microsoft.network/publicipaddresses", "MYCLUSTER-IP", tag, true),
            ("Microsoft.Network/publicIPAddresses", "precious", tag, false),
            ("Microsoft.Compute/availabilitySets", "mycluster-as", tag, true),
            ("Microsoft.Compute/availabilitySets", "theirs", tag, false),
            ("Microsoft.Storage/storageAccounts", "mycluster", tag, false),
        ] {
            assert_eq!(found(resource_type, name, cluster), expected, "{resource_type} {name} {cluster:?}");
        }
        let other_group =
            "/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/publicIPAddresses/mycluster-ip";
        let elsewhere = listed(other_group.into(), "Microsoft.Network/publicIPAddresses", tag);
        assert_eq!(own.recognise(&elsewhere), None);
        let machine = |group: &str, name: &str| {
            own.machine_at(&format!("/subscriptions/s/{group}/providers/Microsoft.Compute/virtualMachines/{name}"))
        };
        assert!(machine("resourcegroups/g", "mycluster-coreos-2").is_some());
        assert_eq!(machine("resourceGroups/g", "other-coreos-2"), None);
        assert_eq!(machine("resourceGroups/other", "mycluster-coreos-2"), None);
    }
}
