//! Free addresses in subnets that somebody else made, and whether machines may be in those subnets.
//! <https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks/check-ip-address-availability>

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use futures::future::try_join_all;
use ipnet::Ipv4Net;
use serde_json::Value;

use crate::arm::{Arm, ArmError, Availability, ResourceId};
use crate::spec::{ClusterSpec, ExistingNetwork, RESERVED_FIRST_ADDRESSES, SubnetName};

/// Addresses that are asked about at the same time.
const PARALLEL_QUESTIONS: usize = 16;

/// What a network that exists has for the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeAddresses {
    /// Of each node by its index.
    Known(Vec<Ipv4Addr>),
    /// Why the nodes cannot be there, everything at once.
    Refused(Vec<String>),
}

/// The addresses of all nodes: those that are known already, and free ones for the others.
pub(crate) async fn addresses(
    arm: &Arm,
    network_id: &ResourceId,
    spec: &ClusterSpec,
    existing: &ExistingNetwork,
) -> Result<NodeAddresses, ArmError> {
    let refused = |message: String| Ok(NodeAddresses::Refused(vec![message]));
    let Some(document) = arm.get(network_id).await? else {
        return refused(format!("virtual network `{}` does not exist", existing.network));
    };
    let location = document["location"].as_str().unwrap_or_default();
    if !location.replace(' ', "").eq_ignore_ascii_case(spec.location.as_str()) {
        return refused(format!(
            "virtual network `{}` is in `{location}`, the cluster in `{}`",
            existing.network, spec.location
        ));
    }
    let mut found = existing.addresses.clone();
    let mut taken: BTreeSet<Ipv4Addr> = found.iter().copied().collect();
    let (mut ranges, mut mistakes) = (Vec::new(), Vec::new());
    for subnet in &existing.subnets {
        match range(&document, subnet) {
            Ok(range) => ranges.push(range),
            Err(message) => mistakes.push(message),
        }
    }
    if !mistakes.is_empty() {
        return Ok(NodeAddresses::Refused(mistakes));
    }
    let mut free: Vec<Vec<Ipv4Addr>> = vec![Vec::new(); ranges.len()];
    for index in found.len() as u32..spec.node_count {
        let place = index as usize % ranges.len();
        if free[place].is_empty() {
            let remaining = (spec.node_count - index) as usize;
            free[place] = free_in(arm, network_id, ranges[place], remaining.div_ceil(ranges.len()), &taken).await?;
        }
        if free[place].is_empty() {
            return refused(format!(
                "subnet `{}` ({}) has no free address left for node {index}",
                existing.subnets[place], ranges[place]
            ));
        }
        let address = free[place].remove(0);
        taken.insert(address);
        found.push(address);
    }
    Ok(NodeAddresses::Known(found))
}

/// The IPv4 range of a subnet of the network, when machines may be in it.
pub(super) fn range(network: &Value, subnet: &SubnetName) -> Result<Ipv4Net, String> {
    let all: Vec<&Value> =
        network.pointer("/properties/subnets").and_then(Value::as_array).into_iter().flatten().collect();
    let name_of = |one: &Value| one["name"].as_str().map(str::to_owned);
    let is_it = |one: &&&Value| name_of(one).is_some_and(|name| name.eq_ignore_ascii_case(subnet.as_str()));
    let Some(found) = all.iter().find(is_it) else {
        let names: Vec<String> = all.iter().filter_map(|one| name_of(one)).collect();
        let there =
            if names.is_empty() { "it has none".to_owned() } else { format!("there are: {}", names.join(", ")) };
        return Err(format!("there is no subnet `{subnet}`; {there}"));
    };
    let properties = &found["properties"];
    // Nothing but the service that it is delegated to may have an address there.
    // <https://learn.microsoft.com/azure/virtual-network/subnet-delegation-overview>
    let delegations = properties["delegations"].as_array().into_iter().flatten();
    let services: Vec<&str> = delegations
        .map(|one| one.pointer("/properties/serviceName").or(one.get("name")).and_then(Value::as_str))
        .map(|service| service.unwrap_or("a service"))
        .collect();
    if !services.is_empty() {
        let services = services.join(", ");
        return Err(format!(
            "subnet `{subnet}` is delegated to {services}, and takes no machines; name another subnet"
        ));
    }
    let prefixes = std::iter::once(&properties["addressPrefix"])
        .chain(properties["addressPrefixes"].as_array().into_iter().flatten());
    let mut ranges = prefixes.filter_map(|prefix| prefix.as_str()?.parse().ok());
    ranges.next().ok_or_else(|| format!("subnet `{subnet}` has no IPv4 range"))
}

/// The first `count` free addresses of a subnet, fewer when it has no more.
async fn free_in(
    arm: &Arm,
    network_id: &ResourceId,
    range: Ipv4Net,
    count: usize,
    taken: &BTreeSet<Ipv4Addr>,
) -> Result<Vec<Ipv4Addr>, ArmError> {
    // `hosts` leaves the first and the last address out.
    let hosts = range.hosts().skip(RESERVED_FIRST_ADDRESSES as usize - 1);
    let candidates: Vec<Ipv4Addr> = hosts.filter(|address| !taken.contains(address)).collect();
    let mut free = Vec::new();
    for some in candidates.chunks(PARALLEL_QUESTIONS) {
        let answers = try_join_all(some.iter().map(|address| is_free(arm, network_id, *address))).await?;
        free.extend(some.iter().zip(answers).filter(|(_, is_free)| *is_free).map(|(address, _)| *address));
        if free.len() >= count {
            free.truncate(count);
            break;
        }
    }
    Ok(free)
}

async fn is_free(arm: &Arm, network_id: &ResourceId, address: Ipv4Addr) -> Result<bool, ArmError> {
    let path = format!("{}/CheckIPAddressAvailability?ipAddress={address}", network_id.path());
    let answer: Option<Availability> =
        arm.get_path(&format!("asking whether {address} is free"), &path, network_id.api_version()).await?;
    Ok(answer.is_some_and(|answer| answer.available))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subnets_are_found_by_name() {
        let network = json!({"properties": {"subnets": [
            {"name": "Nodes", "properties": {"addressPrefix": "10.1.0.0/24"}},
            {"name": "many", "properties": {"addressPrefixes": ["fd00::/64", "10.2.0.0/24"]}},
            {"name": "web", "properties": {
                "addressPrefix": "10.3.0.0/24",
                "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
            }},
            {"name": "open", "properties": {"addressPrefix": "10.4.0.0/24", "delegations": []}},
        ]}});
        for (name, expected) in [
            ("nodes", Ok("10.1.0.0/24")),
            ("many", Ok("10.2.0.0/24")),
            ("open", Ok("10.4.0.0/24")),
            (
                "Web",
                Err(
                    "subnet `Web` is delegated to Microsoft.Web/serverFarms, and takes no machines; name another subnet",
                ),
            ),
            ("other", Err("there is no subnet `other`; there are: Nodes, many, web, open")),
        ] {
            assert_eq!(
                range(&network, &name.parse().unwrap()).map(|range| range.to_string()),
                expected.map(str::to_owned).map_err(str::to_owned)
            );
        }
    }
}
