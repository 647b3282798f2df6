//! A PUT's body on its way into the state: the part of Azure's checks that is the same for every type. Each type's
//! module completes the draft; `http::put` stores it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::arm::document;
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, child_part, key, resource_part};
use crate::arm::kind::Kind;
use crate::schema;
use crate::state::State;
use crate::state::resource::{NatPort, Provisioning, Resource};

/// What a PUT will store.
pub(crate) struct Draft<'a> {
    pub state: &'a State,
    pub id: &'a ResourceId,
    /// What is stored under this id now.
    pub existing: Option<&'a Resource>,
    pub document: Value,
    /// Lower-case ids.
    pub references: Vec<String>,
    pub nat_ports: Vec<NatPort>,
    pub custom_data: Option<String>,
    /// Keys of NICs and disks that a VM takes.
    pub attached: Vec<String>,
    /// Disks that a VM brings with it.
    pub new_disks: Vec<Resource>,
}

impl<'a> Draft<'a> {
    /// Checks what every type has: the envelope, the location, and that it does not move.
    pub(crate) fn new(
        state: &'a State,
        id: &'a ResourceId,
        existing: Option<&'a Resource>,
        body: &Value,
    ) -> Result<Self, ArmError> {
        let mut document = document::envelope(id.kind, body)?;
        let location = document::text(&document, "/location").unwrap_or_default();
        if let Some(existing) = existing.filter(|existing| existing.location() != location) {
            if id.kind == Kind::ResourceGroup {
                return Err(ArmError::conflict(
                    "InvalidResourceGroupLocation",
                    format!(
                        "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                        existing.location()
                    ),
                ));
            }
            return Err(ArmError::conflict(
                "InvalidResourceLocation",
                format!(
                    "The resource '{}' already exists in location '{}' in resource group '{}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.",
                    id.name,
                    existing.location(),
                    id.group
                ),
            ));
        }
        schema::check(id.kind, &document)?;
        for collection in id.kind.children() {
            document::name_children(&mut document, id, collection)?;
        }
        Ok(Self {
            state,
            id,
            existing,
            document,
            references: Vec::new(),
            nat_ports: Vec::new(),
            custom_data: None,
            attached: Vec::new(),
            new_disks: Vec::new(),
        })
    }

    /// The draft's region.
    pub(crate) fn location(&self) -> &str {
        document::text(&self.document, "/location").unwrap_or_default()
    }

    /// Whether this draft stores what is stored already.
    pub(crate) fn is_stored(&self) -> bool {
        self.existing.is_some_and(|existing| {
            existing.document == self.document
                && existing.nat_ports == self.nat_ports
                && existing.custom_data == self.custom_data
        })
    }

    /// Fills in a default at `pointer`'s parent, which must be an object.
    pub(crate) fn default(&mut self, parent: &str, member: &str, value: Value) {
        if let Some(object) = self.document.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.entry(member).or_insert(value);
        }
    }

    /// Notes a reference to a resource, or to a sub-resource in its `collection`, after checking that it is there, in
    /// the same region, and not being worked on.
    pub(crate) fn refer(
        &mut self,
        reference: &str,
        kind: Kind,
        collection: Option<&str>,
    ) -> Result<&'a Resource, ArmError> {
        let wanted = key(reference);
        let invalid = || {
            ArmError::bad(
                "InvalidResourceReference",
                format!(
                    "Resource {reference} referenced by resource {} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
                    self.id.text()
                ),
            )
        };
        let resource = ResourceId::parse(reference)
            .filter(|id| id.kind == kind)
            .and_then(|_| self.state.get(resource_part(&wanted)))
            .ok_or_else(invalid)?;
        if resource.location() != self.location() {
            return Err(invalid());
        }
        let found = match (collection, child_part(&wanted)) {
            (None, None) => true,
            (Some(collection), Some((found, name))) => {
                collection.eq_ignore_ascii_case(found)
                    && document::child(&resource.document, collection, name).is_some()
            }
            _ => false,
        };
        if !found {
            return Err(invalid());
        }
        if resource.provisioning != Provisioning::Succeeded {
            return Err(ArmError::retryable(
                "ReferencedResourceNotProvisioned",
                format!(
                    "Cannot proceed with operation because resource {reference} used by resource {} is not in Succeeded state. Resource is in {} state and the last operation that updated/is updating the resource is {}.",
                    self.id.text(),
                    resource.provisioning.text(),
                    resource.operation.as_deref().unwrap_or("unknown"),
                ),
            ));
        }
        self.references.push(wanted);
        Ok(resource)
    }

    /// Refuses a NIC or disk that another machine holds.
    pub(crate) fn check_free(&self, holder: Option<&str>, refusal: impl FnOnce() -> ArmError) -> Result<(), ArmError> {
        if holder.is_none_or(|holder| holder == self.id.key()) { Ok(()) } else { Err(refusal()) }
    }

    /// The error for a property that cannot change any more.
    pub(crate) fn unchangeable(property: &str) -> ArmError {
        ArmError::conflict("PropertyChangeNotAllowed", format!("Changing property '{property}' is not allowed."))
            .target(property)
    }

    /// Requires `sku.name: Standard`, the only load balancer and address SKU that Azure still sells.
    pub(crate) fn require_standard_sku(&mut self, code: &str, message: &str) -> Result<(), ArmError> {
        if document::text(&self.document, "/sku/name").is_some_and(|name| name.eq_ignore_ascii_case("Standard")) {
            self.document["sku"] = json!({ "name": "Standard", "tier": "Regional" });
            return Ok(());
        }
        Err(ArmError::new(StatusCode::BAD_REQUEST, code, message).target("sku"))
    }
}
