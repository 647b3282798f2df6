//! Flatcar's marketplace images and their terms: what preflight looks up and what a VM may be made from.
//! Source: <https://www.flatcar.org/docs/latest/installing/cloud/azure/>

use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::state::State;

/// The only publisher.
pub(crate) const PUBLISHER: &str = "kinvolk";

/// An offer, with what all its SKUs share.
pub(crate) struct Offer {
    pub name: &'static str,
    skus: &'static [&'static str],
    pub architecture: &'static str,
    pub needs_plan: bool,
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

/// The offer, the SKU in Azure's case, and its versions, oldest first.
pub(crate) fn find(offer: &str, sku: &str) -> Option<(&'static Offer, &'static str, &'static [&'static str])> {
    let offer = OFFERS.iter().find(|known| known.name.eq_ignore_ascii_case(offer))?;
    let sku = offer.skus.iter().find(|known| known.eq_ignore_ascii_case(sku))?;
    let channel = sku.trim_end_matches("-gen2");
    let (_, versions) = VERSIONS.iter().find(|(known, _)| *known == channel)?;
    Some((offer, sku, versions))
}

/// 404 of a GET of an image.
pub(crate) fn artifact_not_found() -> ArmError {
    ArmError::missing("NotFound", "Artifact: VMImage was not found.")
}

/// 404 of a PUT of a machine with such an image.
pub(crate) fn not_found(offer: &str, sku: &str, version: &str) -> ArmError {
    ArmError::missing(
        "PlatformImageNotFound",
        format!("The platform image '{PUBLISHER}:{offer}:{sku}:{version}' is not available. Verify that all fields in the storage profile are correct. For more details about storage profile information, please refer to https://aka.ms/storageprofile"),
    )
    .target("imageReference")
}

/// `V1` or `V2`.
pub(crate) fn generation(offer: &Offer, sku: &str) -> &'static str {
    if sku.ends_with("-gen2") || offer.architecture == "Arm64" { "V2" } else { "V1" }
}

fn version_id(subscription: &str, location: &str, offer: &str, sku: &str, version: &str) -> String {
    format!(
        "/Subscriptions/{subscription}/Providers/Microsoft.Compute/Locations/{location}/Publishers/{PUBLISHER}/ArtifactTypes/VMImage/Offers/{offer}/Skus/{sku}/Versions/{version}"
    )
}

/// The list of versions, with `$top` and `$orderby=name desc` as Azure takes them.
pub(crate) fn versions(
    subscription: &str,
    location: &str,
    (offer, sku): (&str, &str),
    top: Option<usize>,
    descending: bool,
) -> Result<Value, ArmError> {
    let (offer, sku, versions) = find(offer, sku).ok_or_else(artifact_not_found)?;
    let mut versions = versions.to_vec();
    if descending {
        versions.reverse();
    }
    versions.truncate(top.unwrap_or(usize::MAX));
    Ok(versions
        .iter()
        .map(|version| json!({ "location": location, "name": version, "id": version_id(subscription, location, offer.name, sku, version) }))
        .collect())
}

/// One version, with the plan that machines made from it need.
pub(crate) fn version(
    subscription: &str,
    location: &str,
    (offer, sku): (&str, &str),
    version: &str,
) -> Result<Value, ArmError> {
    let (found, sku, versions) = find(offer, sku).ok_or_else(artifact_not_found)?;
    let version = versions.iter().find(|known| **known == version).ok_or_else(artifact_not_found)?;
    let mut properties = json!({
        "osDiskImage": { "operatingSystem": "Linux" },
        "dataDiskImages": [],
        "architecture": found.architecture,
        "hyperVGeneration": generation(found, sku),
        "automaticOSUpgradeProperties": { "automaticOSUpgradeSupported": false },
    });
    if found.needs_plan {
        properties["plan"] = json!({ "publisher": PUBLISHER, "name": sku, "product": found.name });
    }
    Ok(
        json!({ "location": location, "name": version, "id": version_id(subscription, location, found.name, sku, version), "properties": properties }),
    )
}

/// How an agreement is kept in the settings.
pub(crate) fn terms_key(subscription: &str, publisher: &str, offer: &str, plan: &str) -> String {
    format!("{subscription}/{publisher}/{offer}/{plan}").to_ascii_lowercase()
}

/// A marketplace agreement, if the offer has one.
pub(crate) fn terms(
    state: &State,
    subscription: &str,
    publisher: &str,
    offer: &str,
    plan: &str,
) -> Result<Value, ArmError> {
    find(offer, plan)
        .filter(|(found, _, _)| found.needs_plan && publisher.eq_ignore_ascii_case(PUBLISHER))
        .ok_or_else(|| {
            ArmError::bad(
                "BadRequest",
                format!("Offer with PublisherId: '{publisher}', OfferId: '{offer}' and PlanId: '{plan}' not found."),
            )
        })?;
    Ok(json!({
        "id": format!("/subscriptions/{subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualMachine/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current"),
        "name": plan,
        "type": "Microsoft.MarketplaceOrdering/offertypes",
        "properties": {
            "publisher": publisher, "product": offer, "plan": plan,
            "licenseTextLink": format!("https://storelegalterms.blob.core.windows.net/legalterms/{publisher}-{offer}-{plan}.txt"),
            "privacyPolicyLink": "https://www.flatcar.org/privacy-policy",
            "retrieveDatetime": "2026-01-01T00:00:00Z",
            "signature": terms_key(subscription, publisher, offer, plan),
            "accepted": state.settings().accepted_terms.contains(&terms_key(subscription, publisher, offer, plan)),
        },
    }))
}
