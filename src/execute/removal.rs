//! What removing a cluster means now: the whole resource group when it and all that is in it is ours, else our resources
//! one after another. `destroy` shows it, asks, and has `destroy.rs` carry it out.
//!
//! Two ways of asking must agree, the group's list and a GET for every id: an answer that contradicts the other way is
//! asked again, and in the end it stops the run. Replicas of ARM are late at times, and proxies answer for Azure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;

use super::group_list::{Listed, group_list};
use super::observe::is_being_deleted;
use super::own_resources::{OwnResources, stage};
use crate::arm::{Arm, ArmError, ArmErrorKind, ResourceId};
use report::Reporter;

/// Waits between two looks when a look contradicts itself or shows nothing; 7.5 s in all.
const PATIENCE: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Resources that a message about contradictory answers names.
const SHOWN: usize = 3;
/// How many stages [`stage`] tells apart.
const STAGES: usize = 4;

/// What is going to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing of the cluster exists.
    Nothing,
    /// The group with these resources, all of them ours.
    Group { group: ResourceId, resources: Vec<ResourceId> },
    /// Ours among others; stages are removed one after another, a stage's members together.
    Resources { stages: Vec<Vec<ResourceId>>, others: Vec<String> },
}

impl Removal {
    /// Everything that goes, each by its id.
    pub(crate) fn ids(&self) -> Vec<&ResourceId> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Group { group, resources } => resources.iter().chain([group]).collect(),
            Self::Resources { stages, .. } => stages.iter().flatten().collect(),
        }
    }

    /// Whether no resource of the cluster was found, but for its group.
    fn is_hollow(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Group { resources, .. } => resources.is_empty(),
            Self::Resources { stages, .. } => stages.is_empty(),
        }
    }

    /// The same with the group left where it is.
    pub(crate) fn without_group(self) -> Self {
        match self {
            Self::Group { resources, .. } => Self::Resources { stages: staged(&resources), others: Vec::new() },
            other => other,
        }
    }
}

/// Why it is not known what removing a cluster means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemovalError {
    /// Azure refused, or did not answer, or its answers contradict each other.
    Azure(ArmError),
    /// These have the ids of the cluster's machines, disks and interfaces, and not its tag: a policy or a person took it
    /// away, or they are somebody else's. Neither may they be removed, nor the keys that open them.
    Untagged { group: ResourceId, ids: Vec<ResourceId> },
}

impl From<ArmError> for RemovalError {
    fn from(error: ArmError) -> Self {
        Self::Azure(error)
    }
}

impl RemovalError {
    /// The same in the words of what Azure is asked.
    pub(crate) fn into_arm_error(self) -> ArmError {
        match self {
            Self::Azure(error) => error,
            Self::Untagged { group, ids } => {
                let message = format!(
                    "without the cluster's tag, so that nothing tells whose they are, there are: {}",
                    some(&ids.iter().collect::<Vec<_>>())
                );
                ArmError::local(ArmErrorKind::Refused, format!("looking into {group}"), message)
            }
        }
    }
}

/// How sure an empty answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptiness {
    /// Nobody said that anything was deleted: it is asked for several times.
    Unexpected,
    /// Azure has just said that the deletion is done.
    Expected,
}

