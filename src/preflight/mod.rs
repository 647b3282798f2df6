//! Asks Azure, before the first write, whether it would refuse: from a spec and what exists to findings, all at once.
//!
//! Reads only, all together. What the signed-in identity may not read is not judged: Azure says it later. `cli` calls it.

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

pub use image::ImageFacts;
pub use network::{NodeAddresses, addresses};
pub use price::{Estimate, LIST as PRICE_LIST, estimate};
pub use subscription::register;
pub use terms::{accept, are_accepted, read as read_terms};

use std::collections::BTreeMap;

use report::{Finding, Severity};
use serde_json::Value;

use crate::arm::{Arm, ArmError, COMPUTE_API_VERSION, NETWORK_API_VERSION};
use crate::plan::{Observed, ResourceNames, StepKey};
use crate::spec::{Availability, ClusterSpec};
use image::look_up;
use size::SizeFacts;

const RESOURCES_API_VERSION: &str = "2022-12-01";
const SKUS_API_VERSION: &str = "2021-07-01";

/// Codes with which Azure refuses to read what nobody can have.
const UNREADABLE: [&str; 4] = [
    "MissingSubscriptionRegistration",
    "NoRegisteredProviderFound",
    "LocationNotAvailableForResourceType",
    "InvalidLocation",
];

/// What is still to be made, and counts against quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
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
pub struct Preflight {
    /// Refusals first.
    pub findings: Vec<Finding>,
    /// Providers that must be registered first.
    pub unregistered: Vec<&'static str>,
    /// Terms that are not accepted, as Azure keeps them.
    pub terms: Option<Value>,
}

impl Preflight {
    /// Whether Azure would refuse.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Refusal)
    }
}

/// Looks at everything; `accept_terms` when the user has read them.
pub async fn preflight(
    arm: &Arm,
    subscription: &str,
    spec: &ClusterSpec,
    observed: &Observed,
    accept_terms: bool,
) -> Result<Preflight, ArmError> {
    let of_subscription = |rest: &str| format!("/subscriptions/{subscription}{rest}");
    let location = &spec.location;
    let compute = |rest: &str| of_subscription(&format!("/providers/Microsoft.Compute{rest}"));
    let network = |rest: &str| of_subscription(&format!("/providers/Microsoft.Network/locations/{location}{rest}"));
    let is_missing = |key: StepKey| !observed.contains_key(&key);
    let machines = spec.nodes().iter().filter(|node| is_missing(StepKey::VirtualMachine(node.index))).count() as u32;
    let labels = labels(spec, observed);

    let account = readable(arm, "reading the subscription", of_subscription(""), RESOURCES_API_VERSION);
    let locations = list(arm, "listing regions", of_subscription("/locations"), RESOURCES_API_VERSION);
    let skus = compute(&format!("/skus?$filter=location%20eq%20'{location}'"));
    let skus = list(arm, "listing sizes", skus, SKUS_API_VERSION);
    let compute_usages =
        list(arm, "reading quotas", compute(&format!("/locations/{location}/usages")), COMPUTE_API_VERSION);
    let network_usages = list(arm, "reading quotas", network("/usages"), NETWORK_API_VERSION);
    let label_answers = futures::future::try_join_all(labels.iter().map(|label| {
        let path = network(&format!("/CheckDnsNameAvailability?domainNameLabel={label}"));
        readable(arm, "checking a DNS label", path, NETWORK_API_VERSION)
    }));
    // An image that machines were made from may be withdrawn; it must exist only where machines are to be made.
    let image = async {
        match machines {
            0 => Ok(None),
            _ => image_facts(arm, subscription, spec).await,
        }
    };
    let agreement = async {
        match &spec.image_plan {
            Some(plan) if machines > 0 => allowed(read_terms(arm, subscription, plan).await).map(Option::flatten),
            _ => Ok(None),
        }
    };
    let existing_network = async {
        let Some(existing) = &spec.existing_network else { return Ok(None) };
        let id = ResourceNames::new(subscription, spec).existing_network(existing);
        allowed(arm.get(&id).await).map(Option::flatten)
    };
    let unregistered = unregistered(arm, subscription, spec.image_plan.is_some());
    let (
        account,
        locations,
        skus,
        compute_usages,
        network_usages,
        label_answers,
        image,
        agreement,
        unregistered,
        belonging,
        existing_network,
    ) = tokio::try_join!(
        account,
        locations,
        skus,
        compute_usages,
        network_usages,
        label_answers,
        image,
        agreement,
        unregistered,
        belonging::look(arm, spec),
        existing_network,
    )?;

    let size = SizeFacts::find(&skus, spec.vm_size.as_str(), location.as_str());
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
    let mut findings: Vec<Finding> = subscription::judge(&account).into_iter().collect();
    findings.extend(region::judge_location(spec, &locations));
    if machines > 0 {
        findings.extend(size::judge(&skus, spec));
    }
    findings.extend(quota::judge(&compute_usages, &network_usages, &needs));
    if let Some(image) = &image {
        findings.extend(image::judge(spec, image.as_ref(), size.as_ref()));
    }
    for (label, answer) in labels.iter().zip(&label_answers) {
        findings.extend(region::judge_label(spec, label, answer));
    }
    let terms = agreement.filter(|terms| !are_accepted(terms));
    if let (Some(plan), Some(terms), false) = (&spec.image_plan, &terms, accept_terms) {
        findings.extend(terms::judge(plan, terms));
    }
    findings.extend(belonging);
    if let (None, Some(network)) = (&spec.existing_network, observed.get(&StepKey::VirtualNetwork)) {
        findings.extend(peering::judge(spec, network));
    }
    findings.extend(region::judge_exposure(spec));
    findings.extend(foresee(spec));
    if let Some(network) = &existing_network {
        findings.extend(overlap::judge_existing(spec, network));
    }
    findings.sort_by_key(|finding| finding.severity);
    Ok(Preflight { findings, unregistered, terms })
}

