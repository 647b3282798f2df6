//! Scripted faults and throttling.

use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::bodies::{PIP, SET, create_base, group, nic, nic_path, pip, set, vm, vm_path};
use crate::emulator::{Emulator, SUBSCRIPTION, azure, path};

#[tokio::test]
async fn connections_are_dropped_before_or_after_the_effect() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    for (effect, is_there) in [("drop_before", false), ("drop_after", true)] {
        emulator
            .fault(json!([{ "method": "PUT", "type": "Microsoft.Network/publicIPAddresses", "effect": effect }]))
            .await;
        let error = emulator.try_send(Method::PUT, &path(PIP), Some(&pip("demo-cluster"))).await.err();
        assert!(error.is_some_and(|error| error.is_request()), "{effect}: an answer came");
        assert_eq!(emulator.get(&path(PIP)).await.status == StatusCode::OK, is_there, "{effect}");
    }
    let journal = emulator.get("/azure-local/journal").await.good().body;
    let dropped =
        journal["requests"].as_array().expect("a list").iter().filter(|request| request["status"] == 0).count();
    assert_eq!(dropped, 2);
    emulator.stop().await;
}

#[tokio::test]
async fn answers_and_operations_fail_as_scripted() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    create_base(&emulator).await;
    emulator.put(&nic_path("node-1"), &nic("10.0.0.11")).await.good();
    emulator
        .fault(json!([
            { "method": "PUT", "type": "Microsoft.Compute/virtualMachines", "name": "node-1", "nth": 1, "effect": { "status": { "code": 409, "error": "QuotaExceeded", "message": "no", "retry_after_seconds": 7 } } },
            { "method": "PUT", "type": "Microsoft.Compute/virtualMachines", "nth": 2, "effect": "never_boots" },
            { "method": "PUT", "type": "Microsoft.Compute/virtualMachines", "nth": 3, "effect": { "operation_failed": { "code": "AllocationFailed", "message": "full" } } },
            { "method": "GET", "type": "Microsoft.Compute/virtualMachines", "nth": 1, "effect": "expired_token" },
        ]))
        .await;
    let refused = emulator.put(&vm_path("node-1"), &vm("node-1")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code(), refused.header("retry-after")),
        (409, "QuotaExceeded", Some("7"))
    );
    let expired = emulator.get(&vm_path("node-1")).await;
    assert_eq!((expired.status.as_u16(), expired.code()), (401, "ExpiredAuthenticationToken"));
    for code in ["OSProvisioningTimedOut", "AllocationFailed"] {
        let reply = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good();
        let operation = emulator.follow(&reply).await;
        assert_eq!((&operation["status"], &operation["error"]["code"]), (&json!("Failed"), &json!(code)));
        let machine = emulator.get(&vm_path("node-1")).await.good().body;
        assert_eq!(machine["properties"]["provisioningState"], "Failed");
    }
    // The same PUT again mends the machine.
    let mended = emulator.put(&vm_path("node-1"), &vm("node-1")).await.good().body;
    assert_eq!(mended["properties"]["provisioningState"], "Succeeded");
    assert_eq!(emulator.get("/azure-local/faults").await.good().body[0]["seen"], 4);
    assert_eq!(emulator.delete("/azure-local/faults").await.status, StatusCode::NO_CONTENT);
    assert_eq!(emulator.get("/azure-local/faults").await.good().body, json!([]));
    emulator.stop().await;
}

#[tokio::test]
async fn what_is_made_at_once_shows_that_it_failed() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let failure = json!({ "operation_failed": { "code": "InternalServerError", "message": "a rack fell over" } });
    emulator.fault(json!([{ "method": "PUT", "times": 1, "effect": failure }])).await;
    let refused = emulator.put(&path(""), &group()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "InternalServerError"));
    assert_eq!(emulator.get(&path("")).await.code(), "ResourceGroupNotFound");
    emulator.put(&path(""), &group()).await.good();

    emulator.fault(json!([{ "method": "PUT", "type": "Microsoft.Compute/availabilitySets", "effect": failure }])).await;
    let reply = emulator.put(&path(SET), &set()).await.good();
    assert_eq!(emulator.follow(&reply).await["error"]["code"], "InternalServerError");
    let failed = emulator.get(&path(SET)).await.good().body["properties"].clone();
    assert_eq!((&failed["provisioningState"], &failed["statuses"][0]["level"]), (&json!("Failed"), &json!("Error")));
    assert_eq!(failed["statuses"][0]["code"], "ProvisioningState/failed/InternalServerError");
    emulator.put(&path(SET), &set()).await.good();
    let mended = emulator.get(&path(SET)).await.good().body["properties"].clone();
    assert_eq!((mended.get("provisioningState"), mended.get("statuses")), (None, None));
    emulator.stop().await;
}

