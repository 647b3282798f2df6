//! What a subscription can be asked about beside its resources: limits, SKUs, images, terms, free names.

use std::collections::HashMap;

use serde_json::Value;

use crate::arm::error::ArmError;
use crate::arm::filter;
use crate::arm::kind;
use crate::arm::location;
use crate::compute::gallery::{self, Shelf};
use crate::compute::{image, sku, usage};
use crate::network;
use crate::network::public_address;
use crate::state::State;

/// A catalogue's path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Catalogue {
    DnsNameAvailability(&'static str),
    NetworkUsages(&'static str),
    ComputeUsages(&'static str),
    ComputeSkus,
    ImageVersions { location: &'static str, offer: String, sku: String },
    ImageVersion { location: &'static str, offer: String, sku: String, version: String },
    Gallery(gallery::Path),
    Terms { publisher: String, offer: String, plan: String },
}

impl Catalogue {
    /// The catalogue below `/subscriptions/{id}/providers/{namespace}`; `segments` are `names` in lower case. `None`
    /// when there is no such one.
    pub(super) fn parse(namespace: &str, segments: &[&str], names: &[&str]) -> Result<Option<Self>, ArmError> {
        let name = |index: usize| names[index].to_owned();
        Ok(Some(match (namespace, segments) {
            ("microsoft.network", ["locations", place, "checkdnsnameavailability"]) => {
                Self::DnsNameAvailability(region(place)?)
            }
            ("microsoft.network", ["locations", place, "usages"]) => Self::NetworkUsages(region(place)?),
            ("microsoft.compute", ["locations", place, "usages"]) => Self::ComputeUsages(region(place)?),
            ("microsoft.compute", ["skus"]) => Self::ComputeSkus,
            ("microsoft.compute", ["locations", place, "communitygalleries", _, "images", _, rest @ ..]) => {
                let shelf = Shelf::Community { location: region(place)?, gallery: name(3) };
                match gallery::Path::parse(shelf, name(5), rest, &names[6..]) {
                    Some(path) => Self::Gallery(path),
                    None => return Ok(None),
                }
            }
            (
                "microsoft.compute",
                [
                    "locations",
                    place,
                    "publishers",
                    publisher,
                    "artifacttypes",
                    "vmimage",
                    "offers",
                    _,
                    "skus",
                    _,
                    "versions",
                    version @ ..,
                ],
            ) if version.len() < 2 => {
                let location = region(place)?;
                if *publisher != image::PUBLISHER {
                    return Err(image::artifact_not_found());
                }
                let (offer, sku) = (name(7), name(9));
                match version {
                    [] => Self::ImageVersions { location, offer, sku },
                    _ => Self::ImageVersion { location, offer, sku, version: name(11) },
                }
            }
            (
                "microsoft.marketplaceordering",
                ["offertypes", "virtualmachine", "publishers", _, "offers", _, "plans", _, "agreements", "current"],
            ) => Self::Terms { publisher: name(3), offer: name(5), plan: name(7) },
            _ => return Ok(None),
        }))
    }

    /// The provider it belongs to.
    pub(super) fn namespace(&self) -> &'static str {
        match self {
            Self::DnsNameAvailability(_) | Self::NetworkUsages(_) => "Microsoft.Network",
            Self::Terms { .. } => "Microsoft.MarketplaceOrdering",
            _ => "Microsoft.Compute",
        }
    }

    /// The name that faults are matched by.
    pub(super) fn fault_type(&self) -> &'static str {
        match self {
            Self::DnsNameAvailability(_) => "Microsoft.Network/locations/CheckDnsNameAvailability",
            Self::NetworkUsages(_) => "Microsoft.Network/locations/usages",
            Self::ComputeUsages(_) => "Microsoft.Compute/locations/usages",
            Self::ComputeSkus => "Microsoft.Compute/skus",
            Self::ImageVersions { .. } | Self::ImageVersion { .. } => "Microsoft.Compute/locations/publishers",
            Self::Gallery(_) => "Microsoft.Compute/galleries",
            Self::Terms { .. } => "Microsoft.MarketplaceOrdering/offerTypes",
        }
    }

    /// The type that refusals of an api-version name, and the versions it has.
    pub(super) fn versions(&self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::DnsNameAvailability(_) | Self::NetworkUsages(_) => ("locations", kind::NETWORK_VERSIONS),
            Self::ComputeUsages(_) | Self::ImageVersions { .. } | Self::ImageVersion { .. } => {
                ("locations", kind::COMPUTE_VERSIONS)
            }
            Self::ComputeSkus => ("skus", kind::SKU_VERSIONS),
            Self::Gallery(_) => ("galleries", kind::GALLERY_VERSIONS),
            Self::Terms { .. } => ("offertypes", kind::MARKETPLACE_VERSIONS),
        }
    }

    /// The answer of a GET.
    pub(super) fn read(
        &self,
        state: &State,
        subscription: &str,
        query: &HashMap<String, String>,
    ) -> Result<Value, ArmError> {
        match self {
            Self::DnsNameAvailability(location) => {
                let label = query.get("domainNameLabel").ok_or_else(|| ArmError::required("domainNameLabel"))?;
                Ok(public_address::availability(state, location, label))
            }
            Self::NetworkUsages(location) => Ok(network::usage::document(state, subscription, location)),
            Self::ComputeUsages(location) => Ok(usage::document(state, subscription, location)),
            Self::ComputeSkus => sku::document(state, &filter::parse(query.get("$filter").map_or("", String::as_str))?),
            Self::ImageVersions { location, offer, sku } => {
                let top = query.get("$top").and_then(|top| top.parse().ok());
                let descending =
                    query.get("$orderby").is_some_and(|order| order.to_ascii_lowercase().ends_with("desc"));
                image::versions(subscription, location, (offer, sku), top, descending)
            }
            Self::ImageVersion { location, offer, sku, version } => {
                image::version(subscription, location, (offer, sku), version)
            }
            Self::Gallery(path) => gallery::read(state, subscription, path),
            Self::Terms { publisher, offer, plan } => image::terms(state, subscription, publisher, offer, plan),
        }
    }
}

fn region(text: &str) -> Result<&'static str, ArmError> {
    location::canonical(text).ok_or_else(|| {
        ArmError::bad(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{text}'. The supported locations are '{}'.",
                location::names()
            ),
        )
    })
}
