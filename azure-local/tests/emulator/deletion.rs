//! What stands in the way of a deletion, and what goes with it.

use azure_local::latency::Latency;
use reqwest::StatusCode;

use crate::bodies::{LB, NSG, PIP, SET, VNET, create_base, create_node, nic_path, vm_path};
use crate::emulator::{Emulator, azure, eventually, path};

#[tokio::test]
async fn what_is_in_use_cannot_be_deleted() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    let table = [
        (path(PIP), 400, "PublicIPAddressCannotBeDeleted"),
        (path(NSG), 400, "InUseNetworkSecurityGroupCannotBeDeleted"),
        (path(VNET), 400, "InUseSubnetCannotBeDeleted"),
        (nic_path("node-1"), 400, "NicInUse"),
        (path("Compute/disks/node-1-data"), 409, "OperationNotAllowed"),
        (path(SET), 409, "OperationNotAllowed"),
    ];
    for (path, status, code) in &table {
        let reply = emulator.delete(path).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (*status, *code), "{path}");
    }
    // In the right order everything goes; the machine takes its NIC and disks along.
    assert_eq!(emulator.delete(&vm_path("node-1")).await.status, StatusCode::OK);
    for gone in [nic_path("node-1"), path("Compute/disks/node-1-data"), path("Compute/disks/node-1-os")] {
        assert_eq!(emulator.get(&gone).await.code(), "ResourceNotFound", "{gone}");
        assert_eq!(emulator.delete(&gone).await.status, StatusCode::NO_CONTENT, "{gone}");
    }
    for resource in [LB, PIP, VNET, NSG, SET] {
        assert_eq!(emulator.delete(&path(resource)).await.status, StatusCode::OK, "{resource}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_load_balancer_lets_its_members_go() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.delete(&path(LB)).await.good();
    let nic = emulator.get(&nic_path("node-1")).await.good().body;
    let pools = nic["properties"]["ipConfigurations"][0]["properties"]["loadBalancerBackendAddressPools"].as_array();
    assert_eq!(pools.map(Vec::len), Some(0));
    assert_eq!(emulator.listeners().await, []);
    emulator.delete(&path(PIP)).await.good();
    emulator.stop().await;
}

#[tokio::test]
async fn a_group_takes_its_content_along() {
    let (emulator, _folder) = Emulator::fresh(azure(0.02)).await;
    let group = path("");
    emulator.put(&group, &crate::bodies::group()).await.good();
    // Replicas do not know the group at once.
    let nsg = eventually("the group's replication", || async {
        let reply = emulator.put(&path(NSG), &crate::bodies::nsg()).await;
        if reply.status == StatusCode::NOT_FOUND {
            assert_eq!(reply.code(), "ResourceGroupNotFound");
            return None;
        }
        Some(reply)
    })
    .await;
    assert_eq!(emulator.follow(&nsg).await["status"], "Succeeded");

    let reply = emulator.delete(&group).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.header("azure-asyncoperation"), None);
    let location = reply.header("location").expect("a location").to_owned();
    eventually("the group's end", || async { (emulator.get(&location).await.status == StatusCode::OK).then_some(()) })
        .await;
    assert_eq!(emulator.get(&group).await.code(), "ResourceGroupNotFound");
    assert_eq!(emulator.delete(&group).await.code(), "ResourceGroupNotFound");
    emulator.stop().await;
}
