//! What is known, over HTTP: `GET /routes.json` for routers, `GET /health` and `GET /routers` (who of them asked) for people and
//! checks, and what an authority of certificates asks of a domain, which routers pass on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, Path, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use crate::acme;
use crate::asked::Asked;
use crate::etcd::Etcd;
use crate::follow::State;

/// Services are read every few seconds; when they were not for so long, something is wrong.
const STALE: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Known {
    state: watch::Receiver<State>,
    asked: Arc<Asked>,
}

/// All pages; without an etcd none that answers challenges.
pub fn pages(state: watch::Receiver<State>, etcd: Option<Etcd>) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    let known = Known { state, asked: Arc::new(Asked::new()) };
    let mut pages = Router::new()
        .route("/routes.json", get(routes))
        .route("/health", get(health))
        .route("/routers", get(routers))
        .with_state(known);
    if let Some(etcd) = etcd {
        // https://www.rfc-editor.org/rfc/rfc8555#section-8.3
        let challenges = Router::new().route("/.well-known/acme-challenge/{token}", get(challenge));
        pages = pages.merge(challenges.with_state(etcd));
    }
    pages.into_make_service_with_connect_info()
}

/// Whichever controller is asked answers from etcd.
async fn challenge(Shared(etcd): Shared<Etcd>, Path(token): Path<String>) -> Response {
    match acme::answer(&etcd, &token).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no certificate is being ordered with this token\n").into_response(),
        Err(error) => {
            tracing::warn!("an authority's question is not answered: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the answer cannot be looked up now\n").into_response()
        }
    }
}

/// The configuration, unless it may be out of date: another controller may know better, and routers keep what they have.
async fn routes(Shared(known): Shared<Known>, ConnectInfo(router): ConnectInfo<SocketAddr>) -> Response {
    known.asked.note(router.ip().to_canonical());
    let state = known.state.borrow().clone();
    match &state.configuration {
        Some(text) if is_fresh(&state) => {
            ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response()
        }
        // Caddy takes a status of 400 or more for a failure, and asks again.
        _ => (StatusCode::SERVICE_UNAVAILABLE, why_not(&state)).into_response(),
    }
}

async fn routers(Shared(known): Shared<Known>) -> String {
    known.asked.text()
}

async fn health(Shared(known): Shared<Known>) -> Response {
    let state = known.state.borrow().clone();
    match is_fresh(&state) && state.configuration.is_some() {
        true => "services are followed\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, why_not(&state)).into_response(),
    }
}

/// Whether services were read a moment ago and nothing has been wrong since.
fn is_fresh(state: &State) -> bool {
    state.trouble.is_none() && state.read_at.is_some_and(|read_at| read_at.elapsed() < STALE)
}

fn why_not(state: &State) -> String {
    match &state.trouble {
        Some(trouble) => format!("{trouble}\n"),
        None if is_fresh(state) => "domains' certificates were not read from etcd yet\n".to_owned(),
        None => "the swarm's services were not read yet\n".to_owned(),
    }
}
