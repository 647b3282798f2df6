//! Image galleries, one's own and those of the community: read-only here, filled by the control endpoints.
//! Sources: <https://learn.microsoft.com/rest/api/compute/gallery-image-versions>,
//! <https://learn.microsoft.com/rest/api/compute/community-gallery-images>

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::location;
use crate::state::State;
use crate::state::settings::GalleryImage;

/// Where a gallery is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shelf {
    /// In a resource group.
    Own { group: ResourceId, gallery: String },
    /// Among the community's, by public name.
    Community { location: &'static str, gallery: String },
}

/// What is asked for of an image definition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Definition,
    Versions,
    Version(String),
}

/// The path of an image definition or of its versions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    pub shelf: Shelf,
    pub image: String,
    pub part: Part,
}

impl Path {
    /// What follows `images/{image}`: nothing, `versions` or `versions/{version}`; `segments` are `names` in lower case.
    pub(crate) fn parse(shelf: Shelf, image: String, segments: &[&str], names: &[&str]) -> Option<Self> {
        let part = match segments {
            [] => Part::Definition,
            ["versions"] => Part::Versions,
            ["versions", _] => Part::Version(names[1].to_owned()),
            _ => return None,
        };
        Some(Self { shelf, image, part })
    }

    /// The path in a VM's `imageReference.id` or `communityGalleryImageId`, for a VM in `location`.
    pub(crate) fn of_reference(reference: &str, location: &'static str) -> Option<Self> {
        let names: Vec<&str> = reference.strip_prefix('/')?.split('/').collect();
        let lower = reference.to_ascii_lowercase();
        let segments: Vec<&str> = lower.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["communitygalleries", _, "images", _, rest @ ..] => {
                let shelf = Shelf::Community { location, gallery: names[1].to_owned() };
                Self::parse(shelf, names[3].to_owned(), rest, &names[4..])
            }
            [
                "subscriptions",
                _,
                "resourcegroups",
                _,
                "providers",
                "microsoft.compute",
                "galleries",
                _,
                "images",
                _,
                rest @ ..,
            ] => {
                let group = ResourceId::of_group(names[1], names[3]);
                let shelf = Shelf::Own { group, gallery: names[7].to_owned() };
                Self::parse(shelf, names[9].to_owned(), rest, &names[10..])
            }
            _ => None,
        }
    }

    fn names(&self, entry: &GalleryImage) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let is_there = match (&self.shelf, &entry.resource_group) {
            (Shelf::Own { group, gallery }, Some(resource_group)) => {
                same(&group.group, resource_group) && same(gallery, &entry.gallery)
            }
            (Shelf::Community { location, gallery }, None) => {
                same(gallery, &entry.gallery) && is_replicated(entry, location)
            }
            _ => false,
        };
        is_there && same(&self.image, &entry.image)
    }
}

fn is_replicated(entry: &GalleryImage, location: &str) -> bool {
    entry.locations.is_empty() || entry.locations.iter().any(|known| known == location)
}

/// Checks what a control request puts into the galleries, and gives regions their canonical names.
pub(crate) fn check_setting(mut images: Vec<GalleryImage>) -> Result<Vec<GalleryImage>, String> {
    for image in &mut images {
        if !["x64", "Arm64"].contains(&image.architecture.as_str()) {
            return Err(format!("`{}` is neither `x64` nor `Arm64`", image.architecture));
        }
        if !["V1", "V2"].contains(&image.hyper_v_generation.as_str()) {
            return Err(format!("`{}` is neither `V1` nor `V2`", image.hyper_v_generation));
        }
        for place in &mut image.locations {
            *place = location::canonical(place).ok_or_else(|| format!("`{place}` is not a region"))?.to_owned();
        }
    }
    Ok(images)
}

/// The definition that a VM in `location` is made from; 404 when the image or the version is not there.
pub(crate) fn find<'a>(state: &'a State, path: &Path, location: &str) -> Result<&'a GalleryImage, ArmError> {
    let entry = state.settings().gallery_images.iter().find(|entry| path.names(entry));
    let has_version = |entry: &&GalleryImage| match &path.part {
        Part::Definition | Part::Versions => !entry.versions.is_empty(),
        Part::Version(version) => version == "latest" || entry.versions.contains(version),
    };
    entry.filter(has_version).filter(|entry| is_replicated(entry, location)).ok_or_else(|| {
        ArmError::missing(
            "GalleryImageNotFound",
            format!(
                "The gallery image {} is not available in {location} region. Please contact image owner to replicate to this region, or change your requested region.",
                public_id(path)
            ),
        )
        .target("imageReference")
    })
}

