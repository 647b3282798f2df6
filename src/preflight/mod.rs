//! Asks Azure, before the first write, whether it would refuse: from a spec and what exists to findings, all at once.
//!
//! Reads only, all together. What the signed-in identity may not read is not judged, and of regions and sizes that is told:
//! Azure says it later. `cli` calls it.

mod answers;
mod belonging;
mod growth;
mod image;
mod network;
mod overlap;
mod peering;
mod price;
mod quota;
mod region;
mod size;
mod subscription;
mod terms;
mod user_data;

pub(crate) use answers::ImageAnswer;
pub(crate) use network::{NodeAddresses, addresses};
pub(crate) use price::{Estimate, LIST as PRICE_LIST, estimate};
pub(crate) use subscription::register;
pub(crate) use terms::{accept, read as read_terms};
pub(crate) use user_data::judge as judge_user_data;

use std::collections::BTreeMap;

use report::{Finding, Severity};

use crate::arm::{Arm, ArmError, Terms};
use crate::plan::{Observed, ResourceNames, StepKey};
use crate::spec::{Availability, ClusterSpec, SettledSpec};
use answers::Answers;
use image::look_up;
use size::SizeFacts;

/// Codes with which Azure refuses to read what nobody can have.
const UNREADABLE: [&str; 4] = [
    "MissingSubscriptionRegistration",
    "NoRegisteredProviderFound",
    "LocationNotAvailableForResourceType",
    "InvalidLocation",
];

/// What is still to be made, and counts against quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub machines: u32,
    pub vcpus_per_machine: u32,
    /// The size's family, as usages name it.
    pub family: String,
    pub spot: bool,
    pub availability_sets: u32,
    pub public_addresses: u32,
    pub virtual_networks: u32,
    pub load_balancers: u32,
    pub security_groups: u32,
    pub scale_sets: u32,
    /// Data disks and OS disks, by the word that usages have for what they are kept on: `PremiumDiskCount`.
    pub disks: BTreeMap<&'static str, u32>,
}

/// What a preflight came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preflight {
    /// Refusals first.
    pub findings: Vec<Finding>,
    /// Providers that must be registered first.
    pub unregistered: Vec<&'static str>,
    /// Terms that are not accepted, as Azure keeps them.
    pub terms: Option<Terms>,
}

impl Preflight {
    /// Whether Azure would refuse.
    pub(crate) fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Refusal)
    }
}

