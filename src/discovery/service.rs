//! The registry on HTTP, as etcd's members ask it.
//!
//! | request | answer |
//! |---|---|
//! | `/new?size=N` | a new token's URL as text |
//! | `GET /<token>` | its directory |
//! | `GET /<token>/_config/size` | its size |
//! | `GET, PUT, DELETE /<token>/<member>` | a member |
//! | `GET /health` | `OK` |
//!
//! `?wait=true` on a GET answers with the first event from `waitIndex` on, now or when it comes; an answer without a body
//! says that nothing has come, and the client asks again.
//! <https://github.com/etcd-io/discoveryserver/tree/main/handlers>

use std::collections::HashMap;
use std::future::{Future, IntoFuture as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until, timeout};
use url::form_urlencoded;

use super::event::{Action, Event, Reason, Refusal};
use super::registry::Registry;
use super::store::Store;
use super::token::Token;

/// What a cluster has when nobody says.
const DEFAULT_SIZE: u32 = 3;
const BODY_BYTES: usize = 16 * 1024;
/// How long requests that are being answered may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// How a service runs.
pub(crate) struct ServiceOptions {
    pub listener: TcpListener,
    /// What new tokens' URLs begin with, without a slash at the end; none means the address that was asked.
    pub public_url: Option<String>,
    /// The file that keeps tokens and members over restarts.
    pub state: Option<PathBuf>,
    /// After this a wait is answered without a body.
    pub longest_wait: Duration,
}

/// What the handlers share.
struct Service {
    registry: Mutex<Registry>,
    store: Option<Store>,
    /// The registry's index after each change.
    changes: watch::Sender<u64>,
    stopping: watch::Receiver<bool>,
    public_url: Option<String>,
    longest_wait: Duration,
}

/// Runs the service until `shutdown` completes; waits are then answered without a body.
pub(crate) async fn serve(options: ServiceOptions, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let store = options.state.as_deref().map(Store::at).transpose()?;
    let registry = match &store {
        Some(store) => store.read()?,
        None => Registry::default(),
    };
    // A file that cannot be written is found before anybody depends on it.
    if let Some(store) = &store {
        store.write(&registry)?;
    }
    let (stop, stopping) = watch::channel(false);
    let service = Arc::new(Service {
        changes: watch::Sender::new(registry.index()),
        registry: Mutex::new(registry),
        store,
        stopping: stopping.clone(),
        public_url: options.public_url,
        longest_wait: options.longest_wait,
    });
    let mut stopped = stopping;
    let answering = axum::serve(options.listener, router(service)).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    let mut answering = std::pin::pin!(answering.into_future());
    tokio::select! {
        ended = &mut answering => return ended.context("answering requests"),
        () = shutdown => {}
    }
    stop.send_replace(true);
    if timeout(GRACE, answering).await.is_err() {
        tracing::warn!("requests were still being answered");
    }
    Ok(())
}

fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/new", any(new))
        .route("/health", get(|| async { "OK" }))
        .route("/{token}", any(directory))
        .route("/{token}/", any(directory))
        .route("/{token}/_config/size", get(size))
        .route("/{token}/{member}", any(member))
        .fallback(|State(service): State<Arc<Service>>, uri: Uri| async move { service.unknown(uri.path()).await })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(service)
}

/// `/new?size=N`, by any method.
async fn new(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let mut fields = fields(query.as_deref().unwrap_or_default().as_bytes());
    fields.extend(self::fields(&body));
    let size = match fields.get("size").map(|size| size.parse::<u32>()) {
        None => DEFAULT_SIZE,
        Some(Ok(size)) => size,
        Some(Err(_)) => return (StatusCode::BAD_REQUEST, "size: not a number of members\n").into_response(),
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let base = match (&service.public_url, host) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => return (StatusCode::BAD_REQUEST, "the request names no host\n").into_response(),
    };
    let token = Token::random();
    match service.change(|registry| registry.add(token.clone(), size)).await {
        Ok(()) => {
            tracing::info!(size, "a new token");
            format!("{base}/{token}").into_response()
        }
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, refusal.cause + "\n").into_response()
        }
    }
}

/// `/<token>`.
async fn directory(
    State(service): State<Arc<Service>>,
    method: Method,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(token) = token.parse::<Token>() else { return service.unknown(&format!("/{token}")).await };
    let fields = fields(query.unwrap_or_default().as_bytes());
    match method {
        Method::GET | Method::HEAD if is_on(&fields, "wait") => service.wait(&token, None, &fields).await,
        Method::GET | Method::HEAD => service.read(|registry| registry.directory(&token)).await,
        _ => service.read(|registry| Err(registry.refusal(Reason::NotAFile, format!("/{token}")))).await,
    }
}

/// `/<token>/_config/size`.
async fn size(State(service): State<Arc<Service>>, Path(token): Path<String>) -> Response {
    match token.parse::<Token>() {
        Ok(token) => service.read(|registry| registry.size(&token)).await,
        Err(_) => service.unknown(&format!("/{token}/_config/size")).await,
    }
}

