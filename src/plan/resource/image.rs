//! <https://learn.microsoft.com/rest/api/compute/images/create-or-update>

use azure_mgmt_compute::package_2024_07_01::models::{
    HyperVGenerationType, Image, ImageOsDisk, ImageProperties, ImageStorageProfile, image_os_disk,
};
use serde_json::Value;

use super::{compute_resource, document};
use crate::spec::SettledSpec;

/// An image of the second generation, made once from the disk at `blob`.
pub(crate) fn image(spec: &SettledSpec, blob: &str) -> Value {
    let mut os_disk = ImageOsDisk::new(image_os_disk::OsType::Linux, image_os_disk::OsState::Generalized);
    os_disk.image_disk.blob_uri = Some(blob.to_owned());
    document(&Image {
        properties: Some(ImageProperties {
            hyper_v_generation: Some(HyperVGenerationType::V2),
            storage_profile: Some(ImageStorageProfile { os_disk: Some(os_disk), ..ImageStorageProfile::default() }),
            ..ImageProperties::default()
        }),
        ..Image::new(compute_resource(spec))
    })
}