#[tokio::test]
async fn bad_faults_are_refused() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    for bad in [
        json!([{ "effect": "explode" }]),
        json!([{ "effect": "drop_before", "metod": "PUT" }]),
        json!([{ "effect": "drop_before", "nth": 0 }]),
        json!([{ "effect": { "status": { "code": 200, "error": "x", "message": "x" } } }]),
        json!([{ "effect": { "answer_replaced": { "body": "html", "status": 204 } } }]),
        json!([{ "effect": { "answer_replaced": { "body": "html", "status": 100 } } }]),
        json!([{ "effect": { "answer_replaced": { "body": "html", "location": "a\nb" } } }]),
        json!([{ "effect": { "answer_replaced": { "body": "poem" } } }]),
        json!([{ "effect": { "answer_replaced": { "body": "html", "after_efect": true } } }]),
        json!([{ "effect": { "polled_at": "http://192.0.2.1/path" } }]),
    ] {
        let reply = emulator.post("/azure-local/faults", &bad).await;
        assert_eq!(reply.code(), "InvalidRequestContent", "{bad}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn too_many_requests_are_throttled() {
    // Time is slowed down so far that the buckets do not refill during the test.
    let (emulator, _folder) = Emulator::fresh(Latency { scale: azure(1000.0).scale, ..Latency::none() }).await;
    let subscription = format!("{SUBSCRIPTION}/locations");
    let first = emulator.get(&subscription).await.good();
    assert_eq!(first.header("x-ms-ratelimit-remaining-subscription-reads"), Some("249"));
    for index in 1..250 {
        let reply = emulator.get(&subscription).await;
        assert_eq!(reply.status, StatusCode::OK, "request {index}");
    }
    let reply = emulator.get(&subscription).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::TOO_MANY_REQUESTS, "SubscriptionRequestsThrottled"));
    let wait: u64 = reply.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("whole seconds");
    assert!(wait >= 1);
    // Writes have a bucket of their own.
    let write = emulator.put(&path(""), &group()).await.good();
    assert_eq!(write.header("x-ms-ratelimit-remaining-subscription-writes"), Some("199"));
    emulator.stop().await;
}

#[tokio::test]
async fn every_list_can_be_made_to_fail() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let at = |path: &str| format!("{SUBSCRIPTION}{path}");
    let gallery = "/providers/Microsoft.Compute/locations/westeurope/communityGalleries/g/images/i";
    let images = "/providers/Microsoft.Compute/locations/westeurope/publishers/kinvolk/artifacttypes/vmimage/offers/flatcar-container-linux-corevm/skus/stable/versions";
    let terms = "/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualMachine/publishers/kinvolk/offers/o/plans/p/agreements/current";
    let table = [
        ("subscriptions", "/subscriptions".to_owned()),
        ("tenants", "/tenants".to_owned()),
        ("locations", at("/locations")),
        ("providers", at("/providers/Microsoft.Compute")),
        ("resources", at("/resources")),
        ("Microsoft.Resources/resourceGroups", at("/resourcegroups")),
        ("Microsoft.Compute/skus", at("/providers/Microsoft.Compute/skus")),
        ("Microsoft.Compute/locations/usages", at("/providers/Microsoft.Compute/locations/westeurope/usages")),
        ("Microsoft.Network/locations/usages", at("/providers/Microsoft.Network/locations/westeurope/usages")),
        ("Microsoft.Compute/locations/publishers", at(images)),
        ("Microsoft.Compute/galleries", at(gallery)),
        ("Microsoft.MarketplaceOrdering/offerTypes", at(terms)),
        (
            "Microsoft.Network/locations/CheckDnsNameAvailability",
            at("/providers/Microsoft.Network/locations/westeurope/CheckDnsNameAvailability?domainNameLabel=a"),
        ),
    ];
    for (kind, path) in table {
        let refusal = json!({ "status": { "code": 403, "error": "AuthorizationFailed", "message": "no" } });
        emulator.fault(json!([{ "method": "GET", "type": kind, "effect": refusal }])).await;
        let reply = emulator.get(&path).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "AuthorizationFailed"), "{kind}");
        assert_ne!(emulator.get(&path).await.status, StatusCode::FORBIDDEN, "{kind}");
    }
    emulator.stop().await;
}
