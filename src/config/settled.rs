//! What an earlier run settled and no later one changes: `resolve` asks here of every value.

use serde_json::Value;

use super::parameter::{
    AVAILABILITY_SET, CLOUD, LOCATION, PARAMETERS, PROXIMITY, Parameter, RESOURCE_GROUP, SCALE_SET, ZONES,
};
use super::resolver::Resolver;
use crate::spec::ClusterSpec;

/// What binds as soon as any resource exists; everything else that is settled waits for machines.
const OF_RESOURCES: [&Parameter; 4] = [&CLOUD, &LOCATION, &RESOURCE_GROUP, &PROXIMITY];
/// What an earlier run named, when only the case is another now: Azure makes no difference, and ids keep their spelling.
pub(super) fn as_before<T: Clone + ToString>(earlier: &T, now: T) -> T {
    if earlier.to_string().to_lowercase() == now.to_string().to_lowercase() { earlier.clone() } else { now }
}

/// What was settled when the cluster was made stays.
pub(super) fn refuse_changes(resolver: &mut Resolver, earlier: &ClusterSpec, spec: &ClusterSpec) {
    let ways = [&SCALE_SET, &ZONES, &AVAILABILITY_SET];
    if earlier.availability != spec.availability && !ways.iter().any(|way| resolver.is_unreadable(way)) {
        let parameter = ways.into_iter().find(|way| resolver.given(way).is_some()).unwrap_or(&AVAILABILITY_SET);
        let (was, is) = (&earlier.availability, &spec.availability);
        resolver.problem_with_hint(
            parameter,
            format!("the cluster's way of keeping machines apart is `{was}` and cannot become `{is}`"),
            way_out(parameter),
        );
    }
    for parameter in PARAMETERS {
        let (Some(what), Some(resolved)) = (parameter.settled, parameter.resolved) else { continue };
        if resolver.is_unreadable(parameter)
            || (!resolver.has_machines && !OF_RESOURCES.iter().any(|bound| bound.key == parameter.key))
        {
            continue;
        }
        let (was, is) = (resolved(earlier), resolved(spec));
        if was != is {
            let text = |value| shown(value, parameter.unit);
            let verb = if was.is_array() { "are" } else { "is" };
            resolver.problem_with_hint(
                parameter,
                format!("the cluster's {what} {verb} `{}` and cannot become `{}`", text(&was), text(&is)),
                way_out(parameter),
            );
        }
    }
}

fn way_out(parameter: &Parameter) -> String {
    format!(
        "leave `{}` out: what was settled stays; or give another NAME, which is a cluster of its own",
        parameter.flag
    )
}

