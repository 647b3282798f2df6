//! Request bodies held against what Azure publishes of them: `schemas/*.json`, made by `schemas/generate.mjs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::arm::error::ArmError;
use crate::arm::kind::Kind;

const FILES: [&str; 4] = [
    include_str!("../schemas/compute.json"),
    include_str!("../schemas/network.json"),
    include_str!("../schemas/identity.json"),
    include_str!("../schemas/resources.json"),
];

static AS_AZURE_READS: LazyLock<BTreeMap<String, TypeSchema>> = LazyLock::new(|| schemas(false));
static AS_CLIENTS_WRITE: LazyLock<BTreeMap<String, TypeSchema>> = LazyLock::new(|| schemas(true));

/// What a body of one resource type must be. It is made ready for use when the first body comes, since few processes see all types.
struct TypeSchema {
    document: Value,
    validator: OnceLock<Validator>,
}

impl TypeSchema {
    /// What is wrong with a body.
    fn errors<'a>(&'a self, body: &'a Value) -> impl Iterator<Item = ValidationError<'a>> {
        let ready = || jsonschema::validator_for(&self.document).expect("a schema is valid");
        self.validator.get_or_init(ready).iter_errors(body)
    }
}

/// What is wrong with the body of a PUT of `resource_type`, such as `Microsoft.Network/virtualNetworks`: one text a
/// mistake. Stricter than Azure: a property that only Azure sets, which it ignores in a request, is a mistake too.
///
/// # Panics
/// When there is no schema for the type.
pub fn mistakes(resource_type: &str, body: &Value) -> Vec<String> {
    AS_CLIENTS_WRITE[resource_type].errors(body).flat_map(|error| told(resource_type, &error)).collect()
}

/// Refuses what Azure's providers cannot read: a member that the type does not have, a value of another form.
pub(crate) fn check(kind: Kind, document: &Value) -> Result<(), ArmError> {
    let resource_type = kind.full_name();
    let Some(schema) = AS_AZURE_READS.get(&resource_type) else { return Ok(()) };
    let mut details =
        schema.errors(document).flat_map(|error| told(&resource_type, &error)).collect::<Vec<_>>().into_iter();
    let Some(first) = details.next() else { return Ok(()) };
    let refused = ArmError::bad("InvalidRequestFormat", "Cannot parse the request.").detail("InvalidJson", first);
    Err(details.fold(refused, |refused, detail| refused.detail("InvalidJson", detail)))
}

/// One schema a resource type.
fn schemas(refuse_read_only: bool) -> BTreeMap<String, TypeSchema> {
    let mut schemas = BTreeMap::new();
    for file in FILES {
        let mut schema: Value = serde_json::from_str(file).expect("a schema is JSON");
        if refuse_read_only {
            forbid_read_only(&mut schema["$defs"]);
        }
        for (resource_type, place) in schema["types"].as_object().into_iter().flatten() {
            let definitions = used_definitions(place, &schema["$defs"]);
            let document = json!({ "$ref": place["$ref"], "$defs": definitions });
            schemas.insert(resource_type.clone(), TypeSchema { document, validator: OnceLock::new() });
        }
    }
    schemas
}

