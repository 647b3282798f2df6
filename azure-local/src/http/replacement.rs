//! Answers that are not Azure's: what a captive portal, a broken proxy or a cache would send in their place. `http` asks
//! for one when a fault says so.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::stream;
use serde_json::{Value, json};

use crate::answer::{Answer, JSON};
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::fault::{ReplacedBody, Replacement};
use crate::http::route::{Route, Routed};

/// What a hotel's network answers to everything.
const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head>\
    <body><form action=\"/login\"><h1>Please sign in to use this network</h1></form></body></html>\n";
const HTML: &str = "text/html; charset=utf-8";
/// A piece of what never ends.
const CHUNK: &[u8] = &[b' '; 64 * 1024];
/// Shorter than any client's patience with a silent connection.
const TRICKLE_INTERVAL: Duration = Duration::from_millis(100);
/// Whose resource it is that a cache mixes up with the one that was asked for.
const OTHER_GROUP: &str = "somebody-else";
const OTHER_NAME: &str = "somebody-elses";

/// The answer in the place of `own`; `own` is none when the request was not carried out.
pub(super) fn answer(replacement: &Replacement, routed: &Routed, request_body: &Value, own: Option<Answer>) -> Answer {
    let own_status = own.as_ref().map_or(StatusCode::OK, |own| own.status);
    let asked = replacement.status.and_then(|status| StatusCode::from_u16(status).ok());
    let status = asked.unwrap_or(match replacement.body {
        // Only a document of Azure's has a status of Azure's.
        ReplacedBody::CutShort => own_status,
        _ => StatusCode::OK,
    });
    let answer = match replacement.body {
        ReplacedBody::Html => Answer::raw(status, HTML, Body::from(SIGN_IN_PAGE)),
        ReplacedBody::Empty => Answer::empty(status),
        ReplacedBody::EmptyList => Answer::with(status, json!([])),
        ReplacedBody::CutShort => {
            let document = own.and_then(|own| own.body).unwrap_or_else(|| as_if_stored(routed, request_body));
            let mut text = document.to_string().into_bytes();
            text.truncate(text.len() / 2);
            Answer::raw(status, JSON, Body::from(text))
        }
        ReplacedBody::OtherResource => Answer::with(status, of_somebody_else(routed)),
        ReplacedBody::Endless => Answer::raw(status, JSON, endless(Duration::ZERO)),
        ReplacedBody::Trickle => Answer::raw(status, JSON, endless(TRICKLE_INTERVAL)),
    };
    match &replacement.location {
        Some(location) => answer.header("location", location),
        None => answer,
    }
}

/// What a PUT would have been answered, near enough to be cut.
fn as_if_stored(routed: &Routed, request_body: &Value) -> Value {
    let mut document = if request_body.is_object() { request_body.clone() } else { json!({}) };
    if let Some(id) = routed.route.resource() {
        document["id"] = json!(id.text());
        document["name"] = json!(id.name);
    }
    document["properties"]["provisioningState"] = json!("Succeeded");
    document
}

/// A document that is well-formed and about something else.
fn of_somebody_else(routed: &Routed) -> Value {
    let subscription = routed.subscription.as_str();
    let document = |kind: Kind| {
        let id = match kind {
            Kind::ResourceGroup => ResourceId::of_group(subscription, OTHER_GROUP),
            _ => ResourceId::new(subscription, OTHER_GROUP, kind, OTHER_NAME),
        };
        json!({
            "id": id.text(),
            "name": id.name,
            "type": kind.full_name(),
            "location": "westeurope",
            "tags": { "team": "somebody else" },
            "properties": { "provisioningState": "Succeeded" },
        })
    };
    let list = |kind: Kind| json!({ "value": [document(kind)] });
    match &routed.route {
        Route::Resources | Route::GroupResources(_) => list(Kind::PublicIpAddress),
        Route::Groups => list(Kind::ResourceGroup),
        Route::Collection(_, kind) | Route::Everywhere(kind) => list(*kind),
        route => document(route.resource().map_or(Kind::PublicIpAddress, |id| id.kind)),
    }
}

/// JSON that opens and never closes.
fn endless(interval: Duration) -> Body {
    Body::from_stream(stream::unfold(true, move |is_first| async move {
        let chunk = if is_first {
            Bytes::from_static(b"{\"value\":[")
        } else if interval.is_zero() {
            Bytes::from_static(CHUNK)
        } else {
            tokio::time::sleep(interval).await;
            Bytes::from_static(b" ")
        };
        Some((Ok::<_, Infallible>(chunk), false))
    }))
}
