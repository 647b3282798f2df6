//! Mounts of a container.

use std::collections::BTreeMap;

use bollard::models::{
    Mount as MountSpec, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions, MountType,
    MountVolumeOptions, MountVolumeOptionsDriverConfig,
};

use super::{labelled, some};
use crate::compose::{Mount, MountKind, Naming, Propagation, Stack, Volume, VolumeOptions};

/// One mount.
pub(super) fn mount(stack: &Stack, naming: &Naming<'_>, mount: &Mount) -> MountSpec {
    let spec = MountSpec {
        target: Some(mount.target.clone()),
        read_only: mount.read_only.then_some(true),
        ..MountSpec::default()
    };
    match &mount.kind {
        MountKind::Bind { source, options } => MountSpec {
            typ: Some(MountType::BIND),
            source: Some(source.clone()),
            bind_options: options
                .propagation
                .map(|kind| MountBindOptions { propagation: Some(propagation(kind)), ..MountBindOptions::default() }),
            ..spec
        },
        MountKind::Tmpfs { options } => MountSpec {
            typ: Some(MountType::TMPFS),
            tmpfs_options: Some(MountTmpfsOptions {
                size_bytes: options.size_bytes.map(u64::cast_signed),
                mode: options.mode.map(i64::from),
                ..MountTmpfsOptions::default()
            }),
            ..spec
        },
        MountKind::Volume { source: None, options } => MountSpec {
            typ: Some(MountType::VOLUME),
            volume_options: Some(MountVolumeOptions {
                no_copy: options.no_copy.then_some(true),
                labels: Some(labelled(naming, &BTreeMap::new())),
                ..MountVolumeOptions::default()
            }),
            ..spec
        },
        MountKind::Volume { source: Some(key), options } => {
            let default = Volume::default();
            let volume = stack.volumes.get(key).unwrap_or(&default);
            let own = (!volume.external).then(|| naming.name(key));
            MountSpec {
                typ: Some(MountType::VOLUME),
                source: Some(volume.name.clone().or(own).unwrap_or_else(|| key.clone())),
                volume_options: Some(volume_options(naming, volume, options)),
                ..spec
            }
        }
    }
}

/// With what a node makes the volume when it does not have it.
fn volume_options(naming: &Naming<'_>, volume: &Volume, options: &VolumeOptions) -> MountVolumeOptions {
    let driver =
        (volume.driver.is_some() || !volume.driver_options.is_empty()).then(|| MountVolumeOptionsDriverConfig {
            name: Some(volume.driver.clone().unwrap_or_else(|| "local".into())),
            options: some(&volume.driver_options),
        });
    MountVolumeOptions {
        no_copy: options.no_copy.then_some(true),
        labels: (!volume.external).then(|| labelled(naming, &volume.labels)),
        driver_config: driver,
        ..MountVolumeOptions::default()
    }
}

fn propagation(kind: Propagation) -> MountBindOptionsPropagationEnum {
    match kind {
        Propagation::Private => MountBindOptionsPropagationEnum::PRIVATE,
        Propagation::RPrivate => MountBindOptionsPropagationEnum::RPRIVATE,
        Propagation::Shared => MountBindOptionsPropagationEnum::SHARED,
        Propagation::RShared => MountBindOptionsPropagationEnum::RSHARED,
        Propagation::Slave => MountBindOptionsPropagationEnum::SLAVE,
        Propagation::RSlave => MountBindOptionsPropagationEnum::RSLAVE,
    }
}
