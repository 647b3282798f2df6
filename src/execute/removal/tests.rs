use super::look::{Look, Owners, lower, sorted_out};
use super::verdict::Ghosts;
use super::*;
use crate::arm::{Resource, ResourceId};
use crate::execute::group_list::Listed;
use crate::plan::ResourceNames;
use serde_json::{Value, json};

const OURS: &str = "coreos-cluster";

fn own() -> OwnResources {
    OwnResources::of_names("s", "g", "mycluster", &["mycluster-coreos-0".into()])
}

fn ids() -> Vec<ResourceId> {
    let names = ResourceNames::of("s", "g", "mycluster");
    vec![names.network_security_group(), names.virtual_machine("mycluster-coreos-0"), names.load_balancer()]
}

fn resource(document: Value) -> Resource {
    Resource::read(document).unwrap()
}

fn entry(path: &str) -> Listed {
    serde_json::from_value(json!({"id": path, "type": "T/t", "name": path.rsplit('/').next()})).unwrap()
}

fn tagged(path: &str, cluster: &str) -> Listed {
    let document = json!({"id": path, "type": "T/t", "name": path.rsplit('/').next(), "tags": {OURS: cluster}});
    serde_json::from_value(document).unwrap()
}

#[test]
fn a_group_goes_whole_only_when_both_ways_of_asking_agree() {
    let group = |tag: &str| Some(resource(json!({"tags": {tag: "mycluster"}})));
    let listed: Vec<Listed> = ids().iter().map(|id| entry(&id.path().to_ascii_uppercase())).collect();
    let with = |more: Listed| Some([listed.clone(), vec![more]].concat());
    let foreign = entry("/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/precious");
    let extension = entry(&format!("{}/extensions/agent", ids()[1].path()));
    let absent = ResourceNames::of("s", "g", "mycluster").public_ip_address();
    let look = |group: Option<Resource>, list: Option<Vec<Listed>>, found: Vec<ResourceId>| Look {
        group,
        list,
        found,
        absent: vec![absent.clone()],
        ..Look::default()
    };
    for (what, look, expected) in [
        ("nothing at all", look(None, None, vec![]), "nothing"),
        ("all of it ours", look(group(OURS), Some(listed.clone()), ids()), "group of 3"),
        ("with what is below a machine", look(group(OURS), with(extension), ids()), "group of 3"),
        ("an empty group of ours", look(group(OURS), Some(vec![]), vec![]), "group of 0"),
        ("with a stranger", look(group(OURS), with(foreign.clone()), ids()), "1,1,1 beside 1"),
        ("in a group of someone else", look(group("team"), Some(listed.clone()), ids()), "1,1,1 beside 0"),
        ("only strangers left", look(group(OURS), Some(vec![foreign]), vec![]), " beside 1"),
        ("a list that lacks one", look(group(OURS), Some(listed[1..].to_vec()), ids()), "lacks network security group"),
        ("an empty list", look(group(OURS), Some(vec![]), ids()), "lacks"),
        ("no list", look(group(OURS), None, ids()), "cannot be listed"),
        ("no list of an empty group", look(group(OURS), None, vec![]), "cannot be listed"),
        ("no group", look(None, None, ids()), "does not exist, but network security group"),
        ("no group but a list", look(None, Some(listed.clone()), ids()), "can be listed"),
        (
            "a listed one that is not there",
            look(group(OURS), with(entry(absent.path())), ids()),
            "has public IP address",
        ),
    ] {
        let found = match judge(&own(), &look, Ghosts::Contradiction) {
            Ok(Removal::Nothing) => "nothing".to_owned(),
            Ok(Removal::Group { resources, .. }) => format!("group of {}", resources.len()),
            Ok(Removal::Resources { stages, others }) => {
                let counts: Vec<String> = stages.iter().map(|stage| stage.len().to_string()).collect();
                format!("{} beside {}", counts.join(","), others.len())
            }
            Err(why) => why,
        };
        assert!(found.contains(expected), "{what}: {found}");
    }
    // A list that is late by a deletion; of an entry that is not ours, another's word counts, and it may yet be there.
    for (ghost, is_group) in [
        (tagged(absent.path(), "mycluster"), true),
        (tagged(absent.path(), "other"), false),
        (entry(absent.path()), false),
    ] {
        let late = look(group(OURS), with(ghost.clone()), ids());
        for ghosts in [Ghosts::OfEarlierDeletion, Ghosts::OfDeletion] {
            assert_eq!(matches!(judge(&own(), &late, ghosts), Ok(Removal::Group { .. })), is_group);
        }
        // All that is listed is said to be gone: after a deletion it is, else nobody knows.
        let all = look(group(OURS), Some(vec![ghost]), vec![]);
        assert!(judge(&own(), &all, Ghosts::OfEarlierDeletion).is_err());
        assert!(judge(&own(), &all, Ghosts::OfDeletion).is_ok());
    }
}

