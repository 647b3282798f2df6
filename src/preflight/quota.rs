//! Quotas: how much of the region's and the family's share is left for what is still to be made.
//! <https://learn.microsoft.com/rest/api/compute/usage/list>, <https://learn.microsoft.com/rest/api/virtualnetwork/usages/list>

use std::collections::BTreeMap;

use super::Needs;
use crate::arm::Usage;
use crate::spec::ClusterSpec;
use report::Finding;

/// What does not fit; `compute` and `network` are the usages of the region.
pub(super) fn judge(compute: &[Usage], network: &[Usage], needs: &Needs) -> Vec<Finding> {
    let vcpus = u64::from(needs.machines) * u64::from(needs.vcpus_per_machine);
    let cores = if needs.spot { "lowPriorityCores" } else { "cores" };
    let mut asked = vec![
        (compute, vec![cores], vcpus, if needs.spot { "Spot vCPUs of the region" } else { "vCPUs of the region" }),
        (compute, vec!["virtualMachines"], needs.machines.into(), "virtual machines of the region"),
        (compute, vec!["availabilitySets"], needs.availability_sets.into(), "availability sets of the region"),
        (compute, vec!["virtualMachineScaleSets"], needs.scale_sets.into(), "scale sets of the region"),
        (
            network,
            vec!["IPv4StandardSkuPublicIpAddresses", "StandardSkuPublicIpAddresses", "PublicIPAddresses"],
            needs.public_addresses.into(),
            "public IP addresses of the region",
        ),
        (network, vec!["NetworkInterfaces"], needs.machines.into(), "network interfaces of the region"),
        (network, vec!["NetworkSecurityGroups"], needs.security_groups.into(), "security groups of the region"),
        (network, vec!["VirtualNetworks"], needs.virtual_networks.into(), "virtual networks of the region"),
        (
            network,
            vec!["LoadBalancers", "StandardSkuLoadBalancers"],
            needs.load_balancers.into(),
            "load balancers of the region",
        ),
    ];
    for (usage, count) in &needs.disks {
        let what = if usage.starts_with("Premium") { "premium disks of the region" } else { "disks of the region" };
        asked.push((compute, vec![usage], u64::from(*count), what));
    }
    // Spot machines share one quota across families.
    let family = needs.family.as_str();
    let of_family = format!("vCPUs of `{family}`");
    if !needs.spot && !family.is_empty() {
        asked.insert(1, (compute, vec![family], vcpus, &of_family));
    }
    let judged = asked.into_iter().filter_map(|(usages, names, wanted, what)| {
        // Where a kind counts against several limits, the tightest decides.
        let limits = names.iter().filter_map(|name| find(usages, name));
        let usage = limits.min_by_key(|usage| usage.limit.saturating_sub(usage.current_value))?;
        let left = usage.limit.saturating_sub(usage.current_value);
        if wanted == 0 || wanted <= left {
            return None;
        }
        let message =
            format!("{wanted} {what} are needed, {left} are left ({} of {} in use)", usage.current_value, usage.limit);
        let remedy = "ask for more in the portal (Quotas), or take fewer --num-nodes, another --vm-size or --location";
        Some(Finding::refusal("quota", message, remedy))
    });
    judged.collect()
}

/// The disks of machines that are still to be made: one for the system each, and the data disks.
pub(super) fn disks(spec: &ClusterSpec, machines: u32) -> BTreeMap<&'static str, u32> {
    let mut disks = BTreeMap::new();
    let mut add = |kind: &str, count: u32| {
        let usage = match kind.split('_').next() {
            Some("Premium") => "PremiumDiskCount",
            Some("StandardSSD") => "StandardSSDDiskCount",
            _ => "StandardDiskCount",
        };
        *disks.entry(usage).or_default() += count;
    };
    let of_size = if spec.vm_size.has_premium_disks() { "Premium_LRS" } else { "StandardSSD_LRS" };
    add(of_size, machines);
    add(spec.data_disk_type.as_deref().unwrap_or(of_size), machines * spec.data_disks());
    disks
}

fn find<'a>(usages: &'a [Usage], name: &str) -> Option<&'a Usage> {
    usages.iter().find(|usage| usage.name.value.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_left_must_do() {
        let usage = |name: &str, current: u64, limit: u64| -> Usage {
            let usage = json!({"name": {"value": name}, "currentValue": current, "limit": limit, "unit": "Count"});
            serde_json::from_value(usage).unwrap()
        };
        let compute = [
            usage("cores", 4, 12),
            usage("standardDASv5Family", 4, 8),
            usage("lowPriorityCores", 0, 3),
            usage("virtualMachines", 2, 100),
            usage("PremiumDiskCount", 48, 50),
        ];
        let network = [
            usage("PublicIPAddresses", 2, 10),
            usage("StandardSkuPublicIpAddresses", 2, 3),
            usage("NetworkInterfaces", 0, 100),
        ];
        let needs = Needs {
            machines: 3,
            vcpus_per_machine: 2,
            family: "standardDASv5Family".into(),
            public_addresses: 1,
            ..Needs::default()
        };
        for (needs, expected) in [
            (needs.clone(), vec!["quota: 6 vCPUs of `standardDASv5Family` are needed, 4 are left (4 of 8 in use)"]),
            (Needs { machines: 2, ..needs.clone() }, vec![]),
            (Needs { machines: 0, public_addresses: 0, ..needs.clone() }, vec![]),
            (
                Needs { machines: 5, public_addresses: 6, ..needs.clone() },
                vec![
                    "quota: 10 vCPUs of the region are needed, 8 are left (4 of 12 in use)",
                    "quota: 10 vCPUs of `standardDASv5Family` are needed, 4 are left (4 of 8 in use)",
                    "quota: 6 public IP addresses of the region are needed, 1 are left (2 of 3 in use)",
                ],
            ),
            (
                Needs {
                    machines: 1,
                    disks: [("PremiumDiskCount", 4), ("StandardDiskCount", 9)].into(),
                    ..needs.clone()
                },
                vec!["quota: 4 premium disks of the region are needed, 2 are left (48 of 50 in use)"],
            ),
            (
                Needs { spot: true, ..needs.clone() },
                vec!["quota: 6 Spot vCPUs of the region are needed, 3 are left (0 of 3 in use)"],
            ),
        ] {
            let found: Vec<String> = judge(&compute, &network, &needs).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected);
        }
        assert_eq!(judge(&[], &[], &needs), [], "what is not listed is not limited");
    }
}
