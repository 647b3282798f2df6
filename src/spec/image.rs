//! What machines start from: a marketplace image or an image resource.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::VmSize;
use super::resource_id::{has_shape, is_part};
use super::text::stands_as_text;

/// Ids of images that are resources: of one's own, in a gallery, and one version of it.
const RESOURCE_IDS: [&str; 3] = [
    "/subscriptions/*/resourceGroups/*/providers/Microsoft.Compute/images/*",
    "/subscriptions/*/resourceGroups/*/providers/Microsoft.Compute/galleries/*/images/*",
    "/subscriptions/*/resourceGroups/*/providers/Microsoft.Compute/galleries/*/images/*/versions/*",
];
/// Ids of images in a community gallery.
const COMMUNITY_IDS: [&str; 2] = ["/CommunityGalleries/*/Images/*", "/CommunityGalleries/*/Images/*/Versions/*"];

/// An image as the user names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Image {
    /// `flatcar[:channel[:version]]`: Flatcar for whatever the size's processor is.
    Flatcar { channel: String, version: String },
    /// `publisher:offer:sku:version`.
    Marketplace(MarketplaceImage),
    /// The ARM id of an image, a gallery image or a gallery image version.
    Resource(String),
    /// `/CommunityGalleries/<public name>/Images/<definition>[/Versions/<version>]`.
    CommunityGallery(String),
    /// `fcos:ID`: Fedora CoreOS, which nobody publishes on Azure, as one's own image of it or in a gallery.
    /// <https://docs.fedoraproject.org/en-US/fedora-coreos/provisioning-azure/>
    FedoraCoreOs(String),
    /// A disk of one's own in a storage account, `https://…/flatcar.vhd`; without a container only its name.
    Vhd(String),
}

/// The four parts of a marketplace URN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketplaceImage {
    /// Such as `kinvolk`.
    pub publisher: String,
    /// Such as `flatcar-container-linux-corevm-amd64`.
    pub offer: String,
    /// Such as `stable-gen2`.
    pub sku: String,
    /// Such as `4593.2.5`, or `latest`.
    pub version: String,
}

/// What a machine made from an image of the marketplace must name, so that its publisher is paid or told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    pub publisher: String,
    /// The offer.
    pub product: String,
    /// The SKU.
    pub name: String,
}

/// Why an image's name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "image `{0}` is neither `flatcar[:stable|beta|alpha|ltsYEAR[:VERSION]]`, a URN (`publisher:offer:sku:version`), an \
     image's resource id (`/subscriptions/…/images/…` or `…/galleries/…/images/…`), a community gallery's \
     (`/CommunityGalleries/…`), one of the two behind `fcos:` for Fedora CoreOS, nor a disk (`https://…/flatcar.vhd`, or `flatcar.vhd` with --blob-container-url)"
)]
pub struct InvalidImage(String);

impl Default for Image {
    fn default() -> Self {
        Self::Flatcar { channel: "stable".into(), version: "latest".into() }
    }
}

impl Image {
    /// Where Azure has it. Flatcar is taken from the offers that ask for no plan and no terms, in its second generation.
    /// <https://www.flatcar.org/docs/latest/installing/cloud/azure/>
    pub fn source(&self, size: &VmSize) -> ImageSource {
        match self {
            Self::Flatcar { channel, version } => {
                let (offer, sku) = match size.is_arm64() {
                    true => ("flatcar-container-linux-corevm", channel.clone()),
                    false => ("flatcar-container-linux-corevm-amd64", format!("{channel}-gen2")),
                };
                ImageSource::Marketplace(MarketplaceImage {
                    publisher: "kinvolk".into(),
                    offer: offer.into(),
                    sku,
                    version: version.clone(),
                })
            }
            Self::Marketplace(image) => ImageSource::Marketplace(image.clone()),
            Self::FedoraCoreOs(id) if is_community(id) => ImageSource::CommunityGallery(id.clone()),
            Self::Resource(id) | Self::FedoraCoreOs(id) => ImageSource::Resource(id.clone()),
            Self::CommunityGallery(id) => ImageSource::CommunityGallery(id.clone()),
            Self::Vhd(blob) => ImageSource::Vhd(blob.clone()),
        }
    }

