//! What removing a cluster means now: the whole resource group when it and all that is in it is ours, else our resources
//! one after another. `destroy` shows it, asks, and has `destroy.rs` carry it out.
//!
//! Two ways of asking must agree, the group's list and a GET for every id: an answer that contradicts the other way is
//! asked again, and in the end it stops the run. Replicas of ARM are late at times, and proxies answer for Azure.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::try_join_all;
use serde_json::Value;

use super::group_list::{Listed, group_list};
use super::own_resources::{OwnResources, same, stage};
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
pub enum Removal {
    /// Nothing of the cluster exists.
    Nothing,
    /// The group with these resources, all of them ours.
    Group { group: ResourceId, resources: Vec<ResourceId> },
    /// Ours among others; stages are removed one after another, a stage's members together.
    Resources { stages: Vec<Vec<ResourceId>>, others: Vec<String> },
}

impl Removal {
    /// Everything that goes, each by its id.
    pub fn ids(&self) -> Vec<&ResourceId> {
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
}

/// How sure an empty answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptiness {
    /// Nobody said that anything was deleted: it is asked for several times.
    Unexpected,
    /// Azure has just said that the deletion is done.
    Expected,
}

/// What removing the cluster means now; an error when Azure's answers still contradict each other after several looks.
pub async fn removal(
    arm: &Arm,
    own: &OwnResources,
    emptiness: Emptiness,
    reporter: &Reporter,
) -> Result<Removal, ArmError> {
    let mut waits = PATIENCE.into_iter();
    loop {
        let wait = waits.next();
        let believe_ids = wait.is_none() || emptiness == Emptiness::Expected;
        let verdict = judge(own, &look(arm, own).await?, believe_ids);
        let Some(wait) = wait else {
            return verdict.map_err(|why| {
                let message = format!("Azure's answers contradict each other: {why}");
                ArmError::local(ArmErrorKind::Unreachable, format!("looking into {}", own.group()), message)
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

/// What Azure says of the cluster at one moment.
#[derive(Debug, Default)]
struct Look {
    group: Option<Value>,
    list: Option<Vec<Listed>>,
    /// Exist, and are ours.
    found: Vec<ResourceId>,
    /// Carry a name of ours, do not exist by their id, and may yet be listed.
    absent: Vec<ResourceId>,
}

async fn look(arm: &Arm, own: &OwnResources) -> Result<Look, ArmError> {
    let id = own.group();
    let (group, list) = tokio::try_join!(arm.get(&id), group_list(arm, &id))?;
    let candidates = own.candidates(list.as_deref().unwrap_or_default());
    let documents = try_join_all(candidates.iter().map(|id| arm.get(id))).await?;
    let mut look = Look { group, list, ..Look::default() };
    let exists: Vec<(&ResourceId, &Value)> =
        candidates.iter().zip(&documents).filter_map(|(id, document)| Some((id, document.as_ref()?))).collect();
    // Azure need not pass a machine's tags on to its disks; they belong to the machine, or did until it went.
    let strange =
        |machine: &str| exists.iter().any(|(id, document)| same(id.path(), machine) && !own.carries_tag(document));
    for (id, document) in candidates.iter().zip(&documents) {
        let of_our_machine = |document: &Value| {
            let machine = document.get("managedBy").and_then(Value::as_str);
            machine.is_some_and(|machine| own.is_machine_path(machine) && !strange(machine))
        };
        match document {
            None => look.absent.push(id.clone()),
            Some(document) if own.carries_tag(document) || of_our_machine(document) => look.found.push(id.clone()),
            Some(_) => {}
        }
    }
    Ok(look)
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
    // Ids know no case.
    let lower = |text: &str| text.to_ascii_lowercase();
    let listed: BTreeSet<String> = list.iter().map(|listed| lower(&listed.id)).collect();
    let is_listed = |id: &&ResourceId| listed.contains(&lower(id.path()));
    let unlisted: Vec<&ResourceId> = look.found.iter().filter(|id| !is_listed(id)).collect();
    if !unlisted.is_empty() {
        return Err(format!("the list of {group} lacks {}, which exist", some(&unlisted)));
    }
    let ghosts: Vec<&ResourceId> = look.absent.iter().filter(is_listed).collect();
    if !ghosts.is_empty() && !believe_ids {
        return Err(format!("the list of {group} has {}, which do not exist", some(&ghosts)));
    }
    let ours: BTreeSet<String> = look.found.iter().chain(ghosts).map(|id| lower(id.path())).collect();
    let of_ours = |listed: &Listed| {
        let id = lower(&listed.id);
        // What is below a resource of ours goes with it.
        let below = |own: &String| id.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('/'));
        ours.contains(&id) || ours.iter().any(below)
    };
    let others: Vec<String> = list
        .iter()
        .filter(|listed| !of_ours(listed))
        .map(|listed| format!("{} `{}`", listed.resource_type, listed.name))
        .collect();
    if own.carries_tag(document) && others.is_empty() {
        return Ok(Removal::Group { group, resources: look.found.clone() });
    }
    let mut stages = vec![Vec::new(); STAGES];
    for id in &look.found {
        stages[stage(id)].push(id.clone());
    }
    stages.retain(|stage| !stage.is_empty());
    Ok(Removal::Resources { stages, others })
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
        let late = look(group(OURS), with(entry(absent.path())), ids());
        assert!(matches!(judge(&own(), &late, true), Ok(Removal::Group { .. })), "a list that is late by a deletion");
    }

    #[test]
    fn machines_go_first_and_what_others_use_last() {
        let look = Look {
            group: Some(json!({})),
            list: Some(ids().iter().map(|id| entry(id.path())).collect()),
            found: ids(),
            absent: vec![],
        };
        let Ok(Removal::Resources { stages, .. }) = judge(&own(), &look, false) else { panic!("not one by one") };
        let kinds: Vec<&str> = stages.iter().flatten().map(ResourceId::kind).collect();
        assert_eq!(kinds, ["virtual machine", "load balancer", "network security group"]);
    }
}
