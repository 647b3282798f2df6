//! Request paths become routes. Segments are compared without case, names keep theirs.

use axum::http::StatusCode;

use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, SUBSCRIPTION};
use crate::arm::kind::{self, Kind};
use crate::arm::location;

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    Subscription,
    Locations,
    Groups,
    GroupResources(String),
    Provider(String),
    RegisterProvider(String),
    Resource(ResourceId),
    /// All resources of a kind in a group.
    Collection(String, Kind),
    /// A sub-resource: its resource, collection and name.
    Child(ResourceId, String, String),
    /// A POST (or `instanceView`) on a resource.
    Action(ResourceId, String),
    QueryPortMapping(ResourceId, String),
    Operation(String),
    OperationResult(String),
    DnsNameAvailability(&'static str),
    NetworkUsages(&'static str),
    ComputeUsages(&'static str),
    ComputeSkus,
    ImageVersions {
        location: &'static str,
        offer: String,
        sku: String,
    },
    ImageVersion {
        location: &'static str,
        offer: String,
        sku: String,
        version: String,
    },
    Terms {
        publisher: String,
        offer: String,
        plan: String,
    },
}

impl Route {
    /// The route of a decoded path.
    pub fn parse(path: &str) -> Result<Self, ArmError> {
        let names: Vec<&str> = path.trim_matches('/').split('/').collect();
        let lower = path.trim_matches('/').to_ascii_lowercase();
        let segments: Vec<&str> = lower.split('/').collect();
        let [first, subscription, rest @ ..] = segments.as_slice() else {
            return Err(no_route(path));
        };
        if *first != "subscriptions" {
            return Err(no_route(path));
        }
        if !subscription.eq_ignore_ascii_case(SUBSCRIPTION) {
            return Err(ArmError::missing(
                "SubscriptionNotFound",
                format!("The subscription '{subscription}' could not be found."),
            ));
        }
        let name = |index: usize| names[index + 2].to_owned();
        Ok(match rest {
            [] => Self::Subscription,
            ["locations"] => Self::Locations,
            ["resourcegroups"] => Self::Groups,
            ["resourcegroups", _] => Self::Resource(ResourceId::of_group(&name(1))),
            ["resourcegroups", _, "resources"] => Self::GroupResources(name(1)),
            ["resourcegroups", _, "providers", namespace, rest @ ..] => {
                Self::in_group(path, &name(1), namespace, rest, &names[6..])?
            }
            ["operationresults", _] => Self::OperationResult(name(1)),
            ["providers", _] => Self::Provider(name(1)),
            ["providers", _, "register"] => Self::RegisterProvider(name(1)),
            ["providers", "microsoft.network" | "microsoft.compute", "locations", _, "operations", _] => {
                Self::Operation(name(5))
            }
            ["providers", "microsoft.network" | "microsoft.compute", "locations", _, "operationresults", _] => {
                Self::OperationResult(name(5))
            }
            ["providers", "microsoft.network", "locations", place, "checkdnsnameavailability"] => {
                Self::DnsNameAvailability(region(place)?)
            }
            ["providers", "microsoft.network", "locations", place, "usages"] => Self::NetworkUsages(region(place)?),
            ["providers", "microsoft.compute", "locations", place, "usages"] => Self::ComputeUsages(region(place)?),
            ["providers", "microsoft.compute", "skus"] => Self::ComputeSkus,
            [
                "providers",
                "microsoft.compute",
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
            ] if version.len() < 2 => {
                let location = region(place)?;
                if *publisher != crate::compute::image::PUBLISHER {
                    return Err(ArmError::missing(
                        "NotFound",
                        format!("Publisher {publisher} was not found in location {location}."),
                    ));
                }
                let (offer, sku) = (name(9), name(11));
                match version {
                    [] => Self::ImageVersions { location, offer, sku },
                    _ => Self::ImageVersion { location, offer, sku, version: name(13) },
                }
            }
            [
                "providers",
                "microsoft.marketplaceordering",
                "offertypes",
                "virtualmachine",
                "publishers",
                _,
                "offers",
                _,
                "plans",
                _,
                "agreements",
                "current",
            ] => Self::Terms { publisher: name(5), offer: name(7), plan: name(9) },
            _ => return Err(no_route(path)),
        })
    }

    fn in_group(path: &str, group: &str, namespace: &str, segments: &[&str], names: &[&str]) -> Result<Self, ArmError> {
        let Some(collection) = segments.first() else {
            return Err(no_route(path));
        };
        let Some(kind) = Kind::find(namespace, collection) else {
            if !["microsoft.network", "microsoft.compute"].contains(&namespace) {
                return Err(ArmError::missing(
                    "InvalidResourceNamespace",
                    format!("The resource namespace '{namespace}' is invalid."),
                ));
            }
            return Err(ArmError::missing(
                "InvalidResourceType",
                format!("The resource type '{}' could not be found in the namespace '{namespace}'.", names[0]),
            ));
        };
        let id = || ResourceId::new(group, kind, names[1]);
        Ok(match segments {
            [_] => Self::Collection(group.to_owned(), kind),
            [_, _] => Self::Resource(id()),
            [_, _, _] => Self::Action(id(), names[2].to_owned()),
            [_, _, collection, _] if kind.children().iter().any(|known| known.eq_ignore_ascii_case(collection)) => {
                Self::Child(id(), names[2].to_owned(), names[3].to_owned())
            }
            [_, _, "backendaddresspools", _, "queryinboundnatruleportmapping"] if kind == Kind::LoadBalancer => {
                Self::QueryPortMapping(id(), names[3].to_owned())
            }
            _ => return Err(no_route(path)),
        })
    }

    /// The resource it is about.
    pub fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Resource(id) | Self::Child(id, ..) | Self::Action(id, _) | Self::QueryPortMapping(id, _) => Some(id),
            _ => None,
        }
    }

    /// The type and name that faults are matched by.
    pub fn fault_names(&self) -> (String, &str) {
        match (self.resource(), self) {
            (Some(id), _) => (id.kind.full_name(), &id.name),
            (None, Self::Operation(_) | Self::OperationResult(_)) => ("operations".to_owned(), ""),
            _ => (String::new(), ""),
        }
    }

    /// Refuses a missing api-version and one that the route's type does not have.
    pub fn check_version(&self, version: Option<&str>) -> Result<(), ArmError> {
        let Some(version) = version.filter(|version| !version.is_empty()) else {
            return Err(ArmError::bad(
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            ));
        };
        let (name, versions) = match self {
            Self::Resource(id) | Self::Child(id, ..) | Self::Action(id, _) | Self::QueryPortMapping(id, _) => {
                (id.kind.collection(), id.kind.api_versions())
            }
            Self::Collection(_, kind) => (kind.collection(), kind.api_versions()),
            // Operation URLs carry the version they were given out with.
            Self::Operation(_) | Self::OperationResult(_) => return Ok(()),
            Self::DnsNameAvailability(_) | Self::NetworkUsages(_) => ("locations", kind::NETWORK_VERSIONS),
            Self::ComputeUsages(_) | Self::ImageVersions { .. } | Self::ImageVersion { .. } => {
                ("locations", kind::COMPUTE_VERSIONS)
            }
            Self::ComputeSkus => ("skus", kind::SKU_VERSIONS),
            Self::Terms { .. } => ("offertypes", kind::MARKETPLACE_VERSIONS),
            _ => ("subscriptions", kind::RESOURCES_VERSIONS),
        };
        if versions.contains(&version) {
            return Ok(());
        }
        let supported = versions.join(",");
        if versions == kind::RESOURCES_VERSIONS {
            return Err(ArmError::bad(
                "InvalidApiVersionParameter",
                format!("The api-version '{version}' is invalid. The supported versions are '{supported}'."),
            ));
        }
        Err(ArmError::bad(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '' and API version '{version}' for type '{name}'. The supported api-versions are '{supported}'."
            ),
        ))
    }
}

