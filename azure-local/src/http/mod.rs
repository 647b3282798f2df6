//! The HTTP side: every request passes the check of its host, authentication, scripted faults and throttling here, is dispatched by its
//! route, logged and recorded.

mod act;
mod catalogue;
mod child;
pub(crate) mod connection;
mod parameter;
mod put;
mod read;
mod replacement;
mod resource_filter;
mod route;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State as Shared};
use axum::http::header::{AUTHORIZATION, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::answer::Answer;
use crate::arm::document;
use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::arm::version::PRIVATE_SUBNETS_SINCE;
use crate::compute::price;
use crate::control;
use crate::fault::Effect;
use crate::http::catalogue::Catalogue;
use crate::http::child::Child;
use crate::http::connection::Scissors;
use crate::http::route::{Route, Routed};
use crate::network::virtual_network;
use crate::proof;
use crate::provider;
use crate::recorder;
use crate::server::Server;
use crate::state::State;
use crate::state::clock::now_milliseconds;
use crate::state::operation::Twist;
use crate::subscription;
use crate::suspension;

/// ARM's limit for a request's body.
const MOST_BODY_BYTES: usize = 4 * 1024 * 1024;
const CLIENT_REQUEST_ID: &str = "x-ms-client-request-id";
const CORRELATION_ID: &str = "x-ms-correlation-request-id";

/// The service that answers every path.
pub(crate) fn router(server: Arc<Server>) -> Router {
    Router::new().fallback(serve).with_state(server)
}

/// A request, taken apart.
struct Call {
    method: Method,
    path: String,
    /// Path and query as they were sent.
    target: String,
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

async fn serve(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response<Body> {
    let started = Instant::now();
    let time_milliseconds = now_milliseconds();
    let (parts, body) = request.into_parts();
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let query = query(&parts.uri);
    let method = parts.method.clone();
    let client_request_id = parts.headers.get(CLIENT_REQUEST_ID).cloned();
    let correlation_id = parts.headers.get(CORRELATION_ID).cloned();
    let is_arm = !control::owns(&path);

    let outcome = match server.authorities.check(&parts.uri, &parts.headers) {
        Err(refusal) => Err(refusal),
        Ok(()) => match to_bytes(body, MOST_BODY_BYTES).await {
            Ok(body) => {
                let target = parts.uri.to_string();
                let call =
                    Call { method: parts.method, path: path.clone(), target, query, headers: parts.headers, body };
                if is_arm { arm(&server, call).await } else { control_call(&server, call).await.map(Outcome::Answer) }
            }
            Err(_) => Err(ArmError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestContentTooLarge",
                "The request content exceeds 4 MiB.",
            )),
        },
    };
    let outcome = outcome.unwrap_or_else(|error| Outcome::Answer(Answer::from(error)));
    let status = match &outcome {
        Outcome::Answer(answer) => answer.status.as_u16(),
        Outcome::Cut | Outcome::Silence => 0,
    };
    tracing::info!(%method, path, status, milliseconds = started.elapsed().as_millis() as u64, "request");
    if is_arm {
        let routed = Routed::parse(&path).ok();
        let names = routed.as_ref().map(|routed| routed.route.fault_names());
        let text = client_request_id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
        server.recorder.request(recorder::Request {
            time_milliseconds,
            method: method.to_string(),
            resource_type: names.as_ref().map(|(resource_type, _)| resource_type.clone()),
            name: names.map(|(_, name)| name.to_owned()),
            path,
            status,
            client_request_id: text,
        });
    }
    let answer = match outcome {
        Outcome::Answer(answer) => answer,
        Outcome::Cut => {
            scissors.cut();
            Answer::empty(StatusCode::NO_CONTENT)
        }
        // Ends with the connection.
        Outcome::Silence => std::future::pending().await,
    };
    let mut response = answer.into_response();
    identify(response.headers_mut(), client_request_id, correlation_id);
    response
}

/// What happens to the connection.
enum Outcome {
    Answer(Answer),
    /// It is closed without an answer.
    Cut,
    /// It stays open without an answer.
    Silence,
}

fn query(uri: &Uri) -> HashMap<String, String> {
    Query::try_from_uri(uri).map(|Query(query)| query).unwrap_or_default()
}

/// The headers by which support finds a request.
fn identify(headers: &mut HeaderMap, client_request_id: Option<HeaderValue>, correlation_id: Option<HeaderValue>) {
    let request_id = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok();
    if let Some(id) = correlation_id.or_else(|| request_id.clone()) {
        headers.insert(CORRELATION_ID, id);
    }
    if let Some(id) = request_id {
        headers.insert("x-ms-request-id", id);
    }
    if let Some(id) = client_request_id {
        headers.insert(CLIENT_REQUEST_ID, id);
    }
}

fn authenticate(server: &Server, headers: &HeaderMap) -> Result<(), ArmError> {
    let refused = |code: &str, message: &str| Err(ArmError::new(StatusCode::UNAUTHORIZED, code, message));
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token =
        header.and_then(|header| header.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    match token {
        None => refused("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
        Some((_, token)) if token.trim() != server.token => {
            refused("InvalidAuthenticationToken", "The access token is invalid.")
        }
        Some(_) => Ok(()),
    }
}

fn json_body(bytes: &[u8]) -> Result<Value, ArmError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| {
        ArmError::bad(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{error}'."),
        )
    })
}

async fn control_call(server: &Arc<Server>, call: Call) -> Result<Answer, ArmError> {
    if let Some(console) = control::console(server, &call.path, call.query.get("sig").map(String::as_str)) {
        return console;
    }
    if call.method == Method::GET && control::is_price_list(&call.path) {
        return price::document(&server.endpoint, &call.query).map(Answer::ok);
    }
    if call.method == Method::GET && control::is_proof(&call.path) {
        let nonce = call.query.get("nonce").map(String::as_str);
        return proof::document(&server.token, &server.endpoint, nonce).map(Answer::ok);
    }
    authenticate(server, &call.headers)?;
    if call.method == Method::POST && control::is_suspension(&call.path) {
        return Ok(Answer::ok(suspension::suspend_all(server).await));
    }
    control::call(server, &call.method, &call.path, json_body(&call.body)?)
}

async fn arm(server: &Arc<Server>, call: Call) -> Result<Outcome, ArmError> {
    authenticate(server, &call.headers)?;
    let routed = Routed::parse(&call.path)?;
    routed.route.check_version(call.query.get("api-version").map(String::as_str))?;
    parameter::check(&routed.route, &call.method, &call.query, &call.headers)?;
    let (resource_type, name) = routed.route.fault_names();
    let effect = server.faults.take(call.method.as_str(), &resource_type, name);
    let mut twist = None;
    match &effect {
        Some(Effect::Status { code, error, message, retry_after_seconds }) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let refusal = ArmError::new(status, error, message);
            return Err(match retry_after_seconds {
                Some(seconds) => refusal.retry_after(*seconds),
                None => refusal,
            });
        }
        Some(Effect::ExpiredToken) => {
            return Err(ArmError::new(
                StatusCode::UNAUTHORIZED,
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            ));
        }
        Some(Effect::DropBefore) => return Ok(Outcome::Cut),
        Some(Effect::SilentBefore) => return Ok(Outcome::Silence),
        Some(Effect::AnswerReplaced(replacement)) if !replacement.after_effect && call.method != Method::GET => {
            let body = json_body(&call.body)?;
            return Ok(Outcome::Answer(replacement::answer(replacement, &routed, &body, None)));
        }
        Some(Effect::DelayMilliseconds(milliseconds)) => tokio::time::sleep(Duration::from_millis(*milliseconds)).await,
        Some(Effect::OperationFailed(failure)) => twist = Some(Twist::Fails(failure.clone())),
        Some(Effect::NeverBoots) => twist = Some(Twist::NeverBoots),
        _ => {}
    }
    let remaining = server.throttle.take(&call.method)?;
    let answer = dispatch(server, &routed, &call, twist).await.unwrap_or_else(Answer::from);
    let answer = match effect {
        Some(Effect::DropAfter) => return Ok(Outcome::Cut),
        Some(Effect::SilentAfter) => return Ok(Outcome::Silence),
        Some(Effect::AnswerReplaced(replacement)) => {
            replacement::answer(&replacement, &routed, &json_body(&call.body)?, Some(answer))
        }
        Some(Effect::NextLinkToItself) => answer.continued_at(&format!("{}{}", server.endpoint, call.target)),
        Some(Effect::PolledAt(origin)) => answer.polled_at(&origin, &call.target),
        _ => answer,
    };
    Ok(Outcome::Answer(answer.header(remaining.header, remaining.requests.to_string())))
}

/// Refuses what the subscription's state or a provider's registration does not let through.
fn check_account(state: &State, routed: &Routed, method: &Method) -> Result<(), ArmError> {
    let subscription = routed.subscription.as_str();
    if subscription.is_empty() {
        return Ok(());
    }
    subscription::check_access(state, subscription, method)?;
    match &routed.route {
        Route::Catalogue(catalogue) => provider::check_registered(state, catalogue.namespace()),
        _ => Ok(()),
    }
}

/// New subnets in a body, as newer api-versions make them.
fn make_private(state: &State, route: &Route, body: &mut Value) {
    let existing = |id: &ResourceId| state.get(&id.key()).map(|network| &network.document);
    match route {
        Route::Resource(id) if id.kind == Kind::VirtualNetwork => {
            virtual_network::make_new_subnets_private(existing(id), body);
        }
        Route::Child(network, collection, name)
            if collection.eq_ignore_ascii_case("subnets")
                && existing(network).and_then(|network| document::child(network, "subnets", name)).is_none() =>
        {
            virtual_network::make_private(body);
        }
        _ => {}
    }
}

async fn dispatch(
    server: &Arc<Server>,
    routed: &Routed,
    call: &Call,
    twist: Option<Twist>,
) -> Result<Answer, ArmError> {
    let (subscription, route) = (&routed.subscription, &routed.route);
    check_account(&server.state(), routed, &call.method)?;
    match call.method {
        Method::GET => return read::get(server, routed, &call.query, &call.path),
        Method::HEAD => return read::head(server, route),
        _ => {}
    }
    if let Some(reason) = server.state().broken() {
        return Err(ArmError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            format!("The emulator cannot write its state: {reason}"),
        ));
    }
    let mut body = json_body(&call.body)?;
    if call.method == Method::PUT
        && call.query.get("api-version").is_some_and(|version| version.as_str() >= PRIVATE_SUBNETS_SINCE)
    {
        make_private(&server.state(), route, &mut body);
    }
    match (&call.method, route) {
        (&Method::PUT, Route::Resource(id)) => {
            put::put(server, id, |_| Ok(Cow::Borrowed(&body)), &call.headers, twist).await
        }
        (&Method::PUT, Route::Child(parent, collection, name)) => {
            Child { parent, collection, name }.put(server, &body, &call.headers, twist).await
        }
        (&Method::PUT, Route::Catalogue(Catalogue::Terms { publisher, offer, plan })) => {
            act::put_terms(server, subscription, (publisher, offer, plan), &body)
        }
        (&Method::DELETE, Route::Resource(id)) => act::delete(server, id, twist).await,
        (&Method::DELETE, Route::Child(parent, collection, name)) => {
            Child { parent, collection, name }.delete(server, twist).await
        }
        (&Method::POST, _) => act::post(server, routed, &body, twist).await,
        (method, _) => Err(read::method_not_allowed(method.as_str())),
    }
}