    /// Whether it is Fedora CoreOS; all else is taken for Flatcar.
    pub fn is_fedora_coreos(&self) -> bool {
        matches!(self, Self::FedoraCoreOs(_))
    }
}

/// An image by the name that Azure has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    Marketplace(MarketplaceImage),
    /// An ARM id.
    Resource(String),
    CommunityGallery(String),
    /// The address of a disk, of which an image is made first.
    Vhd(String),
}

impl FromStr for Image {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let invalid = || InvalidImage(text.to_owned());
        let lower = text.to_ascii_lowercase();
        if lower.ends_with(".vhd") {
            let is_good = is_urn_part(text) || blob_url(text).is_some_and(|parts| parts > 1);
            return if is_good { Ok(Self::Vhd(text.to_owned())) } else { Err(invalid()) };
        }
        if let Some(id) = text.strip_prefix("fcos:") {
            return match id.parse() {
                Ok(Self::Resource(id) | Self::CommunityGallery(id)) => Ok(Self::FedoraCoreOs(id)),
                _ => Err(invalid()),
            };
        }
        if is_community(text) {
            return if COMMUNITY_IDS.iter().any(|shape| has_shape(text, shape)) {
                Ok(Self::CommunityGallery(text.to_owned()))
            } else {
                Err(invalid())
            };
        }
        if RESOURCE_IDS.iter().any(|shape| has_shape(text, shape)) {
            return Ok(Self::Resource(text.to_owned()));
        }
        match text.split(':').collect::<Vec<_>>()[..] {
            ["flatcar"] => Ok(Self::default()),
            ["flatcar", channel] if is_channel(channel) => {
                Ok(Self::Flatcar { channel: channel.to_owned(), version: "latest".into() })
            }
            ["flatcar", channel, version] if is_channel(channel) && is_urn_part(version) => {
                Ok(Self::Flatcar { channel: channel.to_owned(), version: version.to_owned() })
            }
            [publisher, offer, sku, version]
                if [publisher, offer, sku, version].iter().all(|part| is_urn_part(part)) =>
            {
                Ok(Self::Marketplace(MarketplaceImage {
                    publisher: publisher.to_owned(),
                    offer: offer.to_owned(),
                    sku: sku.to_owned(),
                    version: version.to_owned(),
                }))
            }
            _ => Err(invalid()),
        }
    }
}

fn is_community(id: &str) -> bool {
    id.to_ascii_lowercase().starts_with("/communitygalleries/")
}

fn is_channel(text: &str) -> bool {
    let is_year = |year: &str| year.len() == 4 && year.chars().all(|c| c.is_ascii_digit());
    ["stable", "beta", "alpha"].contains(&text) || text.strip_prefix("lts").is_some_and(is_year)
}

