//! Request paths become routes. Segments are compared without case, names keep theirs.

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::arm::version as published;
use crate::compute::gallery::{self, Shelf};
use crate::http::catalogue::Catalogue;

/// What a path names, and the subscription it is in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Routed {
    /// Lower case; empty for what is in none.
    pub subscription: String,
    pub route: Route,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Route {
    Subscriptions,
    Tenants,
    Subscription,
    Locations,
    Groups,
    /// All resources of the subscription.
    Resources,
    /// All resources of a group.
    GroupResources(ResourceId),
    Providers,
    Provider(String),
    RegisterProvider(String),
    Resource(ResourceId),
    /// All resources of a kind in a group.
    Collection(ResourceId, Kind),
    /// All resources of a kind in the subscription.
    Everywhere(Kind),
    /// All sub-resources of one collection.
    Children(ResourceId, String),
    /// A sub-resource: its resource, collection and name.
    Child(ResourceId, String, String),
    /// A POST on a resource, or a GET of something computed from it.
    Action(ResourceId, String),
    QueryPortMapping(ResourceId, String),
    Operation(String),
    OperationResult(String),
    Catalogue(Catalogue),
}

impl Routed {
    /// The route of a decoded path.
    pub(super) fn parse(path: &str) -> Result<Self, ArmError> {
        let names: Vec<&str> = path.trim_matches('/').split('/').collect();
        let lower = path.trim_matches('/').to_ascii_lowercase();
        let segments: Vec<&str> = lower.split('/').collect();
        let (subscription, route) = match segments.as_slice() {
            ["subscriptions"] => ("", Some(Route::Subscriptions)),
            ["tenants"] => ("", Some(Route::Tenants)),
            ["subscriptions", subscription, rest @ ..] => {
                (*subscription, Route::in_subscription(subscription, rest, &names[2..])?)
            }
            _ => ("", None),
        };
        let route = route.ok_or_else(|| {
            ArmError::missing(
                "InvalidResourceType",
                format!("No resource or operation is known under the path '{path}'."),
            )
        })?;
        Ok(Self { subscription: subscription.to_owned(), route })
    }
}

impl Route {
    fn in_subscription(subscription: &str, segments: &[&str], names: &[&str]) -> Result<Option<Self>, ArmError> {
        let name = |index: usize| names[index].to_owned();
        let group = || ResourceId::of_group(subscription, names[1]);
        Ok(Some(match segments {
            [] => Self::Subscription,
            ["locations"] => Self::Locations,
            ["resources"] => Self::Resources,
            ["resourcegroups"] => Self::Groups,
            ["resourcegroups", _] => Self::Resource(group()),
            ["resourcegroups", _, "resources"] => Self::GroupResources(group()),
            ["resourcegroups", _, "providers", namespace, rest @ ..] => {
                return Self::in_group(&group(), namespace, rest, &names[4..]);
            }
            ["operationresults", _] => Self::OperationResult(name(1)),
            ["providers"] => Self::Providers,
            ["providers", _] => Self::Provider(name(1)),
            ["providers", _, "register"] => Self::RegisterProvider(name(1)),
            ["providers", _, "locations", _, "operations", _] => Self::Operation(name(5)),
            ["providers", _, "locations", _, "operationresults", _] => Self::OperationResult(name(5)),
            ["providers", namespace, rest @ ..] => {
                if let [collection] = rest
                    && let Some(kind) = Kind::find(namespace, collection)
                {
                    return Ok(Some(Self::Everywhere(kind)));
                }
                return Ok(Catalogue::parse(namespace, rest, &names[2..])?.map(Self::Catalogue));
            }
            _ => return Ok(None),
        }))
    }

