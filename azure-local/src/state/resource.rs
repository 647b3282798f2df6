//! A stored resource: the client's document plus what Azure keeps beside it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arm::document;
use crate::arm::error::Failure;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::machine::PowerState;

/// `properties.provisioningState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Provisioning {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
}

impl Provisioning {
    /// Whether no operation is at work.
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// As ARM writes it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// A frontend port that an inbound NAT rule (V2) handed to one IP configuration. It stays until the member leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NatPort {
    /// The rule's id in lower case.
    pub rule: String,
    /// The IP configuration's id in lower case.
    pub ip_configuration: String,
    pub frontend_port: u16,
}

/// A resource as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub id: ResourceId,
    /// What the client decided, defaults filled in; read-only members are added when it is rendered.
    pub document: Value,
    pub provisioning: Provisioning,
    /// Lower-case ids of the resources and sub-resources it refers to.
    pub references: Vec<String>,
    /// The operation that last worked on it.
    pub operation: Option<String>,
    /// Why it is `Failed`.
    pub failure: Option<Failure>,
    /// Counts the writes.
    pub generation: u64,
    /// A random id that stays: `vmId`, `resourceGuid`, and the key of a console URL.
    pub unique_id: String,
    /// NICs only.
    pub nat_ports: Vec<NatPort>,
    /// The VM that holds this NIC or disk, as an id in lower case.
    pub managed_by: Option<String>,
    /// VMs only.
    pub power: Option<PowerState>,
    /// VMs only: `osProfile.customData` as it was sent. Never rendered; the journal has a record of its own for it.
    #[serde(skip)]
    pub custom_data: Option<String>,
}

impl Resource {
    /// A new resource in state `Creating`.
    pub(crate) fn new(id: ResourceId, document: Value) -> Self {
        Self {
            id,
            document,
            provisioning: Provisioning::Creating,
            references: Vec::new(),
            operation: None,
            failure: None,
            generation: 1,
            unique_id: uuid::Uuid::new_v4().to_string(),
            nat_ports: Vec::new(),
            managed_by: None,
            power: None,
            custom_data: None,
        }
    }

    /// The canonical region.
    pub(crate) fn location(&self) -> &str {
        document::text(&self.document, "/location").unwrap_or_default()
    }

    /// Whether it refers to exactly this id.
    pub(crate) fn refers_to(&self, key: &str) -> bool {
        self.references.iter().any(|reference| reference == key)
    }

    /// The text of a string property.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        document::text(&self.document, pointer)
    }

    /// The value of a tag; names are compared without case.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        let tags = self.document.get("tags")?.as_object()?;
        tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1.as_str()
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.id.kind == kind
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Resource")
            .field("id", &self.id.text())
            .field("provisioning", &self.provisioning)
            .finish_non_exhaustive()
    }
}
