//! Reading and preparing ARM's JSON documents without types: what a client sent becomes what is stored.

use serde_json::{Map, Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::arm::name;

/// What Azure computes itself and therefore ignores in a PUT.
const READ_ONLY: &[&str] = &["provisioningState", "etag", "resourceGuid"];

/// Top-level members a resource may have; anything else in a PUT is refused.
const ENVELOPE: &[&str] =
    &["id", "name", "type", "location", "tags", "sku", "zones", "plan", "identity", "etag", "managedBy", "properties"];

/// The string at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

/// The array at a JSON pointer; empty when there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The mutable entries of the array `properties.<collection>`.
pub(crate) fn children_mut<'a>(document: &'a mut Value, collection: &str) -> impl Iterator<Item = &'a mut Value> {
    document
        .get_mut("properties")
        .and_then(|properties| properties.get_mut(collection))
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// The entry called `wanted`, in any case, of `properties.<collection>`, the collection in any case too.
pub(crate) fn child<'a>(document: &'a Value, collection: &str, wanted: &str) -> Option<&'a Value> {
    let properties = document.get("properties")?.as_object()?;
    let (_, entries) = properties.iter().find(|(name, _)| name.eq_ignore_ascii_case(collection))?;
    entries.as_array()?.iter().find(|entry| text(entry, "/name").is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
}

/// The whole number at a pointer when it lies in a range; `default` when absent.
pub(crate) fn number(
    value: &Value,
    pointer: &str,
    range: std::ops::RangeInclusive<u64>,
    default: Option<u64>,
) -> Result<u64, ArmError> {
    let property = pointer.rsplit('/').next().unwrap_or(pointer);
    let found = match value.pointer(pointer) {
        None | Some(Value::Null) => default,
        Some(found) => Some(found.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
            ArmError::bad(
                "InvalidRequestFormat",
                format!(
                    "The value {found} of property '{property}' must be a whole number from {} to {}.",
                    range.start(),
                    range.end()
                ),
            )
            .target(property)
        })?),
    };
    found.ok_or_else(|| ArmError::required(property))
}

/// One of `allowed`, in Azure's case; `default` when absent.
pub(crate) fn choice(
    value: &Value,
    pointer: &str,
    allowed: &[&'static str],
    default: Option<&'static str>,
) -> Result<&'static str, ArmError> {
    let property = pointer.rsplit('/').next().unwrap_or(pointer);
    match value.pointer(pointer) {
        None | Some(Value::Null) => default.ok_or_else(|| ArmError::required(property)),
        Some(found) => found
            .as_str()
            .and_then(|found| allowed.iter().copied().find(|choice| choice.eq_ignore_ascii_case(found)))
            .ok_or_else(|| {
                ArmError::bad(
                    "InvalidRequestFormat",
                    format!("The value {found} of property '{property}' is not one of: {}.", allowed.join(", ")),
                )
                .target(property)
            }),
    }
}

/// The stored form of a PUT's body: only what a client decides, with the canonical location and `properties` present.
pub(crate) fn envelope(kind: Kind, body: &Value) -> Result<Value, ArmError> {
    let Some(body) = body.as_object() else {
        return Err(ArmError::bad(
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: a JSON object is expected.",
        ));
    };
    if let Some(unknown) = body.keys().find(|key| !ENVELOPE.contains(&key.as_str())) {
        return Err(ArmError::bad(
            "InvalidRequestContent",
            format!(
                "The request content was invalid and could not be deserialized: 'Could not find member '{unknown}' on object of type 'ResourceDefinition'.'"
            ),
        ));
    }
    let mut document = Map::new();
    for key in ["location", "tags", "sku", "zones", "plan", "identity", "properties"] {
        if let Some(value) = body.get(key).filter(|value| !value.is_null()) {
            document.insert(key.to_owned(), value.clone());
        }
    }
    let location = body
        .get("location")
        .and_then(Value::as_str)
        .ok_or_else(|| ArmError::bad("LocationRequired", "The location property is required for this definition."))?;
    let location = location::canonical(location).ok_or_else(|| location_refused(kind, location))?;
    document.insert("location".to_owned(), json!(location));
    document.entry("properties").or_insert_with(|| json!({}));
    check_tags(document.get("tags"))?;
    let mut document = Value::Object(document);
    strip(&mut document["properties"]);
    Ok(document)
}

