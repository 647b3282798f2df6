//! Sets, zones, Spot, identities and disks of machines.

use azure_local::latency::Latency;
use serde_json::{Value, json};

use crate::bodies::{create_base, nic, nic_path, reference, set, vm, vm_path};
use crate::emulator::{Emulator, SUBSCRIPTION, path};

const SCALE_SET: &str = "Compute/virtualMachineScaleSets/scale";
const ZONAL: &str = "Compute/virtualMachineScaleSets/zonal";
const NEAR: &str = "Compute/proximityPlacementGroups/near";
const IDENTITY: &str = "ManagedIdentity/userAssignedIdentities/mine";

fn scale_set(fault_domains: u64) -> Value {
    json!({ "location": "westeurope", "tags": { "cluster": "demo" }, "properties": {
        "orchestrationMode": "Flexible", "platformFaultDomainCount": fault_domains,
    }})
}

fn near() -> Value {
    json!({ "location": "westeurope", "properties": { "proximityPlacementGroupType": "Standard" } })
}

/// The machine `x` in no set, changed.
fn lone(changes: &[(&str, Value)]) -> Value {
    let mut body = vm("x");
    body["properties"].as_object_mut().expect("an object").remove("availabilitySet");
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("a parent")[member] = value.clone();
    }
    body
}

async fn with_nic() -> (Emulator, tempfile::TempDir) {
    let (emulator, folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    (emulator, folder)
}

#[tokio::test]
async fn machines_join_scale_sets_and_placement_groups() {
    let (emulator, _folder) = with_nic().await;
    let mut zonal = scale_set(1);
    zonal["zones"] = json!(["1", "2"]);
    let mut near_set = set();
    near_set["properties"]["proximityPlacementGroup"] = reference(NEAR);
    for (resource, body) in
        [(NEAR, near()), (SCALE_SET, scale_set(3)), (ZONAL, zonal), ("Compute/availabilitySets/near", near_set)]
    {
        let reply = emulator.put(&path(resource), &body).await.good();
        assert_eq!(reply.status.as_u16(), 201, "{resource}");
        let read = emulator.get(&path(resource)).await.good().body;
        assert_eq!(emulator.put(&path(resource), &read).await.good().body, read, "{resource}");
    }
    let body = lone(&[
        ("/properties/virtualMachineScaleSet", reference(SCALE_SET)),
        ("/properties/proximityPlacementGroup", reference(NEAR)),
        ("/properties/platformFaultDomain", json!(2)),
    ]);
    emulator.put(&vm_path("x"), &body).await.good();
    let group = emulator.get(&path(NEAR)).await.good().body;
    assert_eq!(group["properties"]["virtualMachines"], json!([{ "id": vm_path("x") }]));
    assert_eq!(group["properties"]["availabilitySets"], json!([{ "id": path("Compute/availabilitySets/near") }]));
    for used in [SCALE_SET, NEAR] {
        let reply = emulator.delete(&path(used)).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (409, "OperationNotAllowed"), "{used}");
    }
    emulator.delete(&vm_path("x")).await.good();
    for unused in [SCALE_SET, ZONAL, "Compute/availabilitySets/near", NEAR] {
        emulator.delete(&path(unused)).await.good();
    }
    emulator.stop().await;
}

