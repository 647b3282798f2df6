//! Answers that are not Azure's, in the place of those that are.

use std::time::Duration;

use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bodies::{PIP, group, pip};
use crate::emulator::{Emulator, SUBSCRIPTION, path};

/// Long enough to tell an answer that does not end from one that does; a good answer takes milliseconds.
const PATIENCE: Duration = Duration::from_millis(400);

/// Sends a PUT of an address under a fault; the status, content type, location and text of what came back.
async fn put_under(emulator: &Emulator, effect: &Value) -> (u16, String, Option<String>, String) {
    emulator.delete("/azure-local/faults").await.good();
    let fault = json!([{ "method": "PUT", "type": "Microsoft.Network/publicIPAddresses", "effect": effect }]);
    emulator.fault(fault).await;
    let reply = emulator.put(&path(PIP), &pip("demo-cluster")).await;
    assert_eq!(emulator.get("/azure-local/faults").await.good().body[0]["seen"], 1, "{effect}");
    let header = |name: &str| reply.header(name).map(str::to_owned);
    let length = header("content-length").expect("a length");
    assert_eq!(length, reply.text.len().to_string(), "{effect}");
    (reply.status.as_u16(), header("content-type").unwrap_or_default(), header("location"), reply.text)
}

#[tokio::test]
async fn an_answer_is_replaced_before_and_after_the_effect() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    let html = "<!DOCTYPE html>";
    let portal = "https://portal.example.com/sign-in";
    let table = [
        (json!({ "body": "html" }), (200, "text/html", None), html),
        (json!({ "body": "html", "status": 503 }), (503, "text/html", None), html),
        (json!({ "body": "html", "status": 302, "location": portal }), (302, "text/html", Some(portal)), html),
        (json!({ "body": "empty" }), (200, "", None), ""),
        (json!({ "body": "empty_list" }), (200, "application/json", None), "[]"),
        (json!({ "body": "other_resource" }), (200, "application/json", None), "{\"id\":\"/subscriptions/"),
    ];
    for (replacement, (status, content_type, location), start) in table {
        for after_effect in [false, true] {
            emulator.delete(&path(PIP)).await.good();
            let mut replacement = replacement.clone();
            replacement["after_effect"] = json!(after_effect);
            let effect = json!({ "answer_replaced": replacement });
            let (found, found_type, found_location, text) = put_under(&emulator, &effect).await;
            assert_eq!((found, found_location.as_deref()), (status, location), "{effect}");
            assert!(found_type.starts_with(content_type) && text.starts_with(start), "{effect}: {found_type} {text}");
            let is_there = emulator.get(&path(PIP)).await.status == StatusCode::OK;
            assert_eq!(is_there, after_effect, "{effect}");
        }
    }
    emulator.stop().await;
}

#[tokio::test]
async fn no_content_and_half_a_document() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    for after_effect in [false, true] {
        emulator.delete(&path(PIP)).await.good();
        let replaced = |body: &str, status: Option<u16>| {
            json!([{ "method": "PUT", "type": "Microsoft.Network/publicIPAddresses", "effect": {
                "answer_replaced": { "body": body, "status": status, "after_effect": after_effect },
            } }])
        };
        emulator.fault(replaced("empty", Some(204))).await;
        let reply = emulator.put(&path(PIP), &pip("demo-cluster")).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""));
        assert_eq!(emulator.get(&path(PIP)).await.status == StatusCode::OK, after_effect);
        emulator.delete(&path(PIP)).await.good();

        emulator.delete("/azure-local/faults").await.good();
        let status = if after_effect { 201 } else { 200 };
        let effect = json!({ "answer_replaced": { "body": "cut_short", "after_effect": after_effect } });
        let (found, _, _, text) = put_under(&emulator, &effect).await;
        assert_eq!(found, status, "{text}");
        assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err(), "{text}");
        assert_eq!(emulator.get(&path(PIP)).await.status == StatusCode::OK, after_effect);
    }
    // A document that is read is cut as it is.
    let whole = emulator.get(&path(PIP)).await.good().text;
    emulator.fault(json!([{ "method": "GET", "effect": { "answer_replaced": { "body": "cut_short" } } }])).await;
    let half = emulator.get(&path(PIP)).await.good().text;
    assert_eq!(half, whole[..whole.len() / 2]);
    emulator.stop().await;
}

