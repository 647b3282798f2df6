//! Microsoft.Compute: what each of its types demands of a PUT, and the catalogues it answers from.

pub mod availability_set;
pub mod disk;
pub mod image;
pub mod os_profile;
pub mod power;
pub mod quota;
pub mod size;
pub mod ssh_key;
pub mod virtual_machine;