/// `/<token>/<member>`.
async fn member(
    State(service): State<Arc<Service>>,
    method: Method,
    Path((token, member)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let Ok(token) = token.parse::<Token>() else { return service.unknown(&format!("/{token}/{member}")).await };
    let query = fields(query.unwrap_or_default().as_bytes());
    let changed = match method {
        Method::GET | Method::HEAD if is_on(&query, "wait") => {
            return service.wait(&token, Some(&member), &query).await;
        }
        Method::GET | Method::HEAD => return service.read(|registry| registry.member(&token, &member)).await,
        Method::PUT => {
            let body = fields(&body);
            let text = |name: &str| query.get(name).or(body.get(name)).map(String::as_str);
            let (value, must_exist) = (text("value").unwrap_or_default(), text("prevExist").map(|text| text == "true"));
            service.change(|registry| registry.put(&token, &member, value, must_exist)).await
        }
        Method::DELETE => service.change(|registry| registry.delete(&token, &member)).await,
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    match changed {
        Ok(event) => {
            tracing::info!(member, action = ?event.action, "a member");
            let is_new = event.action != Action::Delete && event.prev_node.is_none();
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            answer(status, event.node.modified_index, &event)
        }
        Err(refusal) => refused(&refusal),
    }
}

impl Service {
    async fn read(&self, read: impl FnOnce(&Registry) -> Result<Event, Refusal>) -> Response {
        let registry = self.registry.lock().await;
        match read(&registry) {
            Ok(event) => answer(StatusCode::OK, registry.index(), &event),
            Err(refusal) => refused(&refusal),
        }
    }

    async fn unknown(&self, path: &str) -> Response {
        refused(&self.registry.lock().await.refusal(Reason::KeyNotFound, path))
    }

    /// Changes the registry; what is answered is kept.
    async fn change<T>(&self, change: impl FnOnce(&mut Registry) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut registry = self.registry.lock().await;
        let mut changed = registry.clone();
        let outcome = change(&mut changed)?;
        if let Some(store) = self.store.clone() {
            let content = changed.clone();
            let written = tokio::task::spawn_blocking(move || store.write(&content)).await;
            if let Err(error) = written.map_err(anyhow::Error::new).flatten() {
                tracing::error!(error = format!("{error:#}"), "a change could not be kept");
                return Err(registry.refusal(Reason::NotKept, "the state file"));
            }
        }
        *registry = changed;
        self.changes.send_replace(registry.index());
        Ok(outcome)
    }

    /// The first event from `waitIndex` on; without it, the next one.
    async fn wait(&self, token: &Token, member: Option<&str>, fields: &HashMap<String, String>) -> Response {
        let (mut changes, mut stopping) = (self.changes.subscribe(), self.stopping.clone());
        let deadline = Instant::now() + self.longest_wait;
        let mut from = fields.get("waitIndex").and_then(|index| index.parse().ok()).filter(|index| *index > 0);
        loop {
            changes.mark_unchanged();
            let index = {
                let registry = self.registry.lock().await;
                let from = *from.get_or_insert(registry.index() + 1);
                match registry.event_from(token, member, from) {
                    Ok(Some(event)) => return answer(StatusCode::OK, registry.index(), event),
                    Ok(None) => registry.index(),
                    Err(refusal) => return refused(&refusal),
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                _ = stopping.wait_for(|stopping| *stopping) => return with_index(StatusCode::OK, index, Vec::new()),
                () = sleep_until(deadline) => return with_index(StatusCode::OK, index, Vec::new()),
            }
        }
    }
}

/// Fields of a query or of a form.
fn fields(encoded: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn is_on(fields: &HashMap<String, String>, name: &str) -> bool {
    fields.get(name).is_some_and(|text| text == "true")
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, refusal.index, refusal)
}

fn answer(status: StatusCode, index: u64, document: &impl Serialize) -> Response {
    with_index(status, index, Json(document))
}

fn with_index(status: StatusCode, index: u64, body: impl IntoResponse) -> Response {
    (status, [("x-etcd-index", index.to_string())], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn service(longest_wait: Duration) -> (Service, watch::Sender<bool>, Token) {
        let (mut registry, token) = (Registry::default(), Token::random());
        registry.add(token.clone(), 3).unwrap();
        let (stop, stopping) = watch::channel(false);
        let service = Service {
            changes: watch::Sender::new(registry.index()),
            registry: Mutex::new(registry),
            store: None,
            stopping,
            public_url: None,
            longest_wait,
        };
        (service, stop, token)
    }

    async fn text(response: Response) -> String {
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().contains_key("x-etcd-index"));
        let bytes = axum::body::to_bytes(response.into_body(), BODY_BYTES).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn waits_end_with_what_they_wait_for_and_with_the_service() {
        let (service, stop, token) = service(Duration::from_secs(3600));
        let fields = HashMap::new();
        let mut all = Box::pin(service.wait(&token, None, &fields));
        let mut other = Box::pin(service.wait(&token, Some("other"), &fields));
        assert!((&mut all).now_or_never().is_none() && (&mut other).now_or_never().is_none());
        service.change(|registry| registry.put(&token, "a", "a=http://a", Some(false))).await.unwrap();
        assert!(text(all.await).await.contains("a=http://a"));
        assert!((&mut other).now_or_never().is_none());
        stop.send_replace(true);
        assert_eq!(text(other.await).await, "");
    }

    #[tokio::test]
    async fn a_wait_for_nothing_ends_without_a_body() {
        let (service, _stop, token) = service(Duration::ZERO);
        assert_eq!(text(service.wait(&token, None, &HashMap::new()).await).await, "");
    }

    #[tokio::test]
    async fn what_cannot_be_kept_does_not_happen() {
        let (mut service, _stop, token) = service(Duration::ZERO);
        let folder = tempfile::tempdir().unwrap();
        service.store = Some(Store::at(&folder.path().join("missing/state.json")).unwrap());
        let put = service.change(|registry| registry.put(&token, "a", "a=http://a", Some(false))).await;
        assert_eq!(put.unwrap_err().error_code, 300);
        assert!(service.registry.lock().await.directory(&token).unwrap().node.nodes.is_empty());
    }
}