fn region(text: &str) -> Result<&'static str, ArmError> {
    location::canonical(text).ok_or_else(|| {
        ArmError::new(
            StatusCode::BAD_REQUEST,
            "LocationNotAvailableForResourceType",
            format!("The provided location '{text}' is not available."),
        )
    })
}

fn no_route(path: &str) -> ArmError {
    ArmError::missing("InvalidResourceType", format!("No resource or operation is known under the path '{path}'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_routes() {
        let lb = || ResourceId::new("G", Kind::LoadBalancer, "Lb");
        let table = [
            ("", Some(Route::Subscription)),
            ("/LOCATIONS", Some(Route::Locations)),
            ("/resourcegroups/G", Some(Route::Resource(ResourceId::of_group("G")))),
            ("/resourceGroups/G/resources", Some(Route::GroupResources("G".into()))),
            ("/resourceGroups/G/providers/microsoft.network/LOADBALANCERS/Lb", Some(Route::Resource(lb()))),
            (
                "/resourceGroups/G/providers/Microsoft.Network/loadBalancers",
                Some(Route::Collection("G".into(), Kind::LoadBalancer)),
            ),
            (
                "/resourceGroups/G/providers/Microsoft.Network/loadBalancers/Lb/probes/p",
                Some(Route::Child(lb(), "probes".into(), "p".into())),
            ),
            (
                "/resourceGroups/G/providers/Microsoft.Network/loadBalancers/Lb/backendAddressPools/p/queryInboundNatRulePortMapping",
                Some(Route::QueryPortMapping(lb(), "p".into())),
            ),
            ("/providers/Microsoft.Compute/locations/westeurope/operations/Ab", Some(Route::Operation("Ab".into()))),
            ("/operationresults/Ab", Some(Route::OperationResult("Ab".into()))),
            ("/providers/Microsoft.Network/locations/West Europe/usages", Some(Route::NetworkUsages("westeurope"))),
            (
                "/providers/Microsoft.Compute/locations/westeurope/publishers/kinvolk/artifacttypes/vmimage/offers/O/skus/S/versions/1",
                Some(Route::ImageVersion {
                    location: "westeurope",
                    offer: "O".into(),
                    sku: "S".into(),
                    version: "1".into(),
                }),
            ),
            ("/providers/Microsoft.Network/locations/moon/usages", None),
            ("/resourceGroups/G/providers/Microsoft.Network/unknown/x", None),
            ("/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/x", None),
        ];
        for (path, route) in table {
            assert_eq!(Route::parse(&format!("/subscriptions/{SUBSCRIPTION}{path}")).ok(), route, "{path}");
        }
    }
}