#[tokio::test]
async fn placements_that_exclude_each_other_are_refused() {
    let (emulator, _folder) = with_nic().await;
    let mut zonal = scale_set(1);
    zonal["zones"] = json!(["1", "2"]);
    emulator.put(&path(SCALE_SET), &scale_set(2)).await.good();
    emulator.put(&path(ZONAL), &zonal).await.good();
    let mut too_many = scale_set(4);
    let mut uniform = scale_set(1);
    uniform["properties"]["orchestrationMode"] = json!("Uniform");
    let mut zonal_domains = zonal.clone();
    zonal_domains["properties"]["platformFaultDomainCount"] = json!(2);
    let new_set = path("Compute/virtualMachineScaleSets/new");
    let new_address = path("Network/publicIPAddresses/new");
    let address = |zones: Value| json!({ "location": "westeurope", "zones": zones, "sku": { "name": "Standard" }, "properties": { "publicIPAllocationMethod": "Static" } });
    let (member, size) = ("/properties/virtualMachineScaleSet", "/properties/hardwareProfile/vmSize");
    let table = [
        ("uniform", new_set.clone(), uniform, 400, "InvalidParameter"),
        ("fault domains", new_set.clone(), too_many.take(), 400, "InvalidParameter"),
        ("fault domains in zones", new_set, zonal_domains, 400, "InvalidParameter"),
        ("changed", path(SCALE_SET), scale_set(1), 409, "PropertyChangeNotAllowed"),
        (
            "both sets",
            vm_path("x"),
            {
                let mut body = vm("x");
                body["properties"]["virtualMachineScaleSet"] = reference(SCALE_SET);
                body
            },
            400,
            "InvalidParameter",
        ),
        (
            "no such set",
            vm_path("x"),
            lone(&[(member, reference("Compute/virtualMachineScaleSets/none"))]),
            400,
            "InvalidResourceReference",
        ),
        ("no zone", vm_path("x"), lone(&[(member, reference(ZONAL))]), 400, "InvalidParameter"),
        (
            "other zone",
            vm_path("x"),
            lone(&[(member, reference(ZONAL)), ("/zones", json!(["3"]))]),
            400,
            "InvalidParameter",
        ),
        (
            "zone in a regional set",
            vm_path("x"),
            lone(&[(member, reference(SCALE_SET)), ("/zones", json!(["1"]))]),
            400,
            "InvalidParameter",
        ),
        (
            "fault domain",
            vm_path("x"),
            lone(&[(member, reference(SCALE_SET)), ("/properties/platformFaultDomain", json!(2))]),
            400,
            "InvalidParameter",
        ),
        ("two zones", vm_path("x"), lone(&[("/zones", json!(["1", "2"]))]), 400, "InvalidAvailabilityZone"),
        (
            "no such group",
            vm_path("x"),
            lone(&[("/properties/proximityPlacementGroup", reference(NEAR))]),
            400,
            "InvalidResourceReference",
        ),
        ("zone of an address", new_address.clone(), address(json!(["4"])), 400, "InvalidAvailabilityZone"),
        (
            "eviction",
            vm_path("x"),
            lone(&[("/properties/evictionPolicy", json!("Delete"))]),
            400,
            "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines",
        ),
        (
            "price",
            vm_path("x"),
            lone(&[("/properties/priority", json!("Spot")), ("/properties/billingProfile", json!({ "maxPrice": 0 }))]),
            400,
            "MaxPriceValueInvalid",
        ),
        (
            "cheap",
            vm_path("x"),
            lone(&[
                ("/properties/priority", json!("Spot")),
                ("/properties/billingProfile", json!({ "maxPrice": 0.0001 })),
            ]),
            409,
            "SpotPriceGreaterThanProvidedMaxPrice",
        ),
        (
            "spot size",
            vm_path("x"),
            lone(&[("/properties/priority", json!("Spot")), (size, json!("Standard_B2s"))]),
            400,
            "AzureSpotIsNotSupportedForThisVMSize",
        ),
        (
            "spot in a set",
            vm_path("x"),
            {
                let mut body = vm("x");
                body["properties"]["priority"] = json!("Spot");
                body
            },
            400,
            "AzureSpotVMNotSupportedInAvailabilitySet",
        ),
    ];
    for (what, path, body, status, code) in table {
        let reply = emulator.put(&path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
    }
    emulator.put(&new_address, &address(json!(["1", "2", "3"]))).await.good();
    let reply = emulator.put(&new_address, &address(json!(["1"]))).await;
    assert_eq!(reply.code(), "ResourceAvailabilityZonesCannotBeModified");
    emulator.put(&vm_path("x"), &lone(&[(member, reference(ZONAL)), ("/zones", json!(["2"]))])).await.good();
    assert_eq!(emulator.get(&path("Compute/disks/x-os")).await.good().body["zones"], json!(["2"]));
    emulator.stop().await;
}

#[tokio::test]
async fn spot_machines_and_identities_are_read_back() {
    let (emulator, _folder) = with_nic().await;
    let identity = emulator.put(&path(IDENTITY), &json!({ "location": "eastus" })).await.good().body;
    assert!(identity["properties"]["principalId"].is_string() && identity["properties"]["clientId"].is_string());
    assert_eq!(emulator.get(&path(IDENTITY)).await.good().body, identity);
    let with_identity = |kind: &str, ids: Value| {
        lone(&[("/properties/priority", json!("Spot"))])
            .as_object()
            .map(|body| {
                let mut body = body.clone();
                body.insert("identity".to_owned(), json!({ "type": kind, "userAssignedIdentities": ids }));
                Value::Object(body)
            })
            .expect("an object")
    };
    let nobody = path("ManagedIdentity/userAssignedIdentities/nobody");
    for (kind, ids, code) in [
        ("UserAssigned", json!({ (nobody.as_str()): {} }), "FailedIdentityOperation"),
        ("UserAssigned", json!({}), "InvalidParameter"),
        ("SystemAssigned", json!({ (path(IDENTITY)): {} }), "InvalidParameter"),
        ("Somebody", json!({}), "InvalidRequestFormat"),
    ] {
        let reply = emulator.put(&vm_path("x"), &with_identity(kind, ids)).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, code), "{kind} {}", reply.text);
    }
    let body = with_identity("SystemAssigned, UserAssigned", json!({ (path(IDENTITY)): {} }));
    let made = emulator.put(&vm_path("x"), &body).await.good().body;
    let subscription = emulator.get(SUBSCRIPTION).await.good().body;
    assert_eq!(made["identity"]["type"], "SystemAssigned, UserAssigned");
    assert_eq!(made["identity"]["tenantId"], subscription["tenantId"]);
    assert!(made["identity"]["principalId"].is_string());
    assert_eq!(
        made["identity"]["userAssignedIdentities"][path(IDENTITY)]["clientId"],
        identity["properties"]["clientId"]
    );
    assert_eq!(
        (&made["properties"]["evictionPolicy"], &made["properties"]["billingProfile"]["maxPrice"]),
        (&json!("Deallocate"), &json!(-1.0))
    );
    assert_eq!(emulator.put(&vm_path("x"), &made).await.good().body, made);
    emulator.stop().await;
}