/// What removing the cluster means now; an error when Azure's answers still contradict each other after several looks. That
/// nothing exists must be the word of every look, but for what Azure was deleting.
pub(crate) async fn removal(
    arm: &Arm,
    own: &OwnResources,
    emptiness: Emptiness,
    reporter: &Reporter,
) -> Result<Removal, RemovalError> {
    let mut waits = PATIENCE.into_iter();
    let mut seen = None;
    loop {
        let wait = waits.next();
        let believe_ids = wait.is_none() || emptiness == Emptiness::Expected;
        let look = look(arm, own).await?;
        if !look.untagged.is_empty() {
            return Err(RemovalError::Untagged { group: own.group(), ids: look.untagged });
        }
        let mut verdict = judge(own, &look, believe_ids);
        if emptiness == Emptiness::Unexpected {
            verdict = doubted(verdict, seen.as_ref());
            seen = seen.or(look.lasting);
        }
        let Some(wait) = wait else {
            return verdict.map_err(|why| {
                let message = format!("Azure's answers contradict each other: {why}");
                ArmError::local(ArmErrorKind::Unreachable, format!("looking into {}", own.group()), message).into()
            });
        };
        match verdict {
            Ok(removal) if emptiness == Emptiness::Expected || !removal.is_hollow() => return Ok(removal),
            Err(why) if wait == PATIENCE[0] => {
                let seconds = PATIENCE.iter().map(Duration::as_secs_f64).sum::<f64>();
                reporter.note(format!("▴ Azure's answers contradict each other: {why}; asking again for {seconds} s"));
            }
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(wait).await;
    }
}

/// That nothing exists is not believed after something did (`seen`) that nobody was deleting.
fn doubted(verdict: Result<Removal, String>, seen: Option<&ResourceId>) -> Result<Removal, String> {
    match seen {
        Some(seen) if verdict.as_ref().is_ok_and(Removal::is_hollow) => {
            Err(format!("{seen} existed moments ago, and now nothing does"))
        }
        _ => verdict,
    }
}

/// What Azure says of the cluster at one moment.
#[derive(Debug, Default)]
struct Look {
    group: Option<Value>,
    list: Option<Vec<Listed>>,
    /// Exist, and are ours.
    found: Vec<ResourceId>,
    /// Carry a name of ours, do not exist by their id, and may yet be listed.
    absent: Vec<ResourceId>,
    /// Machines, disks and interfaces that are expected and exist, but not as ours.
    untagged: Vec<ResourceId>,
    /// One of those found that Azure is not deleting.
    lasting: Option<ResourceId>,
}

async fn look(arm: &Arm, own: &OwnResources) -> Result<Look, ArmError> {
    let id = own.group();
    let (group, list) = tokio::try_join!(arm.get(&id), group_list(arm, &id))?;
    let candidates = own.candidates(list.as_deref().unwrap_or_default());
    let documents = try_join_all(candidates.iter().map(|id| arm.get(id))).await?;
    let owners = owners(arm, own, &candidates, &documents).await?;
    Ok(sorted_out(own, Look { group, list, ..Look::default() }, candidates.into_iter().zip(documents), &owners))
}

/// Every machine that has a name of ours, by its path in lower case: whether what it uses is ours, because it is ours
/// itself or gone.
type Owners = BTreeMap<String, bool>;

/// The machines among the documents, and those that only a disk names.
async fn owners(
    arm: &Arm,
    own: &OwnResources,
    candidates: &[ResourceId],
    documents: &[Option<Value>],
) -> Result<Owners, ArmError> {
    let is_owner = |document: &Option<Value>| document.as_ref().is_none_or(|document| own.carries_tag(document));
    let mut owners: Owners =
        candidates.iter().zip(documents).map(|(id, document)| (lower(id.path()), is_owner(document))).collect();
    let mut named: Vec<ResourceId> = documents.iter().flatten().filter_map(|document| owner(own, document)).collect();
    named.retain(|machine| !owners.contains_key(&lower(machine.path())));
    named.sort_by_key(|machine| lower(machine.path()));
    named.dedup_by_key(|machine| lower(machine.path()));
    let others = try_join_all(named.iter().map(|machine| arm.get(machine))).await?;
    owners.extend(named.iter().zip(&others).map(|(id, document)| (lower(id.path()), is_owner(document))));
    Ok(owners)
}

/// The machine with a name of ours that a disk says it belongs to.
fn owner(own: &OwnResources, document: &Value) -> Option<ResourceId> {
    own.machine_at(document.get("managedBy")?.as_str()?)
}

/// `look` with each candidate where it belongs.
fn sorted_out(
    own: &OwnResources,
    mut look: Look,
    candidates: impl Iterator<Item = (ResourceId, Option<Value>)>,
    owners: &Owners,
) -> Look {
    let group_goes = look.group.as_ref().is_some_and(is_being_deleted);
    for (id, document) in candidates {
        let Some(document) = document else {
            look.absent.push(id);
            continue;
        };
        let owner = owner(own, &document);
        // Azure need not pass a machine's tags on to its disks; they belong to the machine, or did until it went.
        let is_of_ours = owner.as_ref().is_some_and(|machine| owners.get(&lower(machine.path())) == Some(&true));
        if own.carries_tag(&document) || is_of_ours {
            if look.lasting.is_none() && !group_goes && !is_being_deleted(&document) {
                look.lasting = Some(id.clone());
            }
            look.found.push(id);
        } else if matches!(id.kind(), "virtual machine" | "disk" | "network interface")
            && own.is_expected(id.path())
            // The machine is named, and its tag counts for its disks.
            && !owner.is_some_and(|machine| own.is_expected(machine.path()))
        {
            look.untagged.push(id);
        }
    }
    look
}

/// What a look comes to, or what in it contradicts itself. Lists go on naming what was just deleted, so in the end
/// (`believe_ids`) a GET by id counts more.
fn judge(own: &OwnResources, look: &Look, believe_ids: bool) -> Result<Removal, String> {
    let group = own.group();
    let (document, list) = match (&look.group, &look.list) {
        (Some(document), Some(list)) => (document, list),
        (None, None) if look.found.is_empty() => return Ok(Removal::Nothing),
        (Some(_), None) => return Err(format!("{group} exists, and cannot be listed because it does not")),
        (None, Some(_)) => return Err(format!("{group} does not exist, and can be listed")),
        (None, None) => {
            return Err(format!("{group} does not exist, but {} do", some(&look.found.iter().collect::<Vec<_>>())));
        }
    };
    let listed: BTreeMap<String, &Listed> = list.iter().map(|listed| (lower(&listed.id), listed)).collect();
    let is_listed = |id: &&ResourceId| listed.contains_key(&lower(id.path()));
    let unlisted: Vec<&ResourceId> = look.found.iter().filter(|id| !is_listed(id)).collect();
    if !unlisted.is_empty() {
        return Err(format!("the list of {group} lacks {}, which exist", some(&unlisted)));
    }
    let ghosts: Vec<&ResourceId> = look.absent.iter().filter(is_listed).collect();
    if !ghosts.is_empty() && !believe_ids {
        return Err(format!("the list of {group} has {}, which do not exist", some(&ghosts)));
    }
    let is_ours = |id: &&ResourceId| listed.get(&lower(id.path())).is_some_and(|listed| own.is_listed_as_ours(listed));
    let ghosts = ghosts.into_iter().filter(is_ours);
    let ours: BTreeSet<String> = look.found.iter().chain(ghosts).map(|id| lower(id.path())).collect();
    let of_ours = |listed: &Listed| {
        let id = lower(&listed.id);
        // What is below a resource of ours goes with it.
        let below = |own: &String| id.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('/'));
        ours.contains(&id) || ours.iter().any(below)
    };
    let mut others: Vec<String> = list
        .iter()
        .filter(|listed| !of_ours(listed))
        .map(|listed| format!("{} `{}`", listed.resource_type, listed.name))
        .collect();
    // Lists have no order that lasts, and two looks are compared.
    others.sort();
    if own.carries_tag(document) && others.is_empty() {
        return Ok(Removal::Group { group, resources: look.found.clone() });
    }
    Ok(Removal::Resources { stages: staged(&look.found), others })
}

