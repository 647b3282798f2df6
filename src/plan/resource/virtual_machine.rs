//! <https://learn.microsoft.com/rest/api/compute/virtual-machines/create-or-update>

use azure_mgmt_compute::package_2024_07_01::models::{
    BillingProfile, BootDiagnostics, CreateOption, DataDisk, DeleteOption, DiagnosticsProfile, EvictionPolicy,
    HardwareProfile, ImageReference, LinuxConfiguration, ManagedDiskParameters, NetworkInterfaceReference,
    NetworkInterfaceReferenceProperties, NetworkProfile, OsDisk, OsProfile, Plan, Priority, SshConfiguration,
    SshPublicKey, StorageAccountType, StorageProfile, SubResource, VirtualMachine, VirtualMachineIdentity,
    VirtualMachineProperties, hardware_profile, network_interface_reference_properties, virtual_machine_identity,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{compute_resource, document, placement_group, tags};
use crate::plan::ResourceNames;
use crate::spec::{Availability, ImageSource, MachineIdentity, Node, SettledSpec};

/// A tag with the SHA-256 of a machine's user-data: Azure never returns the user-data itself.
pub(crate) const USER_DATA_TAG: &str = "coreos-cluster-user-data-sha256";
/// A tag with the fingerprints of the keys in it.
pub(crate) const KEYS_TAG: &str = "coreos-cluster-keys";

/// What a machine is given at its first boot. Holds secrets.
#[derive(Clone, Default)]
pub struct FirstBoot {
    pub user_data: String,
    /// Fingerprints of the keys in it, as the machine's tag holds them; none when nothing in it is ours.
    pub keys: Option<String>,
}

/// Spot machines cost at most what others do; only a lack of capacity takes them away.
/// <https://learn.microsoft.com/azure/virtual-machines/spot-vms#pricing>
const NO_LIMIT: f64 = -1.0;

/// Every CoreOS-style image has this account.
const ADMIN_USER: &str = "core";

/// A node's machine with both disks in the same write. No security profile: absent means no Trusted Launch, which
/// Flatcar's images cannot do.
pub(crate) fn virtual_machine(spec: &SettledSpec, names: &ResourceNames, node: &Node, first_boot: &FirstBoot) -> Value {
    let data_disks = (0..spec.data_disks()).map(|lun| DataDisk {
        name: Some(data_disk_name(node, lun)),
        disk_size_gb: spec.data_disk_gib.and_then(|size| i32::try_from(size).ok()),
        managed_disk: Some(managed_disk(data_disk_type(spec))),
        delete_option: Some(DeleteOption::Delete),
        ..DataDisk::new(lun as i32, CreateOption::Empty)
    });
    let mut resource = compute_resource(spec);
    let mut all_tags = tags(spec);
    let user_data = &first_boot.user_data;
    all_tags[USER_DATA_TAG] = json!(hex(&openssl::sha::sha256(user_data.as_bytes())));
    if let Some(keys) = &first_boot.keys {
        all_tags[KEYS_TAG] = json!(keys);
    }
    resource.tags = Some(all_tags);
    let (availability_set, scale_set) = match &spec.availability {
        Availability::Set { name } => {
            let id = names.availability_set(&name.resource_name(spec.name.as_str()));
            (Some(SubResource { id: Some(id.path().to_owned()) }), None)
        }
        Availability::ScaleSet { .. } => (None, Some(SubResource { id: Some(names.scale_set().path().to_owned()) })),
        Availability::Zones { .. } => (None, None),
    };
    let mut document = document(&VirtualMachine {
        zones: spec.availability.zone(node.index).iter().map(ToString::to_string).collect(),
        identity: identity(&spec.identities),
        plan: spec.image_plan.as_ref().map(|plan| Plan {
            name: Some(plan.name.clone()),
            publisher: Some(plan.publisher.clone()),
            product: Some(plan.product.clone()),
            promotion_code: None,
        }),
        properties: Some(VirtualMachineProperties {
            hardware_profile: Some(HardwareProfile {
                vm_size: Some(hardware_profile::VmSize::UnknownValue(spec.vm_size.to_string())),
                vm_size_properties: None,
            }),
            availability_set,
            virtual_machine_scale_set: scale_set,
            proximity_placement_group: placement_group(spec, names),
            priority: spec.spot.then_some(Priority::Spot),
            // A machine that Azure takes back keeps its disks and can be started again.
            eviction_policy: spec.spot.then_some(EvictionPolicy::Deallocate),
            billing_profile: spec.spot.then_some(BillingProfile { max_price: Some(NO_LIMIT) }),
            storage_profile: Some(StorageProfile {
                image_reference: Some(image_reference(spec.image.source(&spec.vm_size), names)),
                os_disk: Some(OsDisk {
                    name: Some(format!("{}-os", node.name)),
                    managed_disk: Some(managed_disk(usual_disk_type(spec))),
                    disk_size_gb: spec.os_disk_gib.and_then(|size| i32::try_from(size).ok()),
                    delete_option: Some(DeleteOption::Delete),
                    ..OsDisk::new(CreateOption::FromImage)
                }),
                data_disks: data_disks.collect(),
                ..StorageProfile::default()
            }),
            os_profile: Some(OsProfile {
                // The same as the resource's name: one agent of the image takes this one, another that one.
                computer_name: Some(node.name.clone()),
                admin_username: Some(ADMIN_USER.into()),
                custom_data: Some(STANDARD.encode(user_data)),
                linux_configuration: Some(LinuxConfiguration {
                    disable_password_authentication: Some(true),
                    ssh: Some(SshConfiguration {
                        public_keys: vec![SshPublicKey {
                            path: Some(format!("/home/{ADMIN_USER}/.ssh/authorized_keys")),
                            key_data: Some(spec.ssh_public_key.to_string()),
                        }],
                    }),
                    ..LinuxConfiguration::default()
                }),
                ..OsProfile::default()
            }),
            network_profile: Some(NetworkProfile {
                network_interfaces: vec![NetworkInterfaceReference {
                    sub_resource: SubResource { id: Some(names.network_interface(&node.name).path().to_owned()) },
                    properties: Some(NetworkInterfaceReferenceProperties {
                        primary: Some(true),
                        delete_option: Some(network_interface_reference_properties::DeleteOption::Delete),
                    }),
                }],
                ..NetworkProfile::default()
            }),
            // Enabled without a storage account: Azure keeps the console itself.
            diagnostics_profile: Some(DiagnosticsProfile {
                boot_diagnostics: Some(BootDiagnostics { enabled: Some(true), storage_uri: None }),
            }),
            ..VirtualMachineProperties::default()
        }),
        ..VirtualMachine::new(resource)
    });
    add_user_identities(&mut document, &spec.identities);
    document
}

/// `mycluster-coreos-0-data-1`.
pub(crate) fn data_disk_name(node: &Node, lun: u32) -> String {
    format!("{}-data-{lun}", node.name)
}

fn managed_disk(storage_account_type: StorageAccountType) -> ManagedDiskParameters {
    ManagedDiskParameters { storage_account_type: Some(storage_account_type), ..ManagedDiskParameters::default() }
}

fn usual_disk_type(spec: &SettledSpec) -> StorageAccountType {
    match spec.vm_size.has_premium_disks() {
        true => StorageAccountType::PremiumLrs,
        false => StorageAccountType::StandardSsdLrs,
    }
}

fn data_disk_type(spec: &SettledSpec) -> StorageAccountType {
    match &spec.data_disk_type {
        Some(word) => word.parse().unwrap_or_else(|_| StorageAccountType::UnknownValue(word.clone())),
        None => usual_disk_type(spec),
    }
}

fn identity(identities: &[MachineIdentity]) -> Option<VirtualMachineIdentity> {
    let system = identities.contains(&MachineIdentity::System);
    let users = identities.iter().any(|identity| matches!(identity, MachineIdentity::User(_)));
    let type_ = match (system, users) {
        (false, false) => return None,
        (true, false) => virtual_machine_identity::Type::SystemAssigned,
        (false, true) => virtual_machine_identity::Type::UserAssigned,
        (true, true) => virtual_machine_identity::Type::SystemAssignedUserAssigned,
    };
    Some(VirtualMachineIdentity { type_: Some(type_), ..VirtualMachineIdentity::default() })
}

/// The model of this map has no place for its keys.
fn add_user_identities(document: &mut Value, identities: &[MachineIdentity]) {
    for identity in identities {
        if let MachineIdentity::User(id) = identity {
            document["identity"]["userAssignedIdentities"][id] = json!({});
        }
    }
}

fn image_reference(image: ImageSource, names: &ResourceNames) -> ImageReference {
    let mut reference = ImageReference::default();
    match image {
        ImageSource::Marketplace(image) => {
            reference.publisher = Some(image.publisher);
            reference.offer = Some(image.offer);
            reference.sku = Some(image.sku);
            reference.version = Some(image.version);
        }
        ImageSource::Resource(id) => reference.sub_resource.id = Some(id),
        ImageSource::CommunityGallery(id) => reference.community_gallery_image_id = Some(id),
        ImageSource::Vhd(_) => reference.sub_resource.id = Some(names.image().path().to_owned()),
    }
    reference
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
