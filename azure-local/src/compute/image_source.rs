//! What a virtual machine is made from: its `imageReference` is looked up in the marketplace, in galleries or among
//! managed images, and held against its size and its `plan`. Every image boots the local one.

use serde_json::Value;

use crate::arm::document::text;
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::arm::location;
use crate::arm::refusal::{invalid, missing};
use crate::compute::gallery;
use crate::compute::image::{self, Offer, PUBLISHER};
use crate::compute::size::Size;
use crate::draft::Draft;
use crate::state::resource::Provisioning;

const REFERENCE: &str = "/properties/storageProfile/imageReference";

/// What matters of an image.
struct Source {
    architecture: String,
    generation: String,
    /// Whose plan and terms it needs, and the SKU.
    plan: Option<(&'static Offer, &'static str)>,
}

/// Checks the reference and the plan of a VM's draft.
pub(crate) fn check(draft: &Draft<'_>, size: &Size) -> Result<(), ArmError> {
    let source = find(draft)?;
    if source.architecture != size.architecture {
        return Err(ArmError::bad(
            "BadRequest",
            format!(
                "Cannot create a VM of size '{}' because this VM size only supports a CPU Architecture of '{}', but an image or disk with CPU Architecture '{}' was given. Please check that the CPU Architecture of the image or disk is compatible with that of the VM size.",
                size.name, size.architecture, source.architecture
            ),
        ));
    }
    if !size.generations.split(',').any(|generation| generation == source.generation) {
        let generation = source.generation.trim_start_matches('V');
        return Err(ArmError::bad(
            "BadRequest",
            format!(
                "The selected VM size '{}' cannot boot Hypervisor Generation '{generation}'. If this was a Create operation please check that the Hypervisor Generation of the Image matches the Hypervisor Generation of the selected VM Size. If this was an Update operation please select a Hypervisor Generation '{generation}' VM Size.",
                size.name
            ),
        ));
    }
    match source.plan {
        Some((offer, sku)) => check_plan(draft, offer, sku),
        None => Ok(()),
    }
}

fn find(draft: &Draft<'_>) -> Result<Source, ArmError> {
    let reference = draft.document.pointer(REFERENCE).ok_or_else(|| missing("imageReference"))?;
    // The draft's location is canonical already.
    let location = location::canonical(draft.location()).unwrap_or_default();
    if let Some(id) = text(reference, "/id").or_else(|| text(reference, "/communityGalleryImageId")) {
        if let Some(path) = gallery::Path::of_reference(id, location) {
            let found = gallery::find(draft.state, &path, location)?;
            return Ok(Source {
                architecture: found.architecture.clone(),
                generation: found.hyper_v_generation.clone(),
                plan: None,
            });
        }
        return managed(draft, id, location);
    }
    if let Some(id) = text(reference, "/sharedGalleryImageId") {
        return Err(ArmError::missing(
            "GalleryImageNotFound",
            format!(
                "The gallery image {id} is not available in {location} region. Please contact image owner to replicate to this region, or change your requested region."
            ),
        ));
    }
    marketplace(reference)
}

fn managed(draft: &Draft<'_>, id: &str, location: &str) -> Result<Source, ArmError> {
    let image = ResourceId::parse(id)
        .filter(|parsed| parsed.kind == Kind::Image)
        .and_then(|_| draft.state.get(&key(id)))
        .filter(|image| image.provisioning == Provisioning::Succeeded && image.location() == location);
    let image = image.ok_or_else(|| {
        ArmError::missing("NotFound", format!("The Image '{id}' cannot be found in '{location}' region."))
            .target("imageReference")
    })?;
    if image.text("/properties/storageProfile/osDisk/osState") != Some("Generalized") {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            format!("The Image '{id}' is not generalized and cannot be used with an osProfile."),
        ));
    }
    // Azure has no managed images for Arm.
    Ok(Source {
        architecture: "x64".to_owned(),
        generation: image.text("/properties/hyperVGeneration").unwrap_or("V1").to_owned(),
        plan: None,
    })
}

fn marketplace(reference: &Value) -> Result<Source, ArmError> {
    let part = |name: &str| {
        text(reference, &format!("/{name}")).ok_or_else(|| {
            invalid("imageReference", format!("Required parameter 'imageReference.{name}' is missing (null)."))
        })
    };
    let (publisher, offer, sku, version) = (part("publisher")?, part("offer")?, part("sku")?, part("version")?);
    let (found, sku, _) = image::find(offer, sku)
        .filter(|_| publisher.eq_ignore_ascii_case(PUBLISHER))
        .filter(|(_, _, versions)| version == "latest" || versions.contains(&version))
        .ok_or_else(|| image::not_found(offer, sku, version))?;
    Ok(Source {
        architecture: found.architecture.to_owned(),
        generation: image::generation(found, sku).to_owned(),
        plan: found.needs_plan.then_some((found, sku)),
    })
}

fn check_plan(draft: &Draft<'_>, offer: &Offer, sku: &str) -> Result<(), ArmError> {
    let matches = |pointer: &str, wanted: &str| {
        text(&draft.document, pointer).is_some_and(|found| found.eq_ignore_ascii_case(wanted))
    };
    if !(matches("/plan/publisher", PUBLISHER) && matches("/plan/product", offer.name) && matches("/plan/name", sku)) {
        return Err(ArmError::bad(
            "VMMarketplaceInvalidInput",
            format!(
                "Creating a virtual machine from Marketplace image or a custom image sourced from a Marketplace image requires Plan information in the request. VM: '{}'. Publisher: '{PUBLISHER}', product: '{}', name: '{sku}'.",
                draft.id.text(),
                offer.name
            ),
        ));
    }
    let terms = image::terms_key(&draft.id.subscription, PUBLISHER, offer.name, sku);
    if draft.state.settings().accepted_terms.contains(&terms) {
        return Ok(());
    }
    let refusal = "Marketplace purchase eligibilty check returned errors. See inner errors for details. ";
    Err(ArmError::bad("MarketplacePurchaseEligibilityFailed", refusal).detail(
        "BadRequest",
        format!(
            "Offer with PublisherId: '{PUBLISHER}', OfferId: '{}' cannot be purchased due to validation errors. For more information see details. Legal terms have not been accepted for this item on this subscription: '{}', plan '{sku}'. To accept legal terms using PowerShell, please use Get-AzMarketplaceTerms and Set-AzMarketplaceTerms API(https://go.microsoft.com/fwlink/?linkid=862451) or deploy via the Azure portal to accept the terms.",
            offer.name, draft.id.subscription
        ),
    ))
}