#[tokio::test]
async fn another_resource_is_of_the_same_type_and_in_another_group() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    emulator.put(&path(PIP), &pip("demo-cluster")).await.good();
    let other = "/resourceGroups/somebody-else";
    let address = format!("{other}/providers/Microsoft.Network/publicIPAddresses/somebody-elses");
    for (asked, pointer, id) in [
        (path(""), "/id", other),
        (path(PIP), "/id", address.as_str()),
        (format!("{}/resources", path("")), "/value/0/id", address.as_str()),
        (format!("{SUBSCRIPTION}/resourcegroups"), "/value/0/id", other),
    ] {
        let effect = json!({ "answer_replaced": { "body": "other_resource" } });
        emulator.fault(json!([{ "method": "GET", "effect": effect }])).await;
        let body = emulator.get(&asked).await.good().body;
        assert_eq!(body.pointer(pointer), Some(&json!(format!("{SUBSCRIPTION}{id}"))), "{asked}: {body}");
        emulator.delete("/azure-local/faults").await.good();
    }
    emulator.stop().await;
}

#[tokio::test]
async fn some_answers_never_end_and_some_never_come() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    let replaced = |body: &str, after: bool| json!({ "answer_replaced": { "body": body, "after_effect": after } });
    for (effect, has_head, is_there) in [
        (replaced("endless", false), true, false),
        (replaced("endless", true), true, true),
        (replaced("trickle", true), true, true),
        (json!("silent_before"), false, false),
        (json!("silent_after"), false, true),
    ] {
        emulator.delete("/azure-local/faults").await.good();
        emulator.delete(&path(PIP)).await.good();
        emulator.fault(json!([{ "method": "PUT", "effect": effect }])).await;
        let url = format!("{}?api-version=2024-03-01", path(PIP));
        let request = emulator.request(Method::PUT, &url, Some(&pip("demo-cluster")));
        // An answer that begins is read to the end by nobody.
        let head = tokio::time::timeout(PATIENCE, request.send()).await;
        match head {
            Ok(response) if has_head => {
                let mut response = response.expect("a head");
                assert_eq!(response.status(), StatusCode::OK, "{effect}");
                assert!(response.chunk().await.expect("a piece").is_some(), "{effect}");
                assert!(response.chunk().await.expect("another piece").is_some(), "{effect}");
            }
            Ok(response) => panic!("{effect}: {response:?}"),
            Err(_) => assert!(!has_head, "{effect}: no head came"),
        }
        assert_eq!(emulator.get(&path(PIP)).await.status == StatusCode::OK, is_there, "{effect}");
    }
    emulator.stop().await;
}

#[tokio::test]
async fn a_list_goes_round_in_a_circle_and_an_operation_is_somewhere_else() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    emulator.put(&path(""), &group()).await.good();
    emulator.fault(json!([{ "type": "resources", "effect": "next_link_to_itself" }])).await;
    let list = format!("{}/resources?api-version=2021-04-01", path(""));
    let body = emulator.get(&list).await.good().body;
    assert_eq!(body, json!({ "value": [], "nextLink": emulator.url(&list) }));
    assert_eq!(emulator.get(&list).await.good().body, json!({ "value": [] }));

    let elsewhere = "http://192.0.2.1:8080";
    emulator.fault(json!([{ "method": "PUT", "effect": { "polled_at": elsewhere } }])).await;
    let reply = emulator.put(&path(PIP), &pip("demo-cluster")).await.good();
    let url = reply.header("azure-asyncoperation").expect("an operation to follow");
    assert!(url.starts_with(&format!("{elsewhere}/subscriptions/")), "{url}");
    emulator.stop().await;
}
