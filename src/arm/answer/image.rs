//! Images, and the terms of those that somebody publishes.

use serde::Deserialize;
use serde_json::Value;

use crate::spec::ImagePlan;

/// An image's document, or that of a gallery's definition of it.
/// <https://learn.microsoft.com/rest/api/compute/virtual-machine-images/get>,
/// <https://learn.microsoft.com/rest/api/compute/gallery-images/get>
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ImageDocument {
    pub properties: ImageProperties,
}

/// What a machine made from it is; what is absent is not known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageProperties {
    pub plan: Option<ImagePlan>,
    /// The same in a gallery.
    pub purchase_plan: Option<ImagePlan>,
    /// `V1` or `V2`.
    #[serde(rename = "hyperVGeneration")]
    pub generation: Option<String>,
    /// `x64` or `Arm64`.
    pub architecture: Option<String>,
    /// Of a gallery's version: where it is kept.
    pub publishing_profile: Option<PublishingProfile>,
}

/// Where a gallery's version is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishingProfile {
    pub target_regions: Option<Vec<super::Region>>,
}

/// A version of an image of the marketplace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ImageVersion {
    /// `4593.2.5`.
    pub name: String,
}

/// Terms as Azure keeps them. They are sent back as they came, with one word changed.
/// <https://learn.microsoft.com/rest/api/marketplaceordering/marketplace-agreements/get>
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) struct Terms {
    pub accepted: bool,
    /// Where they can be read.
    pub link: Option<String>,
    document: Value,
}

impl Terms {
    /// What says that somebody accepts them.
    pub(crate) fn accepting(mut self) -> Value {
        self.document["properties"]["accepted"] = true.into();
        self.document
    }
}

impl TryFrom<Value> for Terms {
    type Error = &'static str;

    fn try_from(document: Value) -> Result<Self, Self::Error> {
        let accepted = document["properties"]["accepted"].as_bool().ok_or("missing field `properties.accepted`")?;
        let link = document["properties"]["licenseTextLink"].as_str().map(str::to_owned);
        Ok(Self { accepted, link, document })
    }
}
