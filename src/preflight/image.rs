//! The image: whether it exists in the region, which plan it asks for, and whether it fits the size.
//! <https://learn.microsoft.com/rest/api/compute/virtual-machine-images/get>

use serde_json::Value;

use super::size::SizeFacts;
use crate::arm::{Arm, ArmError, COMPUTE_API_VERSION};
use crate::spec::{ClusterSpec, ImagePlan, ImageSource, Location};
use report::Finding;

const CHECK: &str = "image";
/// <https://learn.microsoft.com/rest/api/compute/gallery-images/get>
const GALLERY_API_VERSION: &str = "2024-03-03";

/// What Azure says of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// What a machine made from it must name.
    pub plan: Option<ImagePlan>,
    /// `V1` or `V2`.
    pub generation: Option<String>,
    /// `x64` or `Arm64`.
    pub architecture: Option<String>,
}

impl ImageFacts {
    fn read(document: &Value) -> Self {
        let properties = &document["properties"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let plan = ["plan", "purchasePlan"].iter().map(|key| &properties[key]).find(|plan| plan.is_object());
        Self {
            plan: plan.and_then(|plan| {
                Some(ImagePlan {
                    publisher: text(&plan["publisher"])?,
                    product: text(&plan["product"])?,
                    name: text(&plan["name"])?,
                })
            }),
            generation: text(&properties["hyperVGeneration"]),
            architecture: text(&properties["architecture"]),
        }
    }
}

/// What Azure says of the spec's image; none when it does not exist.
pub async fn look_up(arm: &Arm, subscription: &str, spec: &ClusterSpec) -> Result<Option<ImageFacts>, ArmError> {
    let doing = format!("reading image `{}`", spec.image);
    let location = &spec.location;
    let document = match &spec.image.source(&spec.vm_size) {
        ImageSource::Marketplace(image) => {
            let versions = format!(
                "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/publishers/{}/artifacttypes/vmimage/offers/{}/skus/{}/versions",
                image.publisher, image.offer, image.sku
            );
            let version = match image.version.as_str() {
                "latest" => {
                    let newest = format!("{versions}?$top=1&$orderby=name%20desc");
                    let list: Vec<Value> =
                        arm.bare_list(&doing, &newest, COMPUTE_API_VERSION).await?.unwrap_or_default();
                    list.first().and_then(|newest| newest["name"].as_str().map(str::to_owned))
                }
                version => Some(version.to_owned()),
            };
            match version {
                Some(version) => arm.get_path(&doing, &format!("{versions}/{version}"), COMPUTE_API_VERSION).await?,
                None => None,
            }
        }
        ImageSource::Resource(id) => {
            let version =
                if id.to_ascii_lowercase().contains("/galleries/") { GALLERY_API_VERSION } else { COMPUTE_API_VERSION };
            let found = with_definition(arm, &doing, id, version).await?;
            match found {
                Some(_) if version == GALLERY_API_VERSION && !is_replicated(arm, &doing, id, location).await? => None,
                found => found,
            }
        }
        ImageSource::CommunityGallery(id) => {
            let rest: Vec<&str> = id.split('/').skip(2).collect();
            let path = format!(
                "/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/communityGalleries/{}",
                rest.join("/")
            );
            with_definition(arm, &doing, &path, GALLERY_API_VERSION).await?
        }
        // Nobody but the storage account knows of the disk, and it is not asked with this sign-in.
        ImageSource::Vhd(_) => return Ok(Some(ImageFacts::default())),
    };
    Ok(document.map(|document| ImageFacts::read(&document)))
}

/// The document at `path`; of a gallery's version, whose definition says what it is, that definition's, when both exist.
async fn with_definition(arm: &Arm, doing: &str, path: &str, api_version: &str) -> Result<Option<Value>, ArmError> {
    let Some(document) = arm.get_path(doing, path, api_version).await? else { return Ok(None) };
    match path.to_ascii_lowercase().find("/versions/") {
        Some(end) => Ok(arm.get_path(doing, &path[..end], api_version).await?.or(Some(document))),
        None => Ok(Some(document)),
    }
}

/// Whether a gallery's version, or any of the versions of a definition, is kept in the region.
/// <https://learn.microsoft.com/rest/api/compute/gallery-image-versions/list-by-gallery-image>
async fn is_replicated(arm: &Arm, doing: &str, id: &str, location: &Location) -> Result<bool, ArmError> {
    let versions: Vec<Value> = match id.to_ascii_lowercase().contains("/versions/") {
        true => arm.get_path(doing, id, GALLERY_API_VERSION).await?.into_iter().collect(),
        false => arm.list(doing, &format!("{id}/versions"), GALLERY_API_VERSION).await?.unwrap_or_default(),
    };
    let is_here = |region: &Value| {
        let name = region["name"].as_str().unwrap_or_default().replace(' ', "");
        name.eq_ignore_ascii_case(location.as_str())
    };
    let regions = |version: &Value| version.pointer("/properties/publishingProfile/targetRegions").cloned();
    // What does not say where it is kept is not judged.
    let known: Vec<Value> = versions.iter().filter_map(regions).collect();
    Ok(known.is_empty() || known.iter().any(|regions| regions.as_array().is_some_and(|all| all.iter().any(is_here))))
}

/// Whether the image fits the size.
pub fn judge(spec: &ClusterSpec, image: Option<&ImageFacts>, size: Option<&SizeFacts>) -> Vec<Finding> {
    let Some(image) = image else {
        let hint = match spec.image.source(&spec.vm_size) {
            ImageSource::Marketplace(image) => {
                format!("az vm image list --all --publisher {} --location {}", image.publisher, spec.location)
            }
            ImageSource::CommunityGallery(_) => format!("az sig list-community --location {}", spec.location),
            _ => "az image list --output table; az sig image-definition list --gallery-name … --resource-group …"
                .to_owned(),
        };
        let message = format!("`{}` does not exist in `{}`", spec.image, spec.location);
        return vec![Finding::refusal(CHECK, message, hint)];
    };
    let Some(size) = size else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(architecture) =
        image.architecture.as_deref().filter(|kind| !kind.eq_ignore_ascii_case(&size.architecture))
    {
        let message =
            format!("`{}` is for {architecture} machines, `{}` is {}", spec.image, spec.vm_size, size.architecture);
        findings.push(Finding::refusal(CHECK, message, "--coreos-image flatcar fits every size"));
    }
    if let Some(generation) = image.generation.as_deref().filter(|kind| !size.generations.iter().any(|one| one == kind))
    {
        let offered = size.generations.join(" and ");
        let message = format!("`{}` is of generation {generation}, `{}` starts {offered}", spec.image, spec.vm_size);
        findings.push(Finding::refusal(
            CHECK,
            message,
            "choose an image of the other generation (`-gen2`), or another --vm-size",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::size::tests::{skus, spec};
    use super::*;
    use serde_json::json;

    #[test]
    fn images_fit_sizes_or_not() {
        let size = SizeFacts::find(&skus(), "Standard_D2as_v5", "westeurope").unwrap();
        let only_second = SizeFacts { generations: vec!["V2".into()], ..size.clone() };
        let facts = |generation: &str, architecture: &str| {
            ImageFacts::read(&json!({"properties": {"hyperVGeneration": generation, "architecture": architecture}}))
        };
        for (image, size, expected) in [
            (Some(facts("V2", "x64")), &size, None),
            (Some(facts("V1", "x64")), &only_second, Some("is of generation V1")),
            (Some(facts("V2", "Arm64")), &size, Some("is for Arm64 machines")),
            (None, &size, Some("does not exist in `westeurope`")),
        ] {
            let found = judge(&spec(&[]), image.as_ref(), Some(size));
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(expected.is_none_or(|part| found[0].message.contains(part)), "{found:?}");
        }
    }

    #[test]
    fn plans_have_two_names() {
        let plan = json!({"publisher": "kinvolk", "product": "flatcar-container-linux-free", "name": "stable-gen2"});
        for key in ["plan", "purchasePlan"] {
            let facts = ImageFacts::read(&json!({"properties": {key: plan}}));
            assert_eq!(facts.plan.unwrap().product, "flatcar-container-linux-free", "{key}");
        }
        assert_eq!(ImageFacts::read(&json!({"properties": {"plan": null}})).plan, None);
    }
}
