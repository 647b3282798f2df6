//! How machines are kept apart: an availability set, zones or a scale set, and what each of them excludes.

use super::parameter::{AVAILABILITY_SET, PROXIMITY, SCALE_SET, SPOT, ZONES};
use super::resolver::Resolver;
use super::settled::as_before;
use crate::spec::{Availability, ProximityPlacementGroup, Zone};

/// What is asked for, else what an earlier run settled.
pub(super) fn availability(resolver: &mut Resolver) -> Availability {
    let name = resolver.parsed(&AVAILABILITY_SET);
    let zones = zones(resolver);
    let scale_set = resolver.switch(&SCALE_SET);
    let set_rank = resolver.given(&AVAILABILITY_SET).map(|given| given.origin.rank());
    let other = match (&zones, scale_set) {
        (Some(_), _) => Some(&ZONES),
        (None, Some(true)) => Some(&SCALE_SET),
        _ => None,
    };
    let other_rank = other.and_then(|other| resolver.given(other)).map(|given| given.origin.rank());
    match (set_rank, other_rank) {
        (Some(set), Some(other_rank)) if set == other_rank => {
            let flag = other.map_or("", |parameter| parameter.flag);
            resolver.problem(
                &AVAILABILITY_SET,
                format!("machines in an availability set are in no `{flag}`; give one of them"),
            );
            Availability::default()
        }
        (Some(set), other_rank) if other_rank.is_none_or(|other| other < set) => {
            name.map_or_else(Availability::default, |name| Availability::Set { name })
        }
        (_, Some(_)) if scale_set == Some(true) => Availability::ScaleSet { zones: zones.unwrap_or_default() },
        (_, Some(_)) => Availability::Zones { zones: zones.unwrap_or_default() },
        _ => resolver.earlier.map(|earlier| earlier.availability.clone()).unwrap_or_default(),
    }
}

fn zones(resolver: &mut Resolver) -> Option<Vec<Zone>> {
    let mut zones: Vec<Zone> = resolver.list(&ZONES)?;
    let count = zones.len();
    zones.sort();
    zones.dedup();
    if zones.len() < count {
        resolver.problem(&ZONES, "names a zone twice");
    }
    if zones.is_empty() { None } else { Some(zones) }
}

/// Machines that are close together are in one zone.
/// <https://learn.microsoft.com/azure/virtual-machines/co-location#what-to-expect-when-using-proximity-placement-groups>
pub(super) fn proximity(resolver: &mut Resolver, availability: &Availability) -> Option<ProximityPlacementGroup> {
    let earlier = resolver.earlier.and_then(|earlier| earlier.proximity_placement_group.clone());
    let group = match (resolver.parsed(&PROXIMITY), earlier) {
        (Some(group), Some(earlier)) => Some(as_before(&earlier, group)),
        (group, earlier) => group.or(earlier),
    };
    let zones = availability.zones().len();
    if group.is_some() && zones > 1 {
        let message = format!("machines of one placement group are in one zone, and `--zones` names {zones}");
        resolver.problem_with_hint(&PROXIMITY, message, "choose one zone, or leave one of the two out");
    }
    group
}

/// <https://learn.microsoft.com/azure/virtual-machines/spot-vms#limitations>
pub(super) fn spot(resolver: &mut Resolver, availability: &Availability) -> bool {
    let earlier = resolver.earlier.is_some_and(|earlier| earlier.spot);
    let spot = resolver.switch(&SPOT).unwrap_or(earlier);
    if spot && matches!(availability, Availability::Set { .. }) {
        let message = "Azure takes no Spot machines into availability sets";
        resolver.problem_with_hint(&SPOT, message, "add `--zones 1,2,3` or `--scale-set`");
    }
    spot
}

#[cfg(test)]
mod tests {
    use super::super::parameter::{NUM_NODES, Parameter};
    use super::super::{ClusterInput, resolve};
    use super::*;
    use crate::pki::generate_ssh_key_pair;
    use serde_json::json;

    #[test]
    fn machines_are_kept_apart_in_one_way() {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        type Flags<'a> = &'a [(&'a Parameter, &'a str)];
        let cases: [(Flags, Result<serde_json::Value, &str>); 12] = [
            (&[], Ok(json!({"kind": "set", "name": null}))),
            (&[(&AVAILABILITY_SET, "racks")], Ok(json!({"kind": "set", "name": "racks"}))),
            (&[(&ZONES, "3,1")], Ok(json!({"kind": "zones", "zones": ["1", "3"]}))),
            (&[(&SCALE_SET, "true")], Ok(json!({"kind": "scale_set", "zones": []}))),
            (&[(&SCALE_SET, "true"), (&ZONES, "2"), (&SPOT, "true")], Ok(json!({"kind": "scale_set", "zones": ["2"]}))),
            (&[(&ZONES, "1,2"), (&NUM_NODES, "1000")], Ok(json!({"kind": "zones", "zones": ["1", "2"]}))),
            (&[(&ZONES, "1"), (&AVAILABILITY_SET, "racks")], Err("in no `--zones`")),
            (&[(&SCALE_SET, "true"), (&AVAILABILITY_SET, "racks")], Err("in no `--scale-set`")),
            (&[(&ZONES, "1,4,1")], Err("zone `4`")),
            (
                &[(&PROXIMITY, "near"), (&ZONES, "1,3")],
                Err("one placement group are in one zone, and `--zones` names 2"),
            ),
            (&[(&SPOT, "true")], Err("no Spot machines into availability sets")),
            (&[(&NUM_NODES, "201")], Err("at most 200 (one availability set)")),
        ];
        for (flags, expected) in cases {
            let found = resolve(&ClusterInput::flags("mycluster", flags), None, &key);
            match (found, expected) {
                (Ok(spec), Ok(expected)) => assert_eq!(json!(spec.availability), expected),
                (Err(problems), Err(part)) => assert!(problems.to_string().contains(part), "{problems}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }
}