fn public_id(path: &Path) -> String {
    let version = match &path.part {
        Part::Version(version) => format!("/versions/{version}"),
        Part::Definition | Part::Versions => String::new(),
    };
    format!("{}{version}", definition_id(path))
}

fn definition_id(path: &Path) -> String {
    match &path.shelf {
        Shelf::Own { group, gallery } => {
            format!("{}/providers/Microsoft.Compute/galleries/{gallery}/images/{}", group.text(), path.image)
        }
        Shelf::Community { gallery, .. } => format!("/CommunityGalleries/{gallery}/Images/{}", path.image),
    }
}

/// The answer of a GET.
pub(crate) fn read(state: &State, subscription: &str, path: &Path) -> Result<Value, ArmError> {
    let missing = || match &path.shelf {
        Shelf::Own { group, gallery } => ArmError::missing(
            "ResourceNotFound",
            format!(
                "The Resource 'Microsoft.Compute/galleries/{gallery}/images/{}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
                path.image, group.group
            ),
        ),
        Shelf::Community { location, .. } => ArmError::missing(
            "GalleryImageNotFound",
            format!("The gallery image {} is not available in {location} region.", public_id(path)),
        ),
    };
    let entry = state.settings().gallery_images.iter().find(|entry| path.names(entry)).ok_or_else(missing)?;
    match &path.part {
        Part::Definition => Ok(definition(subscription, path, entry)),
        Part::Versions => {
            let versions = entry.versions.iter().map(|name| version(subscription, path, entry, name));
            Ok(json!({ "value": versions.collect::<Vec<_>>() }))
        }
        Part::Version(wanted) => {
            let name = entry.versions.iter().find(|version| *version == wanted).ok_or_else(missing)?;
            Ok(version(subscription, path, entry, name))
        }
    }
}

fn definition(subscription: &str, path: &Path, entry: &GalleryImage) -> Value {
    let properties = json!({
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": entry.hyper_v_generation,
        "architecture": entry.architecture,
        "identifier": { "publisher": "azure-local", "offer": entry.gallery, "sku": entry.image },
        "provisioningState": "Succeeded",
    });
    envelope(subscription, path, entry, &entry.image, "", properties)
}

fn version(subscription: &str, path: &Path, entry: &GalleryImage, name: &str) -> Value {
    let regions: Vec<Value> = entry
        .locations
        .iter()
        .map(|place| json!({ "name": location::title(place), "regionalReplicaCount": 1 }))
        .collect();
    let properties = json!({
        "publishingProfile": { "targetRegions": regions, "excludeFromLatest": false },
        "storageProfile": { "osDiskImage": { "sizeInGB": 30 } },
        "excludeFromLatest": false,
        "provisioningState": "Succeeded",
    });
    envelope(subscription, path, entry, name, &format!("/versions/{name}"), properties)
}

/// The members around `properties`; `below` is what follows the definition's id.
fn envelope(
    subscription: &str,
    path: &Path,
    entry: &GalleryImage,
    name: &str,
    below: &str,
    properties: Value,
) -> Value {
    let suffix = if below.is_empty() { "" } else { "/versions" };
    match &path.shelf {
        Shelf::Own { .. } => json!({
            "id": format!("{}{below}", definition_id(path)),
            "name": name,
            "type": format!("Microsoft.Compute/galleries/images{suffix}"),
            "location": entry.locations.first().map_or("westeurope", String::as_str),
            "properties": properties,
        }),
        Shelf::Community { location, gallery } => json!({
            "id": format!("/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/communityGalleries/{gallery}/images/{}{below}", path.image),
            "name": name,
            "type": format!("Microsoft.Compute/locations/communityGalleries/images{suffix}"),
            "location": location,
            "identifier": { "uniqueId": format!("{}{below}", definition_id(path)) },
            "properties": properties,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_a_definition_or_a_version() {
        let own = "/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/galleries/Shared/images/Flatcar";
        let table = [
            (own.to_owned(), Some("G Shared Flatcar Definition")),
            (format!("{own}/versions/1.2.3"), Some("G Shared Flatcar Version(\"1.2.3\")")),
            (own.to_uppercase(), Some("G SHARED FLATCAR Definition")),
            ("/CommunityGalleries/c-1/Images/i/Versions/latest".to_owned(), Some("- c-1 i Version(\"latest\")")),
            (format!("{own}/versions/1.2.3/x"), None),
            ("/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/images/i".to_owned(), None),
            (String::new(), None),
        ];
        for (reference, expected) in table {
            let found = Path::of_reference(&reference, "westeurope").map(|path| match &path.shelf {
                Shelf::Own { group, gallery } => format!("{} {gallery} {} {:?}", group.group, path.image, path.part),
                Shelf::Community { gallery, .. } => format!("- {gallery} {} {:?}", path.image, path.part),
            });
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
    }
}
