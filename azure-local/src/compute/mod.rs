//! Microsoft.Compute: what each of its types demands of a PUT, and the catalogues it answers from.

pub mod availability_set;
pub mod custom_data;
pub mod disk;
pub mod gallery;
pub mod ignition;
pub mod image;
pub mod image_source;
pub mod managed_image;
pub mod os_profile;
pub mod placement;
pub mod power;
pub mod proximity_group;
pub mod refusal;
pub mod scale_set;
pub mod size;
pub mod sku;
pub mod spot;
pub mod ssh_key;
pub mod usage;
pub mod virtual_machine;
