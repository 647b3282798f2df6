//! Flatcar's marketplace images and their terms: what preflight looks up and what a VM may be made from.

use serde_json::{Value, json};

use crate::arm::document::text;
use crate::arm::error::ArmError;
use crate::arm::id::SUBSCRIPTION;
use crate::state::State;

/// The only publisher.
pub const PUBLISHER: &str = "kinvolk";

struct Offer {
    name: &'static str,
    skus: &'static [&'static str],
    architecture: &'static str,
    needs_plan: bool,
}

const OFFERS: &[Offer] = &[
    Offer {
        name: "flatcar-container-linux-corevm-amd64",
        skus: &["stable-gen2", "beta-gen2", "alpha-gen2"],
        architecture: "x64",
        needs_plan: false,
    },
    Offer {
        name: "flatcar-container-linux-free",
        skus: &["stable-gen2", "beta-gen2", "alpha-gen2", "stable", "beta", "alpha"],
        architecture: "x64",
        needs_plan: true,
    },
    Offer {
        name: "flatcar-container-linux-corevm",
        skus: &["stable", "beta", "alpha"],
        architecture: "Arm64",
        needs_plan: false,
    },
];

/// Releases per channel, oldest first.
const VERSIONS: &[(&str, &[&str])] = &[
    ("stable", &["4230.2.2", "4459.2.3", "4593.2.1", "4593.2.5"]),
    ("beta", &["4593.1.0", "4757.1.0"]),
    ("alpha", &["4757.0.0", "4790.0.0"]),
];

fn find(offer: &str, sku: &str) -> Option<(&'static Offer, &'static str, &'static [&'static str])> {
    let offer = OFFERS.iter().find(|known| known.name.eq_ignore_ascii_case(offer))?;
    let sku = offer.skus.iter().find(|known| known.eq_ignore_ascii_case(sku))?;
    let channel = sku.trim_end_matches("-gen2");
    let (_, versions) = VERSIONS.iter().find(|(known, _)| *known == channel)?;
    Some((offer, sku, versions))
}

fn not_found(offer: &str, sku: &str, version: &str) -> ArmError {
    ArmError::missing(
        "PlatformImageNotFound",
        format!("The platform image '{PUBLISHER}:{offer}:{sku}:{version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile"),
    )
    .target("imageReference")
}

fn version_id(location: &str, offer: &str, sku: &str, version: &str) -> String {
    format!(
        "/Subscriptions/{SUBSCRIPTION}/Providers/Microsoft.Compute/Locations/{location}/Publishers/{PUBLISHER}/ArtifactTypes/VMImage/Offers/{offer}/Skus/{sku}/Versions/{version}"
    )
}

/// The list of versions, with `$top` and `$orderby=name desc` as Azure takes them.
pub fn versions(
    location: &str,
    offer: &str,
    sku: &str,
    top: Option<usize>,
    descending: bool,
) -> Result<Value, ArmError> {
    let (offer, sku, versions) = find(offer, sku).ok_or_else(|| not_found(offer, sku, ""))?;
    let mut versions = versions.to_vec();
    if descending {
        versions.reverse();
    }
    versions.truncate(top.unwrap_or(usize::MAX));
    Ok(versions
        .iter()
        .map(|version| json!({ "location": location, "name": version, "id": version_id(location, offer.name, sku, version) }))
        .collect())
}

/// One version, with the plan that machines made from it need.
pub fn version(location: &str, offer: &str, sku: &str, version: &str) -> Result<Value, ArmError> {
    let (found, sku, versions) = find(offer, sku).ok_or_else(|| not_found(offer, sku, version))?;
    let version = versions.iter().find(|known| **known == version).ok_or_else(|| not_found(offer, sku, version))?;
    let mut properties = json!({
        "osDiskImage": { "operatingSystem": "Linux" },
        "dataDiskImages": [],
        "architecture": found.architecture,
        "hyperVGeneration": if sku.ends_with("-gen2") || found.architecture == "Arm64" { "V2" } else { "V1" },
    });
    if found.needs_plan {
        properties["plan"] = json!({ "publisher": PUBLISHER, "name": sku, "product": found.name });
    }
    Ok(
        json!({ "location": location, "name": version, "id": version_id(location, found.name, sku, version), "properties": properties }),
    )
}

