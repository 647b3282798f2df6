//! Virtual network peerings: stored as they come; whether both sides agree is told when they are read.
//! Source: <https://learn.microsoft.com/azure/virtual-network/virtual-network-peering-overview>

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::arm::document::{children_mut, list, text};
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::draft::Draft;
use crate::state::State;

const REMOTE: &str = "/properties/remoteVirtualNetwork/id";
const COMPUTED: &[&str] =
    &["peeringState", "peeringSyncLevel", "remoteAddressSpace", "remoteVirtualNetworkAddressSpace"];

/// Checks the peerings of a virtual network's draft, whose own ranges are `spaces`. The other side may be in any group,
/// region and subscription.
pub(crate) fn complete(draft: &mut Draft<'_>, spaces: &[Ipv4Net]) -> Result<(), ArmError> {
    let stored = draft.existing.map(|existing| list(&existing.document, "/properties/virtualNetworkPeerings").to_vec());
    let stored = stored.unwrap_or_default();
    // A network that is written without its peerings keeps them.
    draft.default("/properties", "virtualNetworkPeerings", json!(stored));
    let own = draft.id.clone();
    let state = draft.state;
    let mut remotes: Vec<String> = Vec::new();
    for peering in children_mut(&mut draft.document, "virtualNetworkPeerings") {
        let name = text(peering, "/name").unwrap_or_default().to_owned();
        let remote = text(peering, REMOTE)
            .ok_or_else(|| ArmError::required("remoteVirtualNetwork").target("remoteVirtualNetwork"))?
            .to_owned();
        if let Some(properties) = peering["properties"].as_object_mut() {
            properties.retain(|member, _| !COMPUTED.contains(&member.as_str()));
            for (flag, default) in [
                ("allowVirtualNetworkAccess", true),
                ("allowForwardedTraffic", false),
                ("allowGatewayTransit", false),
                ("useRemoteGateways", false),
            ] {
                properties.entry(flag).or_insert(json!(default));
            }
        }
        let found = ResourceId::parse(&remote)
            .filter(|id| id.kind == Kind::VirtualNetwork && id.key() != own.key())
            .and_then(|_| state.get(&key(&remote)));
        let Some(found) = found else {
            // A peering stays when its other side goes.
            if stored.iter().any(|known| text(known, REMOTE) == Some(&remote)) {
                continue;
            }
            return Err(ArmError::bad(
                "InvalidResourceReference",
                format!(
                    "Resource {remote} referenced by resource {} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
                    own.text()
                ),
            ));
        };
        if remotes.contains(&key(&remote)) {
            return Err(ArmError::bad(
                "AnotherPeeringAlreadyReferencesRemoteVnet",
                format!(
                    "Peering {name} cannot be created: another peering already references remote virtual network {remote}."
                ),
            ));
        }
        remotes.push(key(&remote));
        let theirs: Vec<Ipv4Net> = list(&found.document, "/properties/addressSpace/addressPrefixes")
            .iter()
            .filter_map(|prefix| prefix.as_str()?.parse().ok())
            .collect();
        let overlaps = |range: &Ipv4Net| theirs.iter().any(|other| other.contains(range) || range.contains(other));
        if spaces.iter().any(overlaps) {
            return Err(ArmError::bad(
                "VnetAddressSpacesOverlap",
                format!(
                    "Cannot create or update peering {}/virtualNetworkPeerings/{name}. Virtual networks {} and {remote} cannot be peered because their address spaces overlap.",
                    own.text(),
                    own.text()
                ),
            ));
        }
    }
    Ok(())
}

/// Adds the other side's addresses and whether it has a peering back.
pub(crate) fn render(state: &State, network: &ResourceId, answer: &mut Value) {
    let own = network.key();
    for peering in children_mut(answer, "virtualNetworkPeerings") {
        let remote = text(peering, REMOTE).map(key).and_then(|remote| state.get(&remote));
        let is_mutual = remote.is_some_and(|remote| {
            list(&remote.document, "/properties/virtualNetworkPeerings")
                .iter()
                .any(|back| text(back, REMOTE).is_some_and(|id| id.eq_ignore_ascii_case(&own)))
        });
        let peering_state = match (remote, is_mutual) {
            (None, _) => "Disconnected",
            (Some(_), true) => "Connected",
            (Some(_), false) => "Initiated",
        };
        peering["properties"]["peeringState"] = json!(peering_state);
        if let Some(remote) = remote {
            peering["properties"]["remoteAddressSpace"] = remote.document["properties"]["addressSpace"].clone();
        }
    }
}
