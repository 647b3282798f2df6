//! What machines are made from, and their disks.

use std::collections::BTreeSet;

use super::parameter::{
    BLOB_CONTAINER_URL, COREOS_IMAGE, DATA_DISK, DATA_DISK_COUNT, DATA_DISK_TYPE, IDENTITIES, VM_SIZE,
};
use super::resolver::Resolver;
use crate::spec::{BlobContainer, Image, MachineIdentity, VmSize};

/// A disk of one's own by its whole address.
pub(super) fn image(resolver: &mut Resolver) -> Image {
    let image = resolver.settle(&COREOS_IMAGE, |earlier| earlier.image.clone(), Image::default);
    let container: Option<BlobContainer> = resolver.parsed(&BLOB_CONTAINER_URL);
    match (image, container) {
        (Image::Vhd(name), Some(container)) if !name.contains('/') => Image::Vhd(container.blob(&name)),
        // What is wrong with the container is told already.
        (Image::Vhd(name), None) if !name.contains('/') && resolver.given(&BLOB_CONTAINER_URL).is_none() => {
            let message =
                format!("`{name}` lies in a container of a storage account, so it needs `--blob-container-url`");
            resolver.problem(&COREOS_IMAGE, message);
            Image::default()
        }
        (image, _) => image,
    }
}

/// Who machines are on Azure. Ids are one whatever their case.
pub(super) fn identities(resolver: &mut Resolver) -> Vec<MachineIdentity> {
    let Some(identities) = resolver.list::<MachineIdentity>(&IDENTITIES) else {
        return resolver.earlier.map(|earlier| earlier.identities.clone()).unwrap_or_default();
    };
    let mut seen = BTreeSet::new();
    for identity in identities.iter().map(ToString::to_string) {
        if !seen.insert(identity.to_ascii_lowercase()) {
            resolver.problem(&IDENTITIES, format!("`{identity}` is named twice"));
        }
    }
    identities
}

/// How many data disks each machine has, when it has any.
pub(super) fn data_disk_count(resolver: &mut Resolver, data_disk_gib: Option<u32>) -> u32 {
    let given = resolver.integer(&DATA_DISK_COUNT);
    if given.is_some() && data_disk_gib.is_none() && !resolver.is_unreadable(&DATA_DISK) {
        resolver.problem(&DATA_DISK_COUNT, "is of data disks, so it needs `--data-disk`");
    }
    given.or(resolver.earlier.map(|earlier| earlier.data_disk_count)).unwrap_or(1)
}

pub(super) fn data_disk_type(resolver: &mut Resolver, vm_size: &VmSize, data_disk_gib: Option<u32>) -> Option<String> {
    let given = resolver.choice(&DATA_DISK_TYPE);
    if given.is_some() && data_disk_gib.is_none() && !resolver.is_unreadable(&DATA_DISK) {
        resolver.problem(&DATA_DISK_TYPE, "is of data disks, so it needs `--data-disk`");
    }
    let is_premium = given.is_some_and(|word| word.starts_with("Premium"));
    if is_premium && !vm_size.has_premium_disks() && !resolver.is_unreadable(&VM_SIZE) {
        let message = format!("size `{vm_size}` takes no premium disks");
        resolver.problem_with_hint(&DATA_DISK_TYPE, message, "choose StandardSSD_LRS, or a size with an `s`");
    }
    given.map(str::to_owned).or(resolver.earlier.and_then(|earlier| earlier.data_disk_type.clone()))
}
