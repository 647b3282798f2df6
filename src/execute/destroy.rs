//! Removes a cluster: the whole resource group when it is ours alone, else our resources one after another.

use futures::future::{join_all, try_join_all};
use serde_json::Value;

use crate::arm::{Arm, ArmError, ResourceId};
use crate::plan::{ResourceNames, data_disk_name, is_ours};
use crate::spec::{Availability, ClusterSpec, ProximityPlacementGroup};
use report::{Event, Reporter};

/// What is going to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nothing of the cluster exists.
    Nothing,
    /// The group with these resources, all of them ours.
    Group { group: ResourceId, resources: Vec<String> },
    /// Ours among others; stages are removed one after another, a stage's members together.
    Resources { stages: Vec<Vec<ResourceId>>, others: Vec<String> },
}

/// What removing the cluster means now.
pub async fn removal(arm: &Arm, spec: &ClusterSpec, names: &ResourceNames) -> Result<Removal, ArmError> {
    let group = names.resource_group();
    let Some(document) = arm.get(&group).await? else { return Ok(Removal::Nothing) };

    let mut present = Vec::new();
    let mut others = Vec::new();
    let own_ids = existing_of_ours(arm, spec, names).await?;
    let path = format!("{}/resources", group.path());
    let listed: Vec<Value> =
        arm.list(&format!("listing {group}"), &path, group.api_version()).await?.unwrap_or_default();
    for resource in &listed {
        let id = resource["id"].as_str().unwrap_or_default();
        let own = own_ids.iter().flatten().any(|own| own.path().eq_ignore_ascii_case(id));
        let label = format!(
            "{} `{}`",
            resource["type"].as_str().unwrap_or("resource"),
            resource["name"].as_str().unwrap_or(id)
        );
        if own || is_ours(spec, resource) { present.push(label) } else { others.push(label) }
    }
    if is_ours(spec, &document) && others.is_empty() {
        return Ok(Removal::Group { group, resources: present });
    }
    Ok(Removal::Resources { stages: own_ids, others })
}

/// Removes it, and waits until it is gone.
pub async fn remove(arm: &Arm, removal: &Removal, reporter: &Reporter) -> Result<(), Vec<ArmError>> {
    match removal {
        Removal::Nothing => Ok(()),
        Removal::Group { group, .. } => remove_one(arm, group, reporter).await.map_err(|error| vec![error]),
        Removal::Resources { stages, .. } => {
            for stage in stages {
                let results = join_all(stage.iter().map(|id| remove_one(arm, id, reporter))).await;
                let errors: Vec<ArmError> = results.into_iter().filter_map(Result::err).collect();
                if !errors.is_empty() {
                    return Err(errors);
                }
            }
            Ok(())
        }
    }
}

async fn remove_one(arm: &Arm, id: &ResourceId, reporter: &Reporter) -> Result<(), ArmError> {
    let action = "delete";
    let resource = id.to_string();
    reporter.event(Event::StepStarted { resource: resource.clone(), action });
    let start = tokio::time::Instant::now();
    let result = arm.delete(id).await;
    match &result {
        Ok(()) => reporter.event(Event::StepFinished { resource, action, seconds: start.elapsed().as_secs_f64() }),
        Err(error) => reporter.event(Event::StepFailed { resource, error: error.message.clone() }),
    }
    result
}

/// Those of the cluster's resources that exist and are ours: by their tag, and disks by the machine they belong to or
/// belonged to, because Azure need not pass a machine's tags on.
async fn existing_of_ours(
    arm: &Arm,
    spec: &ClusterSpec,
    names: &ResourceNames,
) -> Result<Vec<Vec<ResourceId>>, ArmError> {
    let nodes = spec.nodes();
    let machines: Vec<ResourceId> = nodes.iter().map(|node| names.virtual_machine(&node.name)).collect();
    let of_our_machine = |document: &Value| match document["managedBy"].as_str() {
        Some(machine) => machines.iter().any(|ours| ours.path().eq_ignore_ascii_case(machine)),
        None => false,
    };
    try_join_all(own_resources(spec, names).into_iter().map(|stage| async move {
        let documents = try_join_all(stage.iter().map(|id| arm.get(id))).await?;
        let ours = stage.into_iter().zip(documents).filter(|(_, document)| {
            document.as_ref().is_some_and(|document| is_ours(spec, document) || of_our_machine(document))
        });
        Ok(ours.map(|(id, _)| id).collect())
    }))
    .await
}

/// Everything that the cluster can have made, in the order in which Azure lets it go. Machines take their interfaces and
/// disks along; these are named too, for a run that was stopped between the two.
fn own_resources(spec: &ClusterSpec, names: &ResourceNames) -> Vec<Vec<ResourceId>> {
    let nodes = spec.nodes();
    let disks = nodes.iter().flat_map(|node| {
        let data = (0..spec.data_disks()).map(|lun| names.disk(&data_disk_name(node, lun)));
        std::iter::once(names.disk(&format!("{}-os", node.name))).chain(data)
    });
    let interfaces = nodes.iter().map(|node| names.network_interface(&node.name));
    let mut networks = vec![names.load_balancer()];
    if spec.existing_network.is_none() {
        networks.push(names.virtual_network());
    }
    match &spec.availability {
        Availability::Set { name } => networks.push(names.availability_set(&name.resource_name(spec.name.as_str()))),
        Availability::ScaleSet { .. } => networks.push(names.scale_set()),
        Availability::Zones { .. } => {}
    }
    let mut last = vec![names.public_ip_address(), names.network_security_group()];
    // Made by a run with other options, they are still ours.
    last.extend(nodes.iter().map(|node| names.node_public_ip_address(&node.name)));
    last.push(names.image());
    if let Some(ProximityPlacementGroup::Named(group)) = &spec.proximity_placement_group {
        last.push(names.proximity_placement_group(group));
    }
    vec![
        nodes.iter().map(|node| names.virtual_machine(&node.name)).collect(),
        disks.chain(interfaces).collect(),
        networks,
        last,
    ]
}