/// The refusal of a region that Azure does not have.
fn location_refused(kind: Kind, location: &str) -> ArmError {
    let regions = location::names();
    if kind == Kind::ResourceGroup {
        return ArmError::bad(
            "LocationNotAvailableForResourceGroup",
            format!(
                "The provided location '{location}' is not available for resource group. List of available regions is '{regions}'."
            ),
        );
    }
    let name = kind.full_name();
    ArmError::bad(
        "LocationNotAvailableForResourceType",
        format!(
            "The provided location '{location}' is not available for resource type '{name}'. List of available regions for the resource type is '{regions}'."
        ),
    )
}

/// What no tag's name begins with, and what none has in it.
/// Source: <https://learn.microsoft.com/rest/api/resources/tags/create-or-update>; the code of the refusal is not published.
const RESERVED_TAG_PREFIXES: [&str; 3] = ["microsoft", "azure", "windows"];
const RESERVED_TAG_CHARACTERS: &str = "<>%&\\?/";

/// Refuses names of tags that Azure keeps for itself.
fn check_tag_name(name: &str) -> Result<(), ArmError> {
    if name.chars().any(|c| RESERVED_TAG_CHARACTERS.contains(c) || c.is_control()) {
        let message =
            format!("The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters.");
        return Err(ArmError::bad("InvalidTagNameCharacters", message).target("tags"));
    }
    let lower = name.to_ascii_lowercase();
    match RESERVED_TAG_PREFIXES.iter().find(|prefix| lower.starts_with(*prefix)) {
        Some(prefix) => {
            let message = format!("The tag name '{name}' begins with '{prefix}', which is reserved for Azure use.");
            Err(ArmError::bad("InvalidTagName", message).target("tags"))
        }
        None => Ok(()),
    }
}

/// Limits of Azure's tags: 50 of them, names to 512, values to 256 characters.
fn check_tags(tags: Option<&Value>) -> Result<(), ArmError> {
    let Some(tags) = tags else { return Ok(()) };
    let Some(tags) = tags.as_object() else {
        return Err(ArmError::bad("InvalidTags", "Tags must be a dictionary of strings.").target("tags"));
    };
    if tags.len() > 50 {
        return Err(ArmError::bad("InvalidTags", "A resource can have at most 50 tags.").target("tags"));
    }
    for (name, value) in tags {
        check_tag_name(name)?;
        match value.as_str() {
            None => {
                return Err(
                    ArmError::bad("InvalidTags", format!("The value of tag '{name}' is not a string.")).target("tags")
                );
            }
            Some(value) if name.chars().count() > 512 || value.chars().count() > 256 => {
                return Err(ArmError::bad(
                    "InvalidTagNameOrValue",
                    format!("The tag '{name}' exceeds the allowed length: 512 characters for names, 256 for values."),
                )
                .target("tags"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Removes what Azure computes, at every depth.
fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, value| !READ_ONLY.contains(&key.as_str()) && !value.is_null());
            object.values_mut().for_each(strip);
        }
        Value::Array(entries) => entries.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Checks the names of the sub-resources in `properties.<collection>` and gives them their ids.
pub(crate) fn name_children(document: &mut Value, parent: &ResourceId, collection: &str) -> Result<(), ArmError> {
    let parent = parent.text();
    let mut seen = Vec::new();
    for entry in children_mut(document, collection) {
        let Some(child) = text(entry, "/name").map(str::to_owned) else {
            return Err(ArmError::required("name").target(collection));
        };
        name::check_child(&child)?;
        if seen.iter().any(|other: &String| other.eq_ignore_ascii_case(&child)) {
            return Err(ArmError::bad(
                "DuplicateResourceName",
                format!("Resource {parent} has two children with the same name ({child})."),
            )
            .target(collection));
        }
        if !entry.get("properties").is_some_and(Value::is_object) {
            entry["properties"] = json!({});
        }
        entry["id"] = json!(format!("{parent}/{collection}/{child}"));
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("type");
        }
        seen.push(child);
    }
    Ok(())
}
