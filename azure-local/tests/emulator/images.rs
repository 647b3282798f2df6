//! Images that are not the marketplace's: galleries, the community's, and managed ones.

use azure_local::latency::Latency;
use serde_json::{Value, json};

use crate::bodies::{create_base, nic, nic_path, vm, vm_path};
use crate::emulator::{Emulator, SUBSCRIPTION, path};

const FLATCAR: &str = "flatcar-23485951-527a-48d6-9d11-6931ff0afc2e";

fn from(reference: Value) -> Value {
    let mut body = vm("x");
    body["properties"]["storageProfile"]["imageReference"] = reference;
    body
}

#[tokio::test]
async fn galleries_hold_what_was_put_into_them() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let community = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/communityGalleries");
    let flatcar = format!("{community}/{FLATCAR}/images/flatcar-stable-amd64");
    let definition = emulator.get(&flatcar).await.good().body;
    assert_eq!(
        (&definition["properties"]["hyperVGeneration"], &definition["properties"]["architecture"]),
        (&json!("V2"), &json!("x64"))
    );
    let versions = emulator.get(&format!("{flatcar}/versions")).await.good().body;
    let newest = versions["value"].as_array().and_then(|versions| versions.last()).expect("a version").clone();
    let version = newest["name"].as_str().expect("a name");
    assert_eq!(emulator.get(&format!("{flatcar}/versions/{version}")).await.good().body, newest);
    let unique = newest["identifier"]["uniqueId"].as_str().expect("an id").to_owned();
    assert!(unique.starts_with("/CommunityGalleries/"), "{unique}");

    let images = json!([{
        "resource_group": "demo", "gallery": "shared", "image": "flatcar", "versions": ["1.0.0", "1.1.0"],
        "locations": ["West Europe"], "hyper_v_generation": "V1",
    }, {
        "gallery": "arm-1234", "image": "flatcar", "versions": ["1.0.0"], "architecture": "Arm64", "locations": ["eastus"],
    }]);
    emulator.put("/azure-local/gallery-images", &images).await.good();
    let own = path("Compute/galleries/shared/images/flatcar");
    assert_eq!(emulator.get(&own).await.good().body["properties"]["hyperVGeneration"], "V1");
    assert_eq!(emulator.get(&format!("{own}/versions")).await.good().body["value"].as_array().map(Vec::len), Some(2));
    let version = emulator.get(&format!("{own}/versions/1.1.0")).await.good().body;
    assert_eq!(version["properties"]["publishingProfile"]["targetRegions"][0]["name"], "West Europe");
    for (path, code) in [
        (format!("{own}/versions/9.9.9"), "ResourceNotFound"),
        (path("Compute/galleries/shared/images/other"), "ResourceNotFound"),
        (flatcar, "GalleryImageNotFound"),
        (format!("{community}/arm-1234/images/flatcar"), "GalleryImageNotFound"),
    ] {
        let reply = emulator.get(&path).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (404, code), "{path}");
    }
    let table = [
        ("missing version", json!({ "id": format!("{own}/versions/9.9.9") }), 404, "GalleryImageNotFound"),
        (
            "not replicated",
            json!({ "communityGalleryImageId": "/CommunityGalleries/arm-1234/Images/flatcar" }),
            404,
            "GalleryImageNotFound",
        ),
        ("community", json!({ "communityGalleryImageId": unique }), 404, "GalleryImageNotFound"),
        ("shared", json!({ "sharedGalleryImageId": "/SharedGalleries/x/Images/y" }), 404, "GalleryImageNotFound"),
    ];
    for (what, image, status, code) in table {
        let reply = emulator.put(&vm_path("x"), &from(image)).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
    }
    let mut new = from(json!({ "id": own }));
    new["properties"]["hardwareProfile"]["vmSize"] = json!("Standard_D2s_v6");
    assert_eq!(emulator.put(&vm_path("x"), &new).await.code(), "BadRequest");
    emulator.put(&vm_path("x"), &from(json!({ "id": format!("{own}/versions/1.1.0") }))).await.good();
    let bad = emulator
        .put(
            "/azure-local/gallery-images",
            &json!([{ "gallery": "a", "image": "b", "versions": [], "architecture": "mips" }]),
        )
        .await;
    assert_eq!(bad.code(), "InvalidRequestContent");
    emulator.stop().await;
}

#[tokio::test]
async fn machines_come_from_managed_images() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("x"), &nic("10.0.0.12")).await.good();
    let image = path("Compute/images/coreos");
    let body = |state: &str, blob: &str| {
        json!({ "location": "westeurope", "tags": { "a": "b" }, "properties": {
            "hyperVGeneration": "V2",
            "storageProfile": { "osDisk": { "osType": "Linux", "osState": state, "blobUri": blob } },
        }})
    };
    let blob = "https://account.blob.core.windows.net/vhds/coreos.vhd";
    for (what, body, code) in [
        ("state", body("Running", blob), "InvalidRequestFormat"),
        ("blob", body("Generalized", "coreos.vhd"), "InvalidParameter"),
        ("no disk", json!({ "location": "westeurope" }), "InvalidParameter"),
    ] {
        let reply = emulator.put(&image, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (400, code), "{what}: {}", reply.text);
    }
    let reply = emulator.put(&vm_path("x"), &from(json!({ "id": image }))).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (404, "NotFound"), "{}", reply.text);
    let made = emulator.put(&image, &body("Generalized", blob)).await.good();
    assert_eq!((made.status.as_u16(), &made.body["properties"]["provisioningState"]), (201, &json!("Succeeded")));
    assert_eq!(emulator.put(&image, &made.body).await.good().body, made.body);
    let other = body("Generalized", "https://account.blob.core.windows.net/vhds/other.vhd");
    assert_eq!(emulator.put(&image, &other).await.code(), "PropertyChangeNotAllowed");
    emulator.put(&vm_path("x"), &from(json!({ "id": image }))).await.good();
    emulator.delete(&image).await.good();
    assert_eq!(emulator.get(&image).await.code(), "ResourceNotFound");
    emulator.stop().await;
}
