//! What a stopped cluster goes on costing, and what is saved.

use super::super::preflight;
use super::cluster::PoweredCluster;
use crate::arm::VirtualMachine;
use crate::execute::Machine;
use crate::preflight::Estimate;
use crate::spec::ClusterSpec;

/// What is paid for as long as it exists, whether machines run or not.
/// <https://learn.microsoft.com/azure/virtual-machines/states-billing>
pub(super) fn still_paid_for(spec: &ClusterSpec, machines: usize) -> Vec<String> {
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let mut things = vec![counted(machines, "OS disk", "OS disks")];
    let data_disks = spec.data_disks() as usize * machines;
    if data_disks > 0 {
        things.push(counted(data_disks, "data disk", "data disks"));
    }
    let addresses = if spec.public_ip_per_node { machines + 1 } else { 1 };
    things.push(counted(addresses, "public address", "public addresses"));
    things.push("the load balancer".to_owned());
    things
}

/// The list price of the machines; none when it is not known, or when machines are not what the spec says.
pub(super) async fn saved(cluster: &PoweredCluster) -> Option<Estimate> {
    let spec = &cluster.stored.spec;
    let own = &cluster.machines.own;
    let is_as_specified = |machine: &Machine| {
        let read: Option<VirtualMachine> = machine.resource.decode(&machine.id).ok();
        read.is_some_and(|read| read.size().eq_ignore_ascii_case(spec.vm_size.as_str()))
    };
    let all_are = own.len() == spec.node_count as usize && own.iter().all(is_as_specified);
    if !all_are {
        return None;
    }
    preflight::price(&cluster.connection, spec).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{ALLOW_SMALL, DATA_DISK, DATA_DISK_COUNT, NUM_NODES};
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;

    #[test]
    fn what_goes_on_costing() {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        for (flags, expected) in [
            (&[][..], "3 OS disks, 1 public address, the load balancer"),
            (
                &[(&NUM_NODES, "1"), (&ALLOW_SMALL, "true"), (&DATA_DISK, "100")][..],
                "1 OS disk, 1 data disk, 1 public address, the load balancer",
            ),
            (
                &[(&DATA_DISK, "100"), (&DATA_DISK_COUNT, "2")][..],
                "3 OS disks, 6 data disks, 1 public address, the load balancer",
            ),
        ] {
            let spec = resolve(&ClusterInput::flags("mycluster", flags), None, &key).unwrap();
            assert_eq!(still_paid_for(&spec, spec.node_count as usize).join(", "), expected);
        }
    }
}
