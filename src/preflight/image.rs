//! The image: whether it exists in the region, which plan it asks for, and whether it fits the size.
//! <https://learn.microsoft.com/rest/api/compute/virtual-machine-images/get>

use super::size::SizeFacts;
use crate::arm::{Arm, ArmError, COMPUTE_API_VERSION, ImageDocument, ImageVersion, Region};
use crate::spec::{ClusterSpec, ImagePlan, ImageSource, Location};
use report::Finding;

const CHECK: &str = "image";
/// <https://learn.microsoft.com/rest/api/compute/gallery-images/get>
const GALLERY_API_VERSION: &str = "2024-03-03";

/// What Azure says of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageFacts {
    /// What a machine made from it must name.
    pub plan: Option<ImagePlan>,
    /// `V1` or `V2`.
    pub generation: Option<String>,
    /// `x64` or `Arm64`.
    pub architecture: Option<String>,
}

impl From<ImageDocument> for ImageFacts {
    fn from(document: ImageDocument) -> Self {
        let properties = document.properties;
        Self {
            plan: properties.plan.or(properties.purchase_plan),
            generation: properties.generation,
            architecture: properties.architecture,
        }
    }
}

/// What Azure says of the spec's image; none when it does not exist.
pub(super) async fn look_up(arm: &Arm, subscription: &str, spec: &ClusterSpec) -> Result<Option<ImageFacts>, ArmError> {
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
                    let list: Vec<ImageVersion> =
                        arm.bare_list(&doing, &newest, COMPUTE_API_VERSION).await?.unwrap_or_default();
                    list.into_iter().next().map(|newest| newest.name)
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
    Ok(document.map(ImageFacts::from))
}

/// The document at `path`; of a gallery's version, whose definition says what it is, that definition's, when both exist.
async fn with_definition(
    arm: &Arm,
    doing: &str,
    path: &str,
    api_version: &str,
) -> Result<Option<ImageDocument>, ArmError> {
    let Some(document) = arm.get_path(doing, path, api_version).await? else { return Ok(None) };
    match path.to_ascii_lowercase().find("/versions/") {
        Some(end) => Ok(arm.get_path(doing, &path[..end], api_version).await?.or(Some(document))),
        None => Ok(Some(document)),
    }
}

/// Whether a gallery's version, or any of the versions of a definition, is kept in the region.
/// <https://learn.microsoft.com/rest/api/compute/gallery-image-versions/list-by-gallery-image>
async fn is_replicated(arm: &Arm, doing: &str, id: &str, location: &Location) -> Result<bool, ArmError> {
    let versions: Vec<ImageDocument> = match id.to_ascii_lowercase().contains("/versions/") {
        true => arm.get_path(doing, id, GALLERY_API_VERSION).await?.into_iter().collect(),
        false => arm.list(doing, &format!("{id}/versions"), GALLERY_API_VERSION).await?.unwrap_or_default(),
    };
    let is_here = |region: &Region| region.name.replace(' ', "").eq_ignore_ascii_case(location.as_str());
    let regions = |version: ImageDocument| version.properties.publishing_profile?.target_regions;
    // What does not say where it is kept is not judged.
    let known: Vec<Vec<Region>> = versions.into_iter().filter_map(regions).collect();
    Ok(known.is_empty() || known.iter().flatten().any(is_here))
}

/// Whether the image fits the size.
pub(super) fn judge(spec: &ClusterSpec, image: Option<&ImageFacts>, size: Option<&SizeFacts>) -> Vec<Finding> {
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
    if let (Some(architecture), Some(machines)) = (&image.architecture, &size.architecture)
        && !architecture.eq_ignore_ascii_case(machines)
    {
        let message = format!("`{}` is for {architecture} machines, `{}` is {machines}", spec.image, spec.vm_size);
        findings.push(Finding::refusal(CHECK, message, "--coreos-image flatcar fits every size"));
    }
    if let (Some(generation), Some(offered)) = (&image.generation, &size.generations)
        && !offered.contains(generation)
    {
        let offered = offered.join(" and ");
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
    use serde_json::{Value, json};

    fn read(document: Value) -> ImageFacts {
        serde_json::from_value::<ImageDocument>(document).unwrap().into()
    }

    #[test]
    fn images_fit_sizes_or_not() {
        let size = SizeFacts::find(&skus(), "Standard_D2as_v5", "westeurope").unwrap().unwrap();
        let only_second = SizeFacts { generations: Some(vec!["V2".into()]), ..size.clone() };
        let facts = |generation: &str, architecture: &str| {
            read(json!({"properties": {"hyperVGeneration": generation, "architecture": architecture}}))
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
            let facts = read(json!({"properties": {key: plan}}));
            assert_eq!(facts.plan.unwrap().product, "flatcar-container-linux-free", "{key}");
        }
        assert_eq!(read(json!({"properties": {"plan": null}})).plan, None);
    }
}
