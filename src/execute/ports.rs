//! Reads back which public port leads to which node: with a NAT rule for a whole pool, Azure hands the ports out.
//!
//! <https://learn.microsoft.com/azure/load-balancer/inbound-nat-rules>

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use crate::plan::ResourceNames;
use crate::spec::{Node, SettledSpec};

/// The SSH NAT rule's public port of every node, by node name.
///
/// One read of the pool answers for all nodes; a node that is missing there is asked for by itself
/// (`queryInboundNatRulePortMapping`).
pub(crate) async fn ssh_ports(
    arm: &Arm,
    spec: &SettledSpec,
    names: &ResourceNames,
) -> Result<BTreeMap<String, u16>, ArmError> {
    let pool = names.backend_address_pool();
    let document = arm.get(&pool).await?.ok_or_else(|| gone(&pool))?;
    let known = |node: &Node| port_in_pool(&document, &configuration_id(names, node));
    let ports = try_join_all(spec.nodes().into_iter().map(|node| {
        let from_pool = known(&node);
        let pool = &pool;
        async move {
            if let Some(port) = from_pool {
                return Ok((node.name, port));
            }
            let query = json!({ "ipConfiguration": { "id": configuration_id(names, &node) } });
            let answer: Value = arm.post(pool, "queryInboundNatRulePortMapping", Some(&query)).await?;
            match port_in_mappings(&answer["inboundNatRulePortMappings"]) {
                Some(port) => Ok((node.name, port)),
                None => Err(ArmError::local(
                    ArmErrorKind::Unexpected,
                    format!("reading the SSH port of node `{}`", node.name),
                    "the load balancer has not given it one",
                )),
            }
        }
    }))
    .await?;
    Ok(ports.into_iter().collect())
}

/// What was made a moment ago must be there.
pub(crate) fn gone(id: &ResourceId) -> ArmError {
    let message =
        "the answer is not Azure Resource Manager's: it says that this does not exist, which was made just now";
    ArmError::local(ArmErrorKind::NotAzure, format!("reading {id}"), message)
}

fn configuration_id(names: &ResourceNames, node: &Node) -> String {
    names.network_interface(&node.name).child("ipConfigurations/primary").path().to_owned()
}

fn port_in_pool(pool: &Value, configuration_id: &str) -> Option<u16> {
    let addresses = pool.pointer("/properties/loadBalancerBackendAddresses")?.as_array()?;
    let address = addresses.iter().find(|address| {
        address
            .pointer("/properties/networkInterfaceIPConfiguration/id")
            .and_then(Value::as_str)
            .is_some_and(|id| id.eq_ignore_ascii_case(configuration_id))
    })?;
    port_in_mappings(address.pointer("/properties/inboundNatRulesPortMapping")?)
}

fn port_in_mappings(mappings: &Value) -> Option<u16> {
    let ssh = mappings.as_array()?.iter().find(|mapping| mapping["backendPort"] == 22)?;
    u16::try_from(ssh["frontendPort"].as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_the_interface() {
        let pool = json!({"properties": {"loadBalancerBackendAddresses": [
            {"properties": {"networkInterfaceIPConfiguration": {"id": "/NIC/0"}, "inboundNatRulesPortMapping": [
                {"inboundNatRuleName": "other", "frontendPort": 9000, "backendPort": 90},
                {"inboundNatRuleName": "ssh", "frontendPort": 22002, "backendPort": 22}]}},
            {"properties": {"networkInterfaceIPConfiguration": {"id": "/nic/1"}}},
        ]}});
        for (id, port) in [("/nic/0", Some(22002)), ("/nic/1", None), ("/nic/2", None)] {
            assert_eq!(port_in_pool(&pool, id), port, "{id}");
        }
        assert_eq!(port_in_pool(&json!({}), "/nic/0"), None);
    }
}