/// What will be in the way of the cluster, at once or later, as far as the spec alone tells.
pub fn foresee(spec: &ClusterSpec) -> Vec<Finding> {
    growth::judge(spec).into_iter().chain(overlap::judge_own(spec)).chain(user_data::judge(spec)).collect()
}

/// DNS labels of addresses that do not exist yet.
fn labels(spec: &ClusterSpec, observed: &Observed) -> Vec<String> {
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

/// A document; nothing when it may not be read or is not there.
async fn readable(arm: &Arm, doing: &str, path: String, api_version: &str) -> Result<Value, ArmError> {
    Ok(allowed(arm.get_path(doing, &path, api_version).await)?.flatten().unwrap_or_default())
}

/// All items of a list; nothing when it may not be read.
async fn list(arm: &Arm, doing: &str, path: String, api_version: &str) -> Result<Vec<Value>, ArmError> {
    Ok(allowed(arm.list(doing, &path, api_version).await)?.flatten().unwrap_or_default())
}

/// None for what cannot be read: whoever may write to one resource group need not see the subscription, a provider that is
/// not registered yet need not answer, and nobody answers for a region that does not exist.
fn allowed<T>(result: Result<T, ArmError>) -> Result<Option<T>, ArmError> {
    match result {
        Err(error) if error.status == Some(403) || UNREADABLE.iter().any(|code| error.has_code(code)) => Ok(None),
        other => other.map(Some),
    }
}

/// What Azure says of the spec's image: none when that cannot be read, and in it none when there is no such image.
pub async fn image_facts(
    arm: &Arm,
    subscription: &str,
    spec: &ClusterSpec,
) -> Result<Option<Option<ImageFacts>>, ArmError> {
    allowed(look_up(arm, subscription, spec).await)
}

/// The providers that are not registered, as far as that can be read; `with_plan` when the image asks for terms.
pub async fn unregistered(arm: &Arm, subscription: &str, with_plan: bool) -> Result<Vec<&'static str>, ArmError> {
    Ok(allowed(subscription::unregistered(arm, subscription, with_plan).await)?.unwrap_or_default())
}
