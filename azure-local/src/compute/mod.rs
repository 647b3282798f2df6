//! Microsoft.Compute: what each of its types demands of a PUT, and the catalogues it answers from.

pub(crate) mod availability_set;
pub(crate) mod custom_data;
pub(crate) mod disk;
pub(crate) mod gallery;
pub(crate) mod ignition;
pub(crate) mod image;
pub(crate) mod image_source;
pub(crate) mod managed_image;
pub(crate) mod os_profile;
pub(crate) mod placement;
pub(crate) mod price;
pub(crate) mod proximity_group;
pub(crate) mod scale_set;
pub(crate) mod size;
pub(crate) mod sku;
pub(crate) mod spot;
pub(crate) mod ssh_key;
pub(crate) mod usage;
pub(crate) mod virtual_machine;
