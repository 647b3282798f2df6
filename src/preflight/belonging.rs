//! What the machines are to belong to and somebody else made: a placement group, identities.

use futures::future::try_join_all;
use serde_json::Value;

use super::allowed;
use crate::arm::{Arm, ArmError, COMPUTE_API_VERSION};
use crate::spec::{Availability, ClusterSpec, MachineIdentity, ProximityPlacementGroup};
use report::Finding;

/// <https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/get>
const IDENTITY_API_VERSION: &str = "2023-01-31";

/// Reads all of it; what may not be read is not judged.
pub(super) async fn look(arm: &Arm, spec: &ClusterSpec) -> Result<Vec<Finding>, ArmError> {
    let group = match &spec.proximity_placement_group {
        Some(ProximityPlacementGroup::Existing(id)) => Some(id),
        _ => None,
    };
    let identities = spec.identities.iter().filter_map(|identity| match identity {
        MachineIdentity::User(id) => Some(id),
        MachineIdentity::System => None,
    });
    let groups = try_join_all(group.into_iter().map(|id| async move {
        let read = arm.get_path("reading the placement group", id, COMPUTE_API_VERSION).await;
        Ok(allowed(read)?.map(|found| judge_group(spec, id, found.as_ref())))
    }));
    let identities = try_join_all(identities.map(|id| async move {
        let read = arm.get_path("reading an identity", id, IDENTITY_API_VERSION).await;
        Ok(allowed(read)?.map(|found| judge_identity(id, found.as_ref())))
    }));
    let (groups, identities) = tokio::try_join!(groups, identities)?;
    Ok(groups.into_iter().chain(identities).flatten().flatten().collect())
}

/// <https://learn.microsoft.com/azure/virtual-machines/co-location>
fn judge_group(spec: &ClusterSpec, id: &str, found: Option<&Value>) -> Option<Finding> {
    let refuse = |message: String, remedy: &str| Some(Finding::refusal("placement group", message, remedy));
    let Some(found) = found else {
        return refuse(format!("`{id}` does not exist"), "az ppg list --output table shows all");
    };
    let location = found["location"].as_str().unwrap_or_default();
    if !location.replace(' ', "").eq_ignore_ascii_case(spec.location.as_str()) {
        return refuse(
            format!("`{id}` is in `{location}`, the cluster in `{}`", spec.location),
            "choose its --location, or another --proximity",
        );
    }
    let zone = found.pointer("/zones/0").and_then(Value::as_str)?;
    match &spec.availability {
        Availability::Set { .. } => refuse(
            format!("`{id}` is in zone {zone}, and availability sets are in none"),
            "--zones ZONE instead of the availability set, or another --proximity",
        ),
        other if other.zones().iter().any(|wanted| wanted.to_string() != zone) => {
            refuse(format!("`{id}` is in zone {zone}"), "choose its zone with --zones, or another --proximity")
        }
        _ => None,
    }
}

fn judge_identity(id: &str, found: Option<&Value>) -> Option<Finding> {
    let missing = || Finding::refusal("identity", format!("`{id}` does not exist"), "az identity list --output table");
    found.is_none().then(missing)
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::spec;
    use super::*;
    use crate::config::parameter::{SCALE_SET, ZONES};
    use serde_json::json;

    #[test]
    fn placement_groups_fit_or_not() {
        let here = json!({"location": "West Europe"});
        let zonal = json!({"location": "westeurope", "zones": ["2"]});
        let zone = |zone| spec(&[(&ZONES, zone), (&SCALE_SET, "true")]);
        for (spec, found, expected) in [
            (spec(&[]), Some(&here), None),
            (spec(&[]), None, Some("placement group: `g` does not exist")),
            (
                spec(&[]),
                Some(&json!({"location": "uksouth"})),
                Some("placement group: `g` is in `uksouth`, the cluster in `westeurope`"),
            ),
            (spec(&[]), Some(&zonal), Some("placement group: `g` is in zone 2, and availability sets are in none")),
            (zone("1"), Some(&zonal), Some("placement group: `g` is in zone 2")),
            (zone("2"), Some(&zonal), None),
        ] {
            let finding = judge_group(&spec, "g", found).map(|finding| finding.to_string());
            assert_eq!(finding.as_deref(), expected);
        }
    }
}
