//! What a daemon finds again, whether its predecessor was stopped or killed.

use std::os::unix::fs::PermissionsExt;

use azure_local::daemon::serve;
use azure_local::directory::Directory;
use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::bodies::{NSG, create_base, create_node, group, nic, nic_path, nsg, vm, vm_path};
use crate::emulator::{Emulator, SUBSCRIPTION, azure, eventually, options, path};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = Directory::new(folder.path());
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    create_base(&emulator).await;
    create_node(&emulator, "node-1", 11).await;
    emulator.put("/azure-local/reserved-dns-labels", &json!(["taken"])).await.good();
    let machine = emulator.get(&vm_path("node-1")).await.good().body;
    let listeners = emulator.listeners().await;
    assert!(!listeners.is_empty());
    for private in [directory.token(), directory.resources()] {
        let mode = std::fs::metadata(&private).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", private.display());
    }
    emulator.stop().await;
    assert!(!directory.endpoint().exists() && !directory.process_id().exists());

    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    assert_eq!(emulator.get(&vm_path("node-1")).await.good().body, machine);
    assert_eq!(emulator.listeners().await, listeners);
    assert_eq!(emulator.get("/azure-local/settings").await.good().body["reserved_dns_labels"], json!(["taken"]));
    // The same custom data as before is no change.
    assert_eq!(emulator.put(&vm_path("node-1"), &vm("node-1")).await.status, StatusCode::OK);
    emulator.stop().await;
}

#[tokio::test]
async fn operations_go_on_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    emulator.stop().await;

    let emulator = Emulator::start(options(folder.path(), azure(0.02))).await;
    let reply = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    assert_eq!(reply.body["properties"]["provisioningState"], "Creating");
    let operation = reply.header("azure-asyncoperation").expect("an operation").to_owned();
    let at = operation.find("/subscriptions").expect("a path");
    emulator.kill().await;

    let emulator = Emulator::start(options(folder.path(), azure(0.02))).await;
    let ended = eventually("the operation's end", || async {
        let reply = emulator.get(&operation[at..]).await;
        (reply.body["status"] != "InProgress" && reply.status == StatusCode::OK).then_some(reply.body)
    })
    .await;
    assert_eq!(ended["status"], "Succeeded");
    let machine = emulator.get(&format!("{}?$expand=instanceView", vm_path("node-1"))).await.good().body;
    assert_eq!(machine["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/unknown");
    emulator.stop().await;
}

#[tokio::test]
async fn a_resource_group_is_made_though_its_client_or_the_daemon_goes_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut emulator = Emulator::start(options(folder.path(), azure(0.2))).await;
    let journal = Directory::new(folder.path()).resources();
    for (name, is_killed) in [("left", false), ("killed", true)] {
        let path = format!("{SUBSCRIPTION}/resourceGroups/{name}");
        let url = format!("{path}?api-version=2021-04-01");
        let request = emulator.request(Method::PUT, &url, Some(&group())).send();
        let accepted = eventually("the group's record", || async {
            std::fs::read_to_string(&journal).expect("a journal").contains(name).then_some(())
        });
        tokio::select! {
            answer = request => panic!("{name}: answered before the client went: {answer:?}"),
            // The request is dropped with its connection.
            () = accepted => {}
        }
        if is_killed {
            emulator.kill().await;
            emulator = Emulator::start(options(folder.path(), azure(0.2))).await;
        }
        eventually("the group", || async {
            (emulator.get(&path).await.body["properties"]["provisioningState"] == "Succeeded").then_some(())
        })
        .await;
    }
    emulator.stop().await;
}

#[tokio::test]
async fn one_folder_has_one_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    let error =
        serve(options(folder.path(), Latency::none()), std::future::pending()).await.expect_err("a second daemon");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    emulator.put(&path(""), &group()).await.good();
    emulator.put(&path(NSG), &nsg()).await.good();
    emulator.stop().await;
}

#[tokio::test]
async fn resources_without_their_operation_are_taken_up_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    emulator.put(&nic_path("node-2"), &nic("10.0.0.12")).await.good();
    emulator.stop().await;

    let emulator = Emulator::start(options(folder.path(), azure(1000.0))).await;
    emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
    assert_eq!(emulator.delete(&nic_path("node-2")).await.status, StatusCode::ACCEPTED);
    emulator.kill().await;
    let journal = Directory::new(folder.path()).resources();
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("{\"operation\"")).collect();
    std::fs::write(&journal, kept.join("\n") + "\n").expect("written");

    let emulator = Emulator::start(options(folder.path(), Latency::none())).await;
    eventually("the machine's creation", || async {
        let machine = emulator.get(&vm_path("node-1")).await.good().body;
        (machine["properties"]["provisioningState"] == "Succeeded").then_some(())
    })
    .await;
    eventually("the deletion", || async {
        (emulator.get(&nic_path("node-2")).await.status == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    emulator.stop().await;
}