/// The definitions that a schema refers to, and those that they refer to.
fn used_definitions(schema: &Value, definitions: &Value) -> Map<String, Value> {
    let (mut used, mut seen) = (Map::new(), BTreeSet::new());
    let mut left = vec![schema];
    while let Some(schema) = left.pop() {
        match schema {
            Value::Object(object) => {
                let name = object.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
                if let Some(name) = name.filter(|name| seen.insert(*name)) {
                    used.insert(name.to_owned(), definitions[name].clone());
                    left.push(&definitions[name]);
                }
                left.extend(object.values());
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    used
}

/// Schemas of properties that only Azure sets become those that nothing fits.
fn forbid_read_only(schema: &mut Value) {
    match schema {
        Value::Object(object) if is_read_only(object) => *schema = Value::Bool(false),
        Value::Object(object) => object.values_mut().for_each(forbid_read_only),
        _ => {}
    }
}

fn is_read_only(object: &Map<String, Value>) -> bool {
    object.get("readOnly") == Some(&Value::Bool(true))
}

/// In the words of Azure's own parser, one text a mistake.
fn told(resource_type: &str, error: &ValidationError) -> Vec<String> {
    let path: Vec<String> = error.instance_path().as_str().split('/').skip(1).map(str::to_owned).collect();
    let place = |member: &str| {
        let mut path = path.clone();
        path.push(member.to_owned());
        path.join(".")
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|member| {
                format!(
                    "Could not find member '{member}' on object of type '{resource_type}'. Path '{}'.",
                    place(member)
                )
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            vec![format!("Required property '{property}' not found in JSON. Path '{}'.", place(property))]
        }
        ValidationErrorKind::FalseSchema => vec![format!("Property '{}' is read-only.", path.join("."))],
        ValidationErrorKind::Pattern { pattern } if pattern.starts_with("^(?i:") => {
            let words = pattern.trim_start_matches("^(?i:").trim_end_matches(")$").replace('|', ", ");
            vec![format!("Error converting value {} to one of: {words}. Path '{}'.", error.instance(), path.join("."))]
        }
        _ => vec![format!("Error converting value: {error}. Path '{}'.", path.join("."))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_schema_of_its_version() {
        for file in FILES {
            let schema: Value = serde_json::from_str(file).unwrap();
            for resource_type in schema["types"].as_object().unwrap().keys() {
                let (namespace, collection) = resource_type.split_once('/').unwrap();
                let kind = Kind::find(namespace, collection).unwrap_or(Kind::ResourceGroup);
                let versions = &schema["apiVersions"];
                let version = versions.get(resource_type).unwrap_or(&versions["default"]).as_str().unwrap();
                assert!(kind.api_versions().contains(&version), "{resource_type}: {version}");
                assert!(AS_AZURE_READS.contains_key(&kind.full_name()), "{resource_type}");
            }
        }
        assert_eq!(AS_AZURE_READS.len(), 13);
    }

    #[test]
    fn mistakes_are_told_as_azure_tells_them() {
        let network = "Microsoft.Network/virtualNetworks";
        for (body, expected) in [
            (
                json!({ "location": "westeurope", "properties": { "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } }),
                vec![],
            ),
            (
                json!({ "properties": { "subnets": [{ "name": "a", "properties": { "adressPrefix": "10.0.0.0/24" } }], "b": 1 } }),
                vec![
                    "Could not find member 'b' on object of type 'Microsoft.Network/virtualNetworks'. Path 'properties.b'.",
                    "Could not find member 'adressPrefix' on object of type 'Microsoft.Network/virtualNetworks'. Path 'properties.subnets.0.properties.adressPrefix'.",
                ],
            ),
            (json!({ "etag": "x" }), vec!["Property 'etag' is read-only."]),
            (
                json!({ "properties": { "flowTimeoutInMinutes": "4" } }),
                vec![
                    "Error converting value: \"4\" is not of type \"number\". Path 'properties.flowTimeoutInMinutes'.",
                ],
            ),
        ] {
            let mut found = mistakes(network, &body);
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
        }
        assert_eq!(
            mistakes("Microsoft.Network/publicIPAddresses", &json!({ "sku": { "name": "Premium" } })),
            ["Error converting value \"Premium\" to one of: Basic, Standard. Path 'sku.name'."]
        );
        assert!(check(Kind::VirtualNetwork, &json!({ "etag": "x" })).is_ok(), "Azure ignores it");
        let disk = json!({ "properties": { "storageProfile": { "dataDisks": [{ "createOption": "empty" }] } } });
        assert_eq!(
            mistakes("Microsoft.Compute/virtualMachines", &disk),
            [
                "Required property 'lun' not found in JSON. Path 'properties.storageProfile.dataDisks.0.lun'.",
                "Required property 'location' not found in JSON. Path 'location'.",
            ]
        );
    }
}
