//! Long-running operations as ARM sends them.

use azure_local::latency::Latency;
use reqwest::StatusCode;
use serde_json::json;

use crate::bodies::{LB, NSG, PIP, SET, VNET, create_base, group, lb, nic, nic_path, nsg, pip, set, vnet};
use crate::emulator::{Emulator, azure, options, path};

#[tokio::test]
async fn creations_and_deletions_are_followed_to_their_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    emulator.put(&path(""), &group()).await.good();
    emulator.stop().await;

    let emulator = Emulator::start(options(folder.path(), azure(0.1))).await;
    let reply = emulator.put(&path(NSG), &nsg()).await.good();
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!((reply.header("retry-after"), reply.header("location")), (Some("0"), None));
    let url = reply.header("azure-asyncoperation").expect("an operation");
    assert!(
        url.contains("/providers/Microsoft.Network/locations/westeurope/operations/") && url.contains("api-version="),
        "{url}"
    );
    assert_eq!(emulator.follow(&reply).await["status"], "Succeeded");
    assert_eq!(emulator.get(&path(NSG)).await.good().body["properties"]["provisioningState"], "Succeeded");

    let deletion = emulator.delete(&path(NSG)).await;
    assert_eq!((deletion.status, deletion.text.as_str()), (StatusCode::ACCEPTED, ""));
    let location = deletion.header("location").expect("a location").to_owned();
    assert_eq!(emulator.follow(&deletion).await["status"], "Succeeded");
    assert_eq!(emulator.get(&location).await.status, StatusCode::NO_CONTENT);
    assert_eq!(emulator.get(&path(NSG)).await.status, StatusCode::NOT_FOUND);

    let journal = emulator.get("/azure-local/journal").await.good().body;
    let operations = journal["operations"].as_array().expect("a list");
    let methods: Vec<_> = operations.iter().map(|operation| operation["method"].clone()).collect();
    assert_eq!(methods, [json!("PUT"), json!("DELETE")]);
    for operation in operations {
        let time = |name: &str| operation[name].as_u64().expect("a number");
        let took = time("finished_milliseconds") - time("started_milliseconds");
        assert!(took >= time("planned_milliseconds"), "{operation}");
    }
    emulator.delete("/azure-local/journal").await.good();
    assert_eq!(emulator.get("/azure-local/journal").await.good().body, json!({ "requests": [], "operations": [] }));
    emulator.stop().await;
}

#[tokio::test]
async fn resources_that_are_at_work_refuse_what_comes_in_between() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    emulator.put(&path(""), &group()).await.good();
    emulator.put(&path(PIP), &pip("demo-cluster")).await.good();
    emulator.stop().await;

    // So slow that nothing ends during the test.
    let emulator = Emulator::start(options(folder.path(), azure(1000.0))).await;
    let reply = emulator.put(&path(NSG), &nsg()).await.good();
    assert_eq!(reply.body["properties"]["provisioningState"], "Creating");
    assert_eq!(reply.header("retry-after"), Some("1000"));
    let again = emulator.put(&path(NSG), &nsg()).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "AnotherOperationInProgress"));
    let early = emulator.put(&path(VNET), &vnet()).await;
    assert_eq!((early.status.as_u16(), early.code()), (429, "RetryableError"));
    assert_eq!(early.body["error"]["details"][0]["code"], "ReferencedResourceNotProvisioned");

    let deletion = emulator.delete(&path(PIP)).await;
    assert_eq!(emulator.get(&path(PIP)).await.good().body["properties"]["provisioningState"], "Deleting");
    let location = deletion.header("location").expect("a location").to_owned();
    assert_eq!(emulator.get(&location).await.status, StatusCode::ACCEPTED);

    let deletion = emulator.delete(&path("")).await;
    assert_eq!((deletion.status, deletion.header("azure-asyncoperation")), (StatusCode::ACCEPTED, None));
    let refused = emulator.put(&path(SET), &set()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "ResourceGroupBeingDeleted"));
    let preempted = emulator.get(reply.header("azure-asyncoperation").expect("an operation")).await.good().body;
    assert_eq!(preempted["error"]["code"], "OperationPreempted");
    emulator.kill().await;
}

#[tokio::test]
async fn too_many_joins_of_one_load_balancer_are_retryable() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    create_base(&emulator).await;
    let mut balancer = lb();
    balancer["properties"]["inboundNatRules"][0]["properties"]["frontendPortRangeEnd"] = json!(22099);
    emulator.put(&path(LB), &balancer).await.good();
    emulator.stop().await;

    // Slow enough that all of them are still at work.
    let emulator = Emulator::start(options(folder.path(), azure(100.0))).await;
    for index in 0..9 {
        let reply = emulator.put(&nic_path(&format!("node-{index}")), &nic(&format!("10.0.0.{}", 11 + index))).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{index} {}", reply.text);
    }
    let tenth = emulator.put(&nic_path("node-9"), &nic("10.0.0.20")).await;
    assert_eq!((tenth.status.as_u16(), tenth.code()), (429, "RetryableError"));
    let change = emulator.put(&path(LB), &lb()).await;
    assert_eq!((change.status.as_u16(), change.code()), (429, "RetryableError"));
    emulator.stop().await;
}