#[tokio::test]
async fn disks_must_fit_the_size() {
    let (emulator, _folder) = with_nic().await;
    let (size, os_disk) = ("/properties/hardwareProfile/vmSize", "/properties/storageProfile/osDisk");
    let disk = |lun: u64, kind: &str| json!({ "lun": lun, "createOption": "Empty", "diskSizeGB": 8 + lun, "managedDisk": { "storageAccountType": kind } });
    let disks = |disks: Value| ("/properties/storageProfile/dataDisks", disks);
    let small = ("/properties/storageProfile/osDisk/diskSizeGB", json!(29));
    let table = [
        ("small", lone(&[small]), 409, "OperationNotAllowed"),
        ("type", lone(&[disks(json!([disk(0, "Fast_LRS")]))]), 400, "InvalidParameter"),
        (
            "premium",
            lone(&[(size, json!("Standard_D2_v3")), disks(json!([disk(0, "Premium_LRS")]))]),
            400,
            "InvalidParameter",
        ),
        (
            "OS disk",
            lone(&[(
                os_disk,
                json!({ "createOption": "FromImage", "managedDisk": { "storageAccountType": "UltraSSD_LRS" } }),
            )]),
            400,
            "InvalidParameter",
        ),
        ("generation", lone(&[(size, json!("Standard_A1_v2"))]), 400, "BadRequest"),
        (
            "controller",
            lone(&[("/properties/storageProfile/diskControllerType", json!("NVMe"))]),
            400,
            "InvalidParameter",
        ),
    ];
    for (what, body, status, code) in table {
        let reply = emulator.put(&vm_path("x"), &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
    }
    let body = lone(&[
        (size, json!("Standard_D2_v3")),
        ("/properties/storageProfile/osDisk/diskSizeGB", json!(64)),
        disks(json!([disk(0, "Standard_LRS"), disk(1, "standardssd_lrs")])),
    ]);
    let made = emulator.put(&vm_path("x"), &body).await.good().body;
    let stored = &made["properties"]["storageProfile"];
    assert_eq!(stored["osDisk"]["managedDisk"]["storageAccountType"], "Standard_LRS");
    let second = stored["dataDisks"][1]["managedDisk"]["id"].as_str().expect("an id");
    let second = emulator.get(second).await.good().body;
    assert_eq!((&second["sku"]["name"], &second["properties"]["diskSizeGB"]), (&json!("StandardSSD_LRS"), &json!(9)));
    assert_eq!(emulator.get(&path("Compute/disks/x-os")).await.good().body["properties"]["diskSizeGB"], 64);
    emulator.stop().await;
}

#[tokio::test]
async fn accelerated_networking_depends_on_the_size() {
    let (emulator, _folder) = with_nic().await;
    let mut fast = nic("10.0.0.12");
    fast["properties"]["enableAcceleratedNetworking"] = json!(true);
    emulator.put(&nic_path("x"), &fast).await.good();
    let size = "/properties/hardwareProfile/vmSize";
    let reply = emulator.put(&vm_path("x"), &lone(&[(size, json!("Standard_B2s"))])).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (400, "VMSizeIsNotPermittedToEnableAcceleratedNetworking"));
    emulator.put(&vm_path("x"), &lone(&[])).await.good();
    emulator.stop().await;
}
