//! What Azure says of a spec, all asked at once: the preflight judges it.

use std::future::Future;

use futures::future::try_join_all;
use report::Finding;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::image::ImageFacts;
use super::{allowed, belonging, image_facts, read_terms, unregistered};
use crate::arm::{
    Arm, ArmError, Availability, COMPUTE_API_VERSION, NETWORK_API_VERSION, Region, Sku, Subscription, Terms, Usage,
};
use crate::plan::ResourceNames;
use crate::spec::ClusterSpec;

const RESOURCES_API_VERSION: &str = "2022-12-01";
const SKUS_API_VERSION: &str = "2021-07-01";

/// The answers; none, or an empty list, where whoever is signed in may not read.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub account: Option<Subscription>,
    pub regions: Vec<Region>,
    pub skus: Vec<Sku>,
    pub compute_usages: Vec<Usage>,
    pub network_usages: Vec<Usage>,
    /// Of each label that was asked about.
    pub labels: Vec<Option<Availability>>,
    pub image: ImageAnswer,
    pub terms: Option<Terms>,
    /// Providers that are not registered.
    pub unregistered: Vec<&'static str>,
    pub belonging: Vec<Finding>,
    /// The document of the network that somebody else made.
    pub existing_network: Option<Value>,
}

/// What Azure says of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ImageAnswer {
    /// Nothing: it was not asked for, or may not be read.
    #[default]
    Unreadable,
    /// There is none of that name.
    Absent,
    Found(ImageFacts),
}

impl Answers {
    /// Asks; `machines` are still to be made, `labels` still to be taken.
    pub(super) async fn ask(
        arm: &Arm,
        subscription: &str,
        spec: &ClusterSpec,
        machines: u32,
        labels: &[String],
    ) -> Result<Self, ArmError> {
        let location = &spec.location;
        let of_subscription = |rest: &str| format!("/subscriptions/{subscription}{rest}");
        let compute = |rest: &str| of_subscription(&format!("/providers/Microsoft.Compute{rest}"));
        let network = |rest: &str| of_subscription(&format!("/providers/Microsoft.Network/locations/{location}{rest}"));
        let account = of_subscription("");
        let regions = of_subscription("/locations");
        let skus = compute(&format!("/skus?$filter=location%20eq%20'{location}'"));
        let compute_usages = compute(&format!("/locations/{location}/usages"));
        let network_usages = network("/usages");
        let label_answers = try_join_all(labels.iter().map(|label| {
            let path = network(&format!("/CheckDnsNameAvailability?domainNameLabel={label}"));
            async move {
                allowed(arm.get_path("checking a DNS label", &path, NETWORK_API_VERSION).await).map(Option::flatten)
            }
        }));
        // An image that machines were made from may be withdrawn; it must exist only where machines are to be made.
        let image = async {
            match machines {
                0 => Ok(ImageAnswer::Unreadable),
                _ => image_facts(arm, subscription, spec).await,
            }
        };
        let terms = async {
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
        let read_account = async {
            let read = arm.get_path("reading the subscription", &account, RESOURCES_API_VERSION).await;
            allowed(read).map(Option::flatten)
        };
        let mut all = Self::default();
        tokio::try_join!(
            fill(&mut all.account, read_account),
            fill(&mut all.regions, list(arm, "listing regions", &regions, RESOURCES_API_VERSION)),
            fill(&mut all.skus, list(arm, "listing sizes", &skus, SKUS_API_VERSION)),
            fill(&mut all.compute_usages, list(arm, "reading quotas", &compute_usages, COMPUTE_API_VERSION)),
            fill(&mut all.network_usages, list(arm, "reading quotas", &network_usages, NETWORK_API_VERSION)),
            fill(&mut all.labels, label_answers),
            fill(&mut all.image, image),
            fill(&mut all.terms, terms),
            fill(&mut all.unregistered, unregistered(arm, subscription, spec.image_plan.is_some())),
            fill(&mut all.belonging, belonging::look(arm, spec)),
            fill(&mut all.existing_network, existing_network),
        )?;
        Ok(all)
    }
}

async fn fill<T>(place: &mut T, answer: impl Future<Output = Result<T, ArmError>>) -> Result<(), ArmError> {
    *place = answer.await?;
    Ok(())
}

/// All items of a list; nothing when it may not be read.
async fn list<T: DeserializeOwned>(arm: &Arm, doing: &str, path: &str, api_version: &str) -> Result<Vec<T>, ArmError> {
    Ok(allowed(arm.list(doing, path, api_version).await)?.flatten().unwrap_or_default())
}