/// Checks a VM's `imageReference` and `plan` against the catalogue; `architecture` is that of the VM's size. Images
/// by id (galleries, own images) are taken as they are.
pub fn check_reference(state: &State, vm: &Value, architecture: &str) -> Result<(), ArmError> {
    const REFERENCE: &str = "/properties/storageProfile/imageReference";
    let reference = vm.pointer(REFERENCE).ok_or_else(|| {
        ArmError::bad("InvalidParameter", "Required parameter 'imageReference' is missing (null).")
            .target("imageReference")
    })?;
    if ["/id", "/communityGalleryImageId", "/sharedGalleryImageId"]
        .iter()
        .any(|pointer| text(reference, pointer).is_some())
    {
        return Ok(());
    }
    let part = |name: &str| {
        text(reference, &format!("/{name}")).ok_or_else(|| {
            ArmError::bad("InvalidParameter", format!("Required parameter 'imageReference.{name}' is missing (null)."))
                .target("imageReference")
        })
    };
    let (publisher, offer, sku, version) = (part("publisher")?, part("offer")?, part("sku")?, part("version")?);
    let (found, sku, _) = find(offer, sku)
        .filter(|_| publisher.eq_ignore_ascii_case(PUBLISHER))
        .filter(|(_, _, versions)| version == "latest" || versions.contains(&version))
        .ok_or_else(|| not_found(offer, sku, version))?;
    if found.architecture != architecture {
        return Err(ArmError::bad(
            "InvalidParameter",
            format!(
                "The selected VM size needs an image of architecture '{architecture}', '{offer}' is '{}'.",
                found.architecture
            ),
        )
        .target("vmSize"));
    }
    check_plan(state, vm, found, sku)
}

fn check_plan(state: &State, vm: &Value, offer: &Offer, sku: &str) -> Result<(), ArmError> {
    if !offer.needs_plan {
        return Ok(());
    }
    let matches =
        |pointer: &str, wanted: &str| text(vm, pointer).is_some_and(|found| found.eq_ignore_ascii_case(wanted));
    if !(matches("/plan/publisher", PUBLISHER) && matches("/plan/product", offer.name) && matches("/plan/name", sku)) {
        return Err(ArmError::bad(
            "VMMarketplaceInvalidInput",
            format!(
                "Creating a virtual machine from Marketplace image requires Plan information in the request. VM: publisher '{PUBLISHER}', product '{}', name '{sku}'.",
                offer.name
            ),
        ));
    }
    if !state.settings().accepted_terms.contains(&terms_key(PUBLISHER, offer.name, sku)) {
        return Err(ArmError::bad(
            "MarketplacePurchaseEligibilityFailed",
            format!(
                "Legal terms have not been accepted for this item on this subscription. To accept legal terms, accept the agreement of publisher '{PUBLISHER}', offer '{}', plan '{sku}'.",
                offer.name
            ),
        ));
    }
    Ok(())
}

/// How an agreement is kept in the settings.
pub fn terms_key(publisher: &str, offer: &str, plan: &str) -> String {
    format!("{publisher}/{offer}/{plan}").to_ascii_lowercase()
}

/// A marketplace agreement, if the offer has one.
pub fn terms(state: &State, publisher: &str, offer: &str, plan: &str) -> Result<Value, ArmError> {
    find(offer, plan)
        .filter(|(found, _, _)| found.needs_plan && publisher.eq_ignore_ascii_case(PUBLISHER))
        .ok_or_else(|| {
            ArmError::bad(
                "BadRequest",
                format!("Offer with PublisherId: '{publisher}', OfferId: '{offer}' and PlanId: '{plan}' not found."),
            )
        })?;
    Ok(json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualMachine/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current"),
        "name": plan,
        "type": "Microsoft.MarketplaceOrdering/offertypes",
        "properties": {
            "publisher": publisher, "product": offer, "plan": plan,
            "accepted": state.settings().accepted_terms.contains(&terms_key(publisher, offer, plan)),
        },
    }))
}