/// Resources in the order in which they go.
fn staged(ids: &[ResourceId]) -> Vec<Vec<ResourceId>> {
    let mut stages = vec![Vec::new(); STAGES];
    for id in ids {
        stages[stage(id)].push(id.clone());
    }
    stages.retain(|stage| !stage.is_empty());
    stages
}

/// Ids know no case.
fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The first few in words.
fn some(ids: &[&ResourceId]) -> String {
    let shown: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
    match ids.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ResourceNames;
    use serde_json::json;

    const OURS: &str = "coreos-cluster";

    fn own() -> OwnResources {
        OwnResources::of_names("s", "g", "mycluster", &["mycluster-coreos-0".into()])
    }

    fn ids() -> Vec<ResourceId> {
        let names = ResourceNames::of("s", "g", "mycluster");
        vec![names.network_security_group(), names.virtual_machine("mycluster-coreos-0"), names.load_balancer()]
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
        let group = |tag: &str| Some(json!({"tags": {tag: "mycluster"}}));
        let listed: Vec<Listed> = ids().iter().map(|id| entry(&id.path().to_ascii_uppercase())).collect();
        let with = |more: Listed| Some([listed.clone(), vec![more]].concat());
        let foreign = entry("/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/precious");
        let extension = entry(&format!("{}/extensions/agent", ids()[1].path()));
        let absent = ResourceNames::of("s", "g", "mycluster").public_ip_address();
        let look = |group: Option<Value>, list: Option<Vec<Listed>>, found: Vec<ResourceId>| Look {
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
            (
                "a list that lacks one",
                look(group(OURS), Some(listed[1..].to_vec()), ids()),
                "lacks network security group",
            ),
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
            let found = match judge(&own(), &look, false) {
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
            let late = look(group(OURS), with(ghost), ids());
            assert_eq!(matches!(judge(&own(), &late, true), Ok(Removal::Group { .. })), is_group);
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
            let look = Look { found: found.collect(), group: Some(json!({})), list: Some(list), ..Look::default() };
            judge(&own(), &look, false).unwrap()
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
            let candidates = candidates.into_iter().map(|(id, document)| (id, Some(document.clone())));
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
            let state = |state: &str| json!({"tags": {OURS: "mycluster"}, "properties": {"provisioningState": state}});
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
            group: Some(json!({})),
            list: Some(ids().iter().map(|id| entry(id.path())).collect()),
            found: ids(),
            ..Look::default()
        };
        let Ok(Removal::Resources { stages, .. }) = judge(&own(), &look, false) else { panic!("not one by one") };
        let kinds: Vec<&str> = stages.iter().flatten().map(ResourceId::kind).collect();
        assert_eq!(kinds, ["virtual machine", "load balancer", "network security group"]);
    }
}