/// A value as people write it.
fn shown(value: &Value, unit: &str) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(|value| shown(value, unit)).collect::<Vec<_>>().join(", "),
        Value::Number(number) if unit == "GiB" => format!("{number} GiB"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{
        ADDRESS_SPACE, DATA_DISK, DEIS, NUM_NODES, SSH, SSH_CERT, SUBNET_NAMES, VIRTUAL_NETWORK_NAME,
    };
    use crate::config::resolve::tests::{input, key, messages};
    use crate::config::{InputFile, resolve, resolve_before_machines};

    #[test]
    fn what_an_earlier_run_settled_stays() {
        let first = input(&[(&NUM_NODES, "4"), (&DEIS, "true"), (&DATA_DISK, "50")]);
        let earlier = resolve(&first, None, &key()).unwrap();
        let again = resolve(&input(&[]), Some(&earlier), &key()).unwrap();
        assert_eq!(again, earlier);
        let grown = resolve(&input(&[(&NUM_NODES, "9")]), Some(&earlier), &key()).unwrap();
        assert_eq!((grown.node_count, grown.etcd_member_count, grown.etcd_founders()), (9, 5, 3));
        let other = input(&[(&NUM_NODES, "3"), (&LOCATION, "eastus"), (&SSH, "3000"), (&DATA_DISK, "60")]);
        let messages = messages(&other, Some(&earlier));
        for part in [
            "`--num-nodes`: the cluster has 4 nodes",
            "`--location`: the cluster's location is `westeurope` and cannot become `eastus`",
            "`--ssh`: the cluster's first SSH port is `22001` and cannot become `3000`",
            "`--data-disk`: the cluster's data disk is `50 GiB` and cannot become `60 GiB`",
        ] {
            assert!(messages.iter().any(|message| message.starts_with(part)), "{part}\n{messages:#?}");
        }
        assert_eq!(messages.len(), 4, "{messages:#?}");
    }

    #[test]
    fn names_keep_the_case_that_they_were_given_in() {
        let with = |group, set, near| input(&[(&RESOURCE_GROUP, group), (&AVAILABILITY_SET, set), (&PROXIMITY, near)]);
        let earlier = resolve(&with("Production", "Racks", "Near"), None, &key()).unwrap();
        assert_eq!(resolve(&with("production", "racks", "NEAR"), Some(&earlier), &key()), Ok(earlier.clone()));
        let found = messages(&with("production2", "racks2", "near2"), Some(&earlier));
        assert_eq!(found.len(), 3, "{found:#?}");
    }

    #[test]
    fn a_key_is_the_same_with_another_comment() {
        let file = |text: &str| {
            let mut input = input(&[(&SSH_CERT, "x.pub")]);
            let file = InputFile { path: "x.pub".into(), content: Ok(text.as_bytes().to_vec()) };
            input.files.insert(SSH_CERT.key, file);
            input
        };
        let (one, other) = (key(), key());
        let bare: Vec<&str> = one.as_str().split(' ').take(2).collect();
        let earlier = resolve(&file(one.as_str()), None, &key()).unwrap();
        let again = resolve(&file(&format!("{} somebody else", bare.join(" "))), Some(&earlier), &key());
        assert_eq!(again, Ok(earlier.clone()));
        assert!(messages(&file(other.as_str()), Some(&earlier))[0].contains("the cluster's SSH key is"));
    }

    #[test]
    fn a_network_keeps_the_case_that_it_was_named_in() {
        let with = |network, subnets| input(&[(&VIRTUAL_NETWORK_NAME, network), (&SUBNET_NAMES, subnets)]);
        let earlier = resolve(&with("Shared/hub", "a,b"), None, &key()).unwrap();
        for again in [
            with("shared/HUB", "A,b"),
            input(&[(&VIRTUAL_NETWORK_NAME, "shared/hub")]),
            input(&[(&SUBNET_NAMES, "A,B")]),
        ] {
            assert_eq!(resolve(&again, Some(&earlier), &key()), Ok(earlier.clone()));
        }
        let found = messages(&with("shared/spoke", "b,a"), Some(&earlier));
        assert_eq!(found.len(), 2, "{found:#?}");
        let subnets = "the cluster's subnets are `a, b` and cannot become `b, a`";
        assert!(found.iter().any(|message| message.contains(subnets)), "{found:#?}");
    }

    #[test]
    fn without_machines_only_the_place_is_settled() {
        let first = input(&[(&NUM_NODES, "5"), (&SSH, "3000"), (&DATA_DISK, "50")]);
        let earlier = resolve(&first, None, &key()).unwrap();
        let other = input(&[(&NUM_NODES, "3"), (&SSH, "4000"), (&DATA_DISK, "60"), (&ADDRESS_SPACE, "10.64.0.0/16")]);
        let spec = resolve_before_machines(&other, &earlier, &key()).unwrap();
        assert_eq!((spec.first_ssh_port, spec.data_disk_gib), (4000, Some(60)));
        assert_eq!((spec.node_count, spec.etcd_member_count), (3, 3));
        let kept = resolve_before_machines(&input(&[]), &earlier, &key()).unwrap();
        assert_eq!(kept, earlier, "what is not said stays");
        let moved = input(&[(&LOCATION, "eastus"), (&RESOURCE_GROUP, "other")]);
        assert_eq!(resolve_before_machines(&moved, &earlier, &key()).unwrap_err().iter().count(), 2);
    }
}