fn is_urn_part(part: &str) -> bool {
    is_part(part) && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// How many parts the path of a storage account's URL has; none when it is no such URL, or more than that.
fn blob_url(text: &str) -> Option<usize> {
    let url: Url = text.parse().ok().filter(|url: &Url| url.scheme() == "https")?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    // What the parser changes was something else than the path that it looked like.
    let is_itself = url.as_str().trim_end_matches('/').eq_ignore_ascii_case(text.trim_end_matches('/'));
    let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    let fits = is_plain && is_itself && url.password().is_none() && parts.iter().all(|part| !part.is_empty());
    (fits && parts.first().is_some_and(|container| is_container(container))).then_some(parts.len())
}

/// <https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>
fn is_container(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && !(name.starts_with('-') || name.ends_with('-') || name.contains("--"))
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A container of a storage account, in which disks lie: `https://account.blob.core.windows.net/vhds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobContainer(String);

/// Why a container was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no https address of a container such as https://account.blob.core.windows.net/vhds, without a signature"
)]
pub struct InvalidBlobContainer(String);

impl BlobContainer {
    /// The address of a disk in it.
    pub fn blob(&self, name: &str) -> String {
        format!("{}/{name}", self.0)
    }
}

impl FromStr for BlobContainer {
    type Err = InvalidBlobContainer;

    fn from_str(text: &str) -> Result<Self, InvalidBlobContainer> {
        match blob_url(text) {
            Some(_) => Ok(Self(text.trim_end_matches('/').to_owned())),
            None => Err(InvalidBlobContainer(text.to_owned())),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flatcar { channel, version } => write!(formatter, "flatcar:{channel}:{version}"),
            Self::Marketplace(image) => {
                write!(formatter, "{}:{}:{}:{}", image.publisher, image.offer, image.sku, image.version)
            }
            Self::FedoraCoreOs(id) => write!(formatter, "fcos:{id}"),
            Self::Resource(id) | Self::CommunityGallery(id) | Self::Vhd(id) => formatter.write_str(id),
        }
    }
}

stands_as_text!(Image, InvalidImage);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        for good in [
            "kinvolk:flatcar-container-linux-corevm-amd64:stable-gen2:latest",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/flatcar",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y/versions/1.2.3",
            "/CommunityGalleries/flatcar-23485951/Images/flatcar-stable-amd64",
            "https://account.blob.core.windows.net/vhds/flatcar.vhd",
            "flatcar.vhd",
            "fcos:/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/fcos",
            "fcos:/CommunityGalleries/ours/Images/fcos",
        ] {
            let image: Image = good.parse().unwrap();
            assert_eq!(image.to_string(), good);
        }
        for bad in [
            "",
            "flatcar:nightly",
            "flatcar:stable:",
            "flatcars",
            "a:b:c",
            "a:b:c:",
            "a:b:c:d:e",
            "/subscriptions/s/resourceGroups/g",
            "a b:c:d:e",
            "fcos:",
            "fcos:stable",
            "fcos:fcos:/CommunityGalleries/ours/Images/fcos",
            "fcos:https://account.blob.core.windows.net/vhds/fcos.vhd",
            "/subscriptions/../resourceGroups/g/providers/Microsoft.Compute/images/flatcar",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/flatcar?x",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/flatcar/../../disks/d",
            "/CommunityGalleries/../Images/flatcar",
            "/CommunityGalleries/ours/Images/flatcar#x",
            "..:..:..:..",
            "flatcar:stable:..",
            "https://account.blob.core.windows.net/flatcar.vhd",
            "https://account.blob.core.windows.net/vhds/../flatcar.vhd",
            "https://me:x@account.blob.core.windows.net/vhds/flatcar.vhd",
            "https://account.blob.core.windows.net/vhds?x/flatcar.vhd",
            "http://account.blob.core.windows.net/vhds/flatcar.vhd",
            "../flatcar.vhd",
        ] {
            assert!(bad.parse::<Image>().is_err(), "{bad}");
        }
    }

    #[test]
    fn containers() {
        for (text, expected) in [
            ("https://a.blob.core.windows.net/vhds", Some("https://a.blob.core.windows.net/vhds/x.vhd")),
            ("https://a.blob.core.windows.net/vhds/", Some("https://a.blob.core.windows.net/vhds/x.vhd")),
            ("https://a.blob.core.windows.net", None),
            ("https://a.blob.core.windows.net/Disks", None),
            ("https://a.blob.core.windows.net/a", None),
            ("http://a.blob.core.windows.net/vhds", None),
            ("https://a.blob.core.windows.net/vhds?sig=x", None),
            ("https://a.blob.core.windows.net/../vhds", None),
            ("vhds", None),
        ] {
            let found = text.parse::<BlobContainer>().ok().map(|container| container.blob("x.vhd"));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn flatcar_is_there_for_each_processor() {
        for (text, size, expected) in [
            ("flatcar", "Standard_D2as_v5", "kinvolk:flatcar-container-linux-corevm-amd64:stable-gen2:latest"),
            ("flatcar:beta", "Standard_D2ps_v5", "kinvolk:flatcar-container-linux-corevm:beta:latest"),
            (
                "flatcar:lts2024:4.5.6",
                "Standard_B2s",
                "kinvolk:flatcar-container-linux-corevm-amd64:lts2024-gen2:4.5.6",
            ),
            ("a:b:c:d", "Standard_B2s", "a:b:c:d"),
        ] {
            let image: Image = text.parse().unwrap();
            let ImageSource::Marketplace(source) = image.source(&size.parse().unwrap()) else { panic!("{text}") };
            assert_eq!(Image::Marketplace(source).to_string(), expected);
        }
    }
}
