//! What Microsoft.Compute refuses.

use azure_local::latency::Latency;
use reqwest::Method;
use serde_json::{Value, json};

use super::{check, with};
use crate::bodies::{SET, create_base, create_node, group, nic, nic_path, set, ssh_key, vm, vm_path};
use crate::emulator::{Emulator, nothing, path};

#[tokio::test]
async fn compute_rules_are_azures() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let os = "/properties/osProfile";
    let keys = "/properties/osProfile/linuxConfiguration/ssh/publicKeys/0";
    let disks = "/properties/storageProfile/dataDisks";
    let image = "/properties/storageProfile/imageReference";
    let size = "/properties/hardwareProfile/vmSize";
    let disk = |lun: u64| json!({ "lun": lun, "createOption": "Empty", "diskSizeGB": 1 });
    let too_long = "QUFB".repeat(21_846);
    let new = |pointer: &str, value: Value| with(vm("x"), pointer, value);
    let old = |pointer: &str, value: Value| with(vm("node-1"), pointer, value);
    let table = vec![
        (
            "unmanaged",
            path("Compute/availabilitySets/other"),
            with(set(), "/sku", Value::Null),
            400,
            "InvalidParameter",
        ),
        (
            "fault domains",
            path("Compute/availabilitySets/other"),
            with(set(), "/properties/platformFaultDomainCount", json!(4)),
            400,
            "InvalidParameter",
        ),
        (
            "fault domains of the region",
            path("Compute/availabilitySets/other"),
            with(set(), "/location", json!("uksouth")),
            400,
            "InvalidParameter",
        ),
        (
            "set changed",
            path(SET),
            with(set(), "/properties/platformFaultDomainCount", json!(2)),
            409,
            "PropertyChangeNotAllowed",
        ),
        ("name", path("Compute/virtualMachines/123"), vm("x"), 400, "InvalidParameter"),
        ("disk by itself", path("Compute/disks/x"), group(), 405, "MethodNotAllowed"),
        ("size", vm_path("x"), new(size, json!("Standard_Z1")), 400, "InvalidParameter"),
        ("image", vm_path("x"), new(&format!("{image}/sku"), json!("nightly")), 404, "PlatformImageNotFound"),
        ("architecture", vm_path("x"), new(size, json!("Standard_D2ps_v5")), 400, "BadRequest"),
        ("user", vm_path("x"), new(&format!("{os}/adminUsername"), json!("root")), 400, "InvalidParameter"),
        (
            "key path",
            vm_path("x"),
            new(&format!("{keys}/path"), json!("/root/.ssh/authorized_keys")),
            400,
            "InvalidParameter",
        ),
        (
            "key",
            vm_path("x"),
            new(&format!("{keys}/keyData"), json!("ecdsa-sha2-nistp256 AAAA")),
            400,
            "InvalidParameter",
        ),
        ("no key", vm_path("x"), new(&format!("{os}/linuxConfiguration/ssh"), nothing()), 400, "InvalidParameter"),
        ("not base64", vm_path("x"), new(&format!("{os}/customData"), json!("#cloud-config")), 400, "InvalidParameter"),
        ("too long", vm_path("x"), new(&format!("{os}/customData"), json!(too_long)), 400, "InvalidParameter"),
        ("computer name", vm_path("x"), new(&format!("{os}/computerName"), json!("a_b")), 400, "InvalidParameter"),
        ("same LUN", vm_path("x"), new(disks, json!([disk(1), disk(1)])), 400, "InvalidParameter"),
        ("LUN", vm_path("x"), new(disks, json!([disk(64)])), 400, "InvalidParameter"),
        (
            "too many disks",
            vm_path("x"),
            new(disks, json!((0..5).map(disk).collect::<Vec<_>>())),
            409,
            "OperationNotAllowed",
        ),
        (
            "disk of another",
            vm_path("x"),
            new(&format!("{disks}/0/name"), json!("node-1-data")),
            409,
            "ConflictingUserInput",
        ),
        (
            "no interface",
            vm_path("x"),
            new("/properties/networkProfile/networkInterfaces", json!([])),
            400,
            "InvalidParameter",
        ),
        ("missing interface", vm_path("y"), vm("y"), 400, "InvalidResourceReference"),
        (
            "interface of another",
            vm_path("x"),
            new("/properties/networkProfile/networkInterfaces/0/id", json!(nic_path("node-1"))),
            409,
            "NicInUse",
        ),
        ("set and zone", vm_path("x"), new("/zones", json!(["1"])), 400, "AvailabilitySetAndZonesNotSupported"),
        ("zone", vm_path("x"), new("/zones", json!(["4"])), 400, "InvalidAvailabilityZone"),
        ("moved", vm_path("node-1"), old("/location", json!("eastus")), 409, "InvalidResourceLocation"),
        ("resized", vm_path("node-1"), old(size, json!("Standard_D4as_v5")), 409, "OperationNotAllowed"),
        (
            "other image",
            vm_path("node-1"),
            old(&format!("{image}/sku"), json!("beta-gen2")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other data",
            vm_path("node-1"),
            old(&format!("{os}/customData"), json!("QUFB")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other key",
            vm_path("node-1"),
            old(&format!("{keys}/keyData"), json!(format!("{} other", ssh_key()))),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other name",
            vm_path("node-1"),
            old(&format!("{os}/computerName"), json!("other")),
            409,
            "PropertyChangeNotAllowed",
        ),
        (
            "other interface",
            vm_path("node-1"),
            old("/properties/networkProfile/networkInterfaces/0/id", json!(nic_path("x"))),
            409,
            "OperationNotAllowed",
        ),
    ];
    check(&emulator, table).await;

    emulator.put("/azure-local/quotas", &json!({ "standardDASv5Family": 3 })).await.good();
    let reply = emulator.put(&vm_path("x"), &vm("x")).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (409, "OperationNotAllowed"));
    assert!(
        reply.text.contains("exceeding approved standardDASv5Family Cores quota")
            && reply.text.contains("Current Limit: 3"),
        "{}",
        reply.text
    );
    emulator.put("/azure-local/quotas", &json!({ "regional": 2 })).await.good();
    assert!(emulator.put(&vm_path("x"), &vm("x")).await.text.contains("Total Regional Cores quota"));
    assert_eq!(
        emulator.put("/azure-local/quotas", &json!({ "standardFamily": 2 })).await.code(),
        "InvalidRequestContent"
    );
    emulator.put("/azure-local/quotas", &nothing()).await.good();

    let policy = json!([{ "type": "Microsoft.Compute/virtualMachines", "message": "no machines here" }]);
    emulator.put("/azure-local/policies", &policy).await.good();
    let denied = emulator.put(&vm_path("x"), &vm("x")).await;
    assert_eq!((denied.status.as_u16(), denied.code()), (403, "RequestDisallowedByPolicy"));
    assert_eq!(denied.body["error"]["additionalInfo"][0]["type"], "PolicyViolation");
    emulator.put("/azure-local/policies", &json!([])).await.good();
    emulator.put(&vm_path("x"), &vm("x")).await.good();
    let condition = emulator
        .request(Method::PUT, &format!("{}?api-version=2024-07-01", vm_path("x")), Some(&vm("x")))
        .header("if-none-match", "*");
    assert_eq!(condition.send().await.expect("an answer").status(), 412);
    emulator.stop().await;
}
