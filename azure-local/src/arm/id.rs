//! ARM ids: the path of a request or the text of a reference becomes a [`ResourceId`] or a comparable key.

use serde::{Deserialize, Serialize};

use crate::arm::kind::Kind;

/// The subscription that is there unless others are set.
pub(crate) const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";

/// Segments of a top-level resource's id: subscriptions, s, resourceGroups, g, providers, ns, type, name.
const RESOURCE_SEGMENTS: usize = 8;

/// A resource group or a top-level resource in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResourceId {
    /// Lower case.
    #[serde(default = "default_subscription")]
    pub subscription: String,
    pub group: String,
    pub kind: Kind,
    /// The resource's name; for a resource group the group's.
    pub name: String,
}

impl ResourceId {
    /// The id of the resource group `group`.
    pub(crate) fn of_group(subscription: &str, group: &str) -> Self {
        Self::new(subscription, group, Kind::ResourceGroup, group)
    }

    /// The id of a resource in `group`.
    pub(crate) fn new(subscription: &str, group: &str, kind: Kind, name: &str) -> Self {
        Self { subscription: subscription.to_ascii_lowercase(), group: group.to_owned(), kind, name: name.to_owned() }
    }

    /// The id of another resource in this one's group.
    pub(crate) fn sibling(&self, kind: Kind, name: &str) -> Self {
        Self::new(&self.subscription, &self.group, kind, name)
    }

    /// The top-level resource that `text` names or lies under; `None` when it is no id of a known type.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let segments: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        if segments.len() < RESOURCE_SEGMENTS
            || !segments[0].eq_ignore_ascii_case("subscriptions")
            || !segments[2].eq_ignore_ascii_case("resourceGroups")
            || !segments[4].eq_ignore_ascii_case("providers")
        {
            return None;
        }
        let kind = Kind::find(segments[5], segments[6])?;
        Some(Self::new(segments[1], segments[3], kind, segments[7]))
    }

    /// The id as ARM writes it, in the case that was given.
    pub(crate) fn text(&self) -> String {
        let group = format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group);
        match self.kind {
            Kind::ResourceGroup => group,
            kind => format!("{group}/providers/{}/{}", kind.full_name(), self.name),
        }
    }

    /// The id in lower case: ids are compared and stored by it.
    pub(crate) fn key(&self) -> String {
        key(&self.text())
    }

    /// The key of the group this resource is in.
    pub(crate) fn group_key(&self) -> String {
        Self::of_group(&self.subscription, &self.group).key()
    }
}

fn default_subscription() -> String {
    SUBSCRIPTION.to_owned()
}

/// The comparable form of any id.
pub(crate) fn key(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The top-level resource's part of a reference, such as the virtual network's of a subnet's.
pub(crate) fn resource_part(reference: &str) -> &str {
    match reference.match_indices('/').nth(RESOURCE_SEGMENTS) {
        Some((end, _)) => &reference[..end],
        None => reference,
    }
}

/// The collection and name of the child that a reference names below its resource, if any.
pub(crate) fn child_part(reference: &str) -> Option<(&str, &str)> {
    let rest = reference[resource_part(reference).len()..].strip_prefix('/')?;
    rest.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_any_case_and_written_in_arms() {
        let text = "/SUBSCRIPTIONS/00000000-0000-4000-8000-000000000001/resourcegroups/Demo/PROVIDERS/microsoft.network/VIRTUALNETWORKS/Net/subnets/nodes";
        let id = ResourceId::parse(text).expect("a known type");
        assert_eq!(
            id.text(),
            "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/Demo/providers/Microsoft.Network/virtualNetworks/Net"
        );
        assert_eq!(id.key(), key(resource_part(text)));
        assert_eq!(child_part(text), Some(("subnets", "nodes")));
        assert_eq!(child_part(&id.text()), None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "/",
            "relative/path",
            "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g",
            "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Network/unknown/n",
        ] {
            assert_eq!(ResourceId::parse(text), None, "{text}");
        }
    }
}