    fn in_group(
        group: &ResourceId,
        namespace: &str,
        segments: &[&str],
        names: &[&str],
    ) -> Result<Option<Self>, ArmError> {
        let Some(collection) = segments.first() else {
            return Ok(None);
        };
        if let ("microsoft.compute", ["galleries", _, "images", _, rest @ ..]) = (namespace, segments) {
            let shelf = Shelf::Own { group: group.clone(), gallery: names[1].to_owned() };
            let path = gallery::Path::parse(shelf, names[3].to_owned(), rest, &names[4..]);
            return Ok(path.map(|path| Self::Catalogue(Catalogue::Gallery(path))));
        }
        let Some(kind) = Kind::find(namespace, collection) else {
            if Kind::of_namespace(namespace).next().is_none() {
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
        let id = || ResourceId::new(&group.subscription, &group.group, kind, names[1]);
        let has_children =
            |collection: &str| kind.children().iter().any(|known| known.eq_ignore_ascii_case(collection));
        Ok(Some(match segments {
            [_] => Self::Collection(group.clone(), kind),
            [_, _] => Self::Resource(id()),
            [_, _, collection] if has_children(collection) => Self::Children(id(), names[2].to_owned()),
            [_, _, _] => Self::Action(id(), names[2].to_owned()),
            [_, _, collection, _] if has_children(collection) => {
                Self::Child(id(), names[2].to_owned(), names[3].to_owned())
            }
            [_, _, "backendaddresspools", _, "queryinboundnatruleportmapping"] if kind == Kind::LoadBalancer => {
                Self::QueryPortMapping(id(), names[3].to_owned())
            }
            _ => return Ok(None),
        }))
    }

    /// The resource it is about.
    pub(super) fn resource(&self) -> Option<&ResourceId> {
        match self {
            Self::Resource(id)
            | Self::Children(id, _)
            | Self::Child(id, ..)
            | Self::Action(id, _)
            | Self::QueryPortMapping(id, _) => Some(id),
            _ => None,
        }
    }

    /// The type and name that faults are matched by.
    pub(super) fn fault_names(&self) -> (String, &str) {
        if let Self::Child(id, collection, name) = self {
            return (format!("{}/{collection}", id.kind.full_name()), name);
        }
        if let Some(id) = self.resource() {
            return (id.kind.full_name(), &id.name);
        }
        match self {
            Self::Subscriptions | Self::Subscription => ("subscriptions".to_owned(), ""),
            Self::Tenants => ("tenants".to_owned(), ""),
            Self::Locations => ("locations".to_owned(), ""),
            Self::Groups => (Kind::ResourceGroup.full_name(), ""),
            Self::Collection(_, kind) | Self::Everywhere(kind) => (kind.full_name(), ""),
            Self::Resources | Self::GroupResources(_) => ("resources".to_owned(), ""),
            Self::Providers => ("providers".to_owned(), ""),
            Self::Provider(namespace) | Self::RegisterProvider(namespace) => ("providers".to_owned(), namespace),
            Self::Operation(_) | Self::OperationResult(_) => ("operations".to_owned(), ""),
            Self::Catalogue(catalogue) => (catalogue.fault_type().to_owned(), ""),
            _ => (String::new(), ""),
        }
    }

    /// Refuses a missing api-version and one that the route's type does not have.
    pub(super) fn check_version(&self, version: Option<&str>) -> Result<(), ArmError> {
        let Some(version) = version.filter(|version| !version.is_empty()) else {
            return Err(ArmError::bad(
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            ));
        };
        let (name, versions) = match (self, self.resource()) {
            (_, Some(id)) => (id.kind.collection(), id.kind.api_versions()),
            (Self::Collection(_, kind) | Self::Everywhere(kind), _) => (kind.collection(), kind.api_versions()),
            // Operation URLs carry the version they were given out with.
            (Self::Operation(_) | Self::OperationResult(_), _) => return Ok(()),
            (Self::Catalogue(catalogue), _) => catalogue.versions(),
            _ => ("subscriptions", published::RESOURCES),
        };
        if versions.contains(&version) {
            return Ok(());
        }
        if versions == published::RESOURCES {
            let supported = versions.iter().rev().copied().collect::<Vec<_>>().join(",");
            return Err(ArmError::bad(
                "InvalidApiVersionParameter",
                format!("The api-version '{version}' is invalid. The supported versions are '{supported}'."),
            ));
        }
        let supported = versions.join(", ");
        Err(ArmError::bad(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '' and API version '{version}' for type '{name}'. The supported api-versions are '{supported}'."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::id::SUBSCRIPTION;

    #[test]
    fn paths_become_routes() {
        let lb = || ResourceId::new(SUBSCRIPTION, "G", Kind::LoadBalancer, "Lb");
        let group = || ResourceId::of_group(SUBSCRIPTION, "G");
        let table = [
            ("", Some(Route::Subscription)),
            ("/providers/Microsoft.Network", Some(Route::Provider("Microsoft.Network".into()))),
            (
                "/resourceGroups/G/providers/Microsoft.Network/loadBalancers/Lb/probes",
                Some(Route::Children(lb(), "probes".into())),
            ),
            ("/LOCATIONS", Some(Route::Locations)),
            ("/resourcegroups/G", Some(Route::Resource(group()))),
            ("/resourceGroups/G/resources", Some(Route::GroupResources(group()))),
            ("/resourceGroups/G/providers/microsoft.network/LOADBALANCERS/Lb", Some(Route::Resource(lb()))),
            (
                "/resourceGroups/G/providers/Microsoft.Network/loadBalancers",
                Some(Route::Collection(group(), Kind::LoadBalancer)),
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
            (
                "/providers/Microsoft.Network/locations/West Europe/usages",
                Some(Route::Catalogue(Catalogue::NetworkUsages("westeurope"))),
            ),
            (
                "/providers/Microsoft.Compute/locations/westeurope/publishers/kinvolk/artifacttypes/vmimage/offers/O/skus/S/versions/1",
                Some(Route::Catalogue(Catalogue::ImageVersion {
                    location: "westeurope",
                    offer: "O".into(),
                    sku: "S".into(),
                    version: "1".into(),
                })),
            ),
            ("/providers/Microsoft.Network/locations/moon/usages", None),
            ("/resourceGroups/G/providers/Microsoft.Network/unknown/x", None),
            ("/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/x", None),
        ];
        for (path, route) in table {
            let found = Routed::parse(&format!("/subscriptions/{SUBSCRIPTION}{path}")).ok();
            assert_eq!(found.map(|found| found.route), route, "{path}");
        }
    }
}