/// Looks at everything; `accept_terms` when the user has read them.
pub(crate) async fn preflight(
    arm: &Arm,
    subscription: &str,
    spec: &SettledSpec,
    observed: &Observed,
    accept_terms: bool,
) -> Result<Preflight, ArmError> {
    let is_missing = |key: StepKey| !observed.contains_key(&key);
    let machines = spec.nodes().iter().filter(|node| is_missing(StepKey::VirtualMachine(node.index))).count() as u32;
    let labels = labels(spec, observed);
    let answers = Answers::ask(arm, subscription, spec, machines, &labels).await?;
    let size = SizeFacts::find(&answers.skus, spec.vm_size.as_str(), spec.location.as_str())?;
    let needs = Needs {
        machines,
        vcpus_per_machine: size.as_ref().map_or(0, |size| size.vcpus),
        family: size.as_ref().map(|size| size.family.clone()).unwrap_or_default(),
        spot: spec.spot,
        availability_sets: u32::from(
            matches!(spec.availability, Availability::Set { .. }) && is_missing(StepKey::AvailabilitySet),
        ),
        public_addresses: labels.len() as u32,
        virtual_networks: u32::from(spec.existing_network.is_none() && is_missing(StepKey::VirtualNetwork)),
        load_balancers: u32::from(is_missing(StepKey::LoadBalancer)),
        security_groups: u32::from(is_missing(StepKey::NetworkSecurityGroup)),
        scale_sets: u32::from(
            matches!(spec.availability, Availability::ScaleSet { .. }) && is_missing(StepKey::ScaleSet),
        ),
        disks: quota::disks(spec, machines),
    };
    let mut findings: Vec<Finding> = answers.account.iter().filter_map(subscription::judge).collect();
    findings.extend(region::judge_location(spec, &answers.regions));
    if machines > 0 {
        findings.extend(size::judge(&answers.skus, size.as_ref(), spec));
    }
    findings.extend(quota::judge(&answers.compute_usages, &answers.network_usages, &needs));
    match &answers.image {
        ImageAnswer::Unreadable => {}
        ImageAnswer::Absent => findings.extend(image::judge(spec, None, size.as_ref())),
        ImageAnswer::Found(image) => findings.extend(image::judge(spec, Some(image), size.as_ref())),
    }
    for (label, answer) in labels.iter().zip(&answers.labels) {
        findings.extend(answer.and_then(|answer| region::judge_label(spec, label, answer)));
    }
    let terms = answers.terms.filter(|terms| !terms.accepted);
    if let (Some(plan), Some(terms), false) = (&spec.image_plan, &terms, accept_terms) {
        findings.extend(terms::judge(plan, terms));
    }
    findings.extend(answers.belonging);
    if let (None, Some(network)) = (&spec.existing_network, observed.get(&StepKey::VirtualNetwork)) {
        let id = ResourceNames::new(subscription, spec).virtual_network();
        findings.extend(peering::judge(spec, &network.decode(&id)?));
    }
    findings.extend(region::judge_exposure(spec));
    findings.extend(foresee(spec));
    if let Some(network) = &answers.existing_network {
        findings.extend(overlap::judge_existing(spec, network));
        findings.extend(growth::judge_existing(spec, network));
    }
    findings.sort_by_key(|finding| finding.severity);
    Ok(Preflight { findings, unregistered: answers.unregistered, terms })
}

/// What will be in the way of the cluster, at once or later, as far as the spec alone tells.
pub(crate) fn foresee(spec: &ClusterSpec) -> Vec<Finding> {
    growth::judge(spec).into_iter().chain(overlap::judge_own(spec)).chain(user_data::judge(spec)).collect()
}

/// DNS labels of addresses that do not exist yet.
fn labels(spec: &SettledSpec, observed: &Observed) -> Vec<String> {
    let mut labels = Vec::new();
    if !observed.contains_key(&StepKey::PublicIpAddress) {
        labels.push(spec.name.to_string());
    }
    if spec.public_ip_per_node {
        let missing = |index: u32| !observed.contains_key(&StepKey::NodePublicIpAddress(index));
        labels.extend(spec.nodes().into_iter().filter(|node| missing(node.index)).map(|node| node.name));
    }
    labels
}

/// None for what cannot be read: whoever may write to one resource group need not see the subscription, a provider that is
/// not registered yet need not answer, and nobody answers for a region that does not exist.
fn allowed<T>(result: Result<T, ArmError>) -> Result<Option<T>, ArmError> {
    match result {
        Err(error) if error.status == Some(403) || UNREADABLE.iter().any(|code| error.has_code(code)) => Ok(None),
        other => other.map(Some),
    }
}

/// What Azure says of the spec's image.
pub(crate) async fn image_facts(arm: &Arm, subscription: &str, spec: &ClusterSpec) -> Result<ImageAnswer, ArmError> {
    Ok(match allowed(look_up(arm, subscription, spec).await)? {
        None => ImageAnswer::Unreadable,
        Some(None) => ImageAnswer::Absent,
        Some(Some(facts)) => ImageAnswer::Found(facts),
    })
}

/// The providers that are not registered, as far as that can be read; `with_plan` when the image asks for terms.
pub(crate) async fn unregistered(
    arm: &Arm,
    subscription: &str,
    with_plan: bool,
) -> Result<Vec<&'static str>, ArmError> {
    Ok(allowed(subscription::unregistered(arm, subscription, with_plan).await)?.unwrap_or_default())
}
