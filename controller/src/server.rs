//! What is known, over HTTP: `GET /routes.json` for routers, `GET /health` and `GET /routers` (who of them asked) for people and
//! checks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::extract::{ConnectInfo, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use crate::asked::Asked;
use crate::follow::State;

/// Services are read every few seconds; when they were not for so long, something is wrong.
const STALE: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Known {
    state: watch::Receiver<State>,
    asked: Arc<Asked>,
}

/// The pages.
pub fn pages(state: watch::Receiver<State>) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
    let known = Known { state, asked: Arc::new(Asked::new()) };
    Router::new()
        .route("/routes.json", get(routes))
        .route("/health", get(health))
        .route("/routers", get(routers))
        .with_state(known)
        .into_make_service_with_connect_info()
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
    match is_fresh(&state) {
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
        None => "the swarm's services were not read yet\n".to_owned(),
    }
}
