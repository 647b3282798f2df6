//! One line per refusal: what is sent, and the status and code that come back.

mod compute;
mod network;

use azure_local::latency::Latency;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::bodies::{NSG, group, nsg};
use crate::emulator::{Emulator, SUBSCRIPTION, nothing, path};

/// A body with one property changed; `null` removes it.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
    let parent = body.pointer_mut(parent).expect("a parent");
    match (parent, value) {
        (Value::Object(object), Value::Null) => {
            object.remove(member);
        }
        (parent, value) => match member.parse::<usize>() {
            Ok(index) => parent[index] = value,
            Err(_) => parent[member] = value,
        },
    }
    body
}

async fn check(emulator: &Emulator, table: Vec<(&str, String, Value, u16, &str)>) {
    for (what, path, body, status, code) in table {
        let reply = emulator.put(&path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{what}: {}", reply.text);
        assert!(reply.body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}");
        assert!(
            reply.header("x-ms-request-id").is_some() && reply.header("x-ms-correlation-request-id").is_some(),
            "{what}"
        );
    }
}

#[tokio::test]
async fn envelopes_are_checked() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let client = Client::new();
    let url = emulator.url(&format!("{}?api-version=2021-04-01", path("")));
    for (token, code) in [(None, "AuthenticationFailed"), (Some("wrong"), "InvalidAuthenticationToken")] {
        let mut request = client.get(&url).header("x-ms-client-request-id", "mine");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["x-ms-client-request-id"], "mine");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], code);
    }
    let table = [
        (path("") + "?api-version=", 400, "MissingApiVersionParameter"),
        (path("") + "?api-version=1999-01-01", 400, "InvalidApiVersionParameter"),
        (path(NSG) + "?api-version=2021-04-01", 400, "NoRegisteredProviderFound"),
        ("/subscriptions/00000000-0000-4000-8000-000000000009".to_owned(), 404, "SubscriptionNotFound"),
        (format!("{SUBSCRIPTION}/unknown"), 404, "InvalidResourceType"),
        (path("Network/unknown/x"), 404, "InvalidResourceType"),
        (path(""), 404, "ResourceGroupNotFound"),
        (path(NSG), 404, "ResourceGroupNotFound"),
    ];
    for (path, status, code) in table {
        let reply = emulator.get(&path).await;
        assert_eq!((reply.status.as_u16(), reply.code()), (status, code), "{path}");
    }
    assert_eq!(emulator.post(&path(""), &nothing()).await.code(), "MethodNotAllowed");
    let tagged = |name: &str| json!({ "location": "westeurope", "tags": { name: "x" } });
    let torn = emulator.request(Method::PUT, &url, None).body("{\"location\":").send().await.expect("an answer");
    assert_eq!(torn.status(), 400);
    check(
        &emulator,
        vec![
            ("no location", path(""), nothing(), 400, "LocationRequired"),
            ("no such region", path(""), json!({ "location": "moon" }), 400, "LocationNotAvailableForResourceGroup"),
            (
                "unknown member",
                path(""),
                json!({ "location": "westeurope", "loction": 1 }),
                400,
                "InvalidRequestContent",
            ),
            (
                "tag that is no text",
                path(""),
                json!({ "location": "westeurope", "tags": { "a": 1 } }),
                400,
                "InvalidTags",
            ),
            ("tag of Azure's", path(""), tagged("Microsoft.x"), 400, "InvalidTagName"),
            ("tag of another part of it", path(""), tagged("windows"), 400, "InvalidTagName"),
            ("tag that begins as ours did", path(""), tagged("azure-coreos-cluster"), 400, "InvalidTagName"),
            ("tag with a slash", path(""), tagged("a/b"), 400, "InvalidTagNameCharacters"),
            ("group name", format!("{SUBSCRIPTION}/resourceGroups/ends."), group(), 400, "InvalidResourceGroup"),
            ("no group", path(NSG), nsg(), 404, "ResourceGroupNotFound"),
        ],
    )
    .await;
    emulator.stop().await;
}