#[test]
fn a_list_in_another_order_says_the_same() {
    let names = ["mycluster-coreos-7", "mycluster-coreos-5", "precious", "dear"];
    let path = |name: &str| ResourceNames::of("s", "g", "mycluster").virtual_machine(name).path().to_owned();
    let machine = |name: &&str| -> Listed {
        let tags = json!({OURS: "mycluster"});
        let kind = "Microsoft.Compute/virtualMachines";
        serde_json::from_value(json!({"id": path(name), "type": kind, "name": name, "tags": tags})).unwrap()
    };
    let judged = |list: Vec<Listed>| {
        let found = own().candidates(&list).into_iter().filter(|id| list.iter().any(|one| one.id == id.path()));
        let look =
            Look { found: found.collect(), group: Some(resource(json!({}))), list: Some(list), ..Look::default() };
        judge(&own(), &look, Ghosts::Contradiction).unwrap()
    };
    let first = judged(names.iter().map(machine).collect());
    assert_eq!(first.ids().len(), 2);
    assert_eq!(first, judged(names.iter().rev().map(machine).collect()));
}

#[test]
fn what_lost_its_tag_is_neither_ours_nor_gone() {
    let names = ResourceNames::of("s", "g", "mycluster");
    let machine = |index: u32| names.virtual_machine(&format!("mycluster-coreos-{index}"));
    let disk = |index: u32| names.disk(&format!("mycluster-coreos-{index}-os"));
    let (ours, bare) = (json!({"tags": {"Coreos-Cluster": "mycluster"}}), json!({"tags": {"team": "a"}}));
    let of = |index: u32| json!({"managedBy": machine(index).path().to_ascii_uppercase().replace("MYCLUSTER-COREOS", "mycluster-coreos")});
    let nic = names.network_interface("mycluster-coreos-0");
    for (what, candidates, owners, found, untagged) in [
        ("a machine and its disk", vec![(machine(0), &ours), (disk(0), &of(0))], vec![(0, true)], 2, vec![]),
        (
            "a machine without its tag",
            vec![(machine(0), &bare), (disk(0), &of(0))],
            vec![(0, false)],
            0,
            vec![machine(0)],
        ),
        ("a disk of a machine that is gone", vec![(disk(0), &of(0))], vec![(0, true)], 1, vec![]),
        ("a disk of no machine", vec![(disk(0), &bare)], vec![], 0, vec![disk(0)]),
        ("a disk of a stranger's machine", vec![(disk(7), &of(7))], vec![(7, false)], 0, vec![]),
        ("our disk on a stranger's machine", vec![(disk(0), &of(7))], vec![(7, false)], 0, vec![disk(0)]),
        ("a disk of a machine of a later time", vec![(disk(7), &of(7))], vec![(7, true)], 1, vec![]),
        ("an interface", vec![(nic.clone(), &bare)], vec![], 0, vec![nic.clone()]),
        ("a network security group", vec![(names.network_security_group(), &bare)], vec![], 0, vec![]),
    ] {
        let owners = owners.iter().map(|(index, owns)| (lower(machine(*index).path()), *owns)).collect();
        let candidates = candidates.into_iter().map(|(id, document)| (id, Some(resource(document.clone()))));
        let look = sorted_out(&own(), Look::default(), candidates, &owners);
        assert_eq!((look.found.len(), look.untagged), (found, untagged), "{what}");
    }
}

#[test]
fn nothing_is_not_believed_after_something() {
    let group = ids()[0].clone();
    let seen = ids();
    let hollow = || Ok(Removal::Group { group: group.clone(), resources: vec![] });
    for (verdict, seen, believed) in [
        (Ok(Removal::Nothing), None, true),
        (Ok(Removal::Nothing), seen.first(), false),
        (hollow(), None, true),
        (hollow(), seen.first(), false),
        (Ok(Removal::Resources { stages: vec![seen.clone()], others: vec![] }), seen.first(), true),
    ] {
        let what = format!("{verdict:?} after {seen:?}");
        assert_eq!(doubted(verdict, seen).is_ok(), believed, "{what}");
    }
    // What Azure is deleting may be gone at the next look.
    let documents =
        [("Succeeded", "Succeeded", true), ("Deleting", "Succeeded", false), ("Succeeded", "Deleting", false)];
    for (group, machine, lasts) in documents {
        let state =
            |state: &str| resource(json!({"tags": {OURS: "mycluster"}, "properties": {"provisioningState": state}}));
        let look = Look { group: Some(state(group)), ..Look::default() };
        let look = sorted_out(&own(), look, [(ids()[1].clone(), Some(state(machine)))].into_iter(), &Owners::new());
        assert_eq!((look.found.len(), look.lasting.is_some()), (1, lasts), "{group} {machine}");
    }
}

#[test]
fn a_group_that_was_not_to_go_stays() {
    let group = |resources: Vec<ResourceId>| Removal::Group { group: own().group(), resources };
    assert!(group(vec![]).without_group().ids().is_empty());
    assert_eq!(group(ids()).without_group().ids().len(), 3);
    assert_eq!(Removal::Nothing.without_group(), Removal::Nothing);
}

#[test]
fn machines_go_first_and_what_others_use_last() {
    let look = Look {
        group: Some(resource(json!({}))),
        list: Some(ids().iter().map(|id| entry(id.path())).collect()),
        found: ids(),
        ..Look::default()
    };
    let Ok(Removal::Resources { stages, .. }) = judge(&own(), &look, Ghosts::Contradiction) else {
        panic!("not one by one")
    };
    let kinds: Vec<&str> = stages.iter().flatten().map(ResourceId::kind).collect();
    assert_eq!(kinds, ["virtual machine", "load balancer", "network security group"]);
}
