//! Starts a daemon for one test and speaks to it.

use std::future::Future;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azure_local::daemon::{Options, serve};
use azure_local::directory::Directory;
use azure_local::frontend::apply::NoFrontends;
use azure_local::latency::{Latency, TimeScale};
use azure_local::machine::none::NoMachines;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-4000-8000-000000000001";
/// Far beyond what anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Emulator {
    endpoint: String,
    token: String,
    client: Client,
    stop: oneshot::Sender<()>,
    daemon: JoinHandle<anyhow::Result<()>>,
    /// Of its own, so that a kill ends everything the daemon started.
    runtime: Runtime,
}

pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, body, text }
    }

    /// Fails the test with the whole answer unless the status is a success.
    #[track_caller]
    pub(crate) fn good(self) -> Self {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self
    }
}

pub(crate) fn options(root: &Path, latency: Latency) -> Options {
    Options {
        ready: None,
        directory: Directory::new(root),
        machines: Arc::new(NoMachines),
        frontends: Arc::new(NoFrontends::default()),
        latency,
        frontend_base: Ipv4Addr::new(127, 77, 0, 1),
        boot_timeout: DEADLINE,
    }
}

/// Azure's figures times `scale`.
pub(crate) fn azure(scale: f64) -> Latency {
    Latency::azure(TimeScale::new(scale).expect("a scale"))
}

/// A type's path below the group `demo`, or the group itself.
pub(crate) fn path(resource: &str) -> String {
    let group = format!("{SUBSCRIPTION}/resourceGroups/demo");
    match resource {
        "" => group,
        _ => format!("{group}/providers/Microsoft.{resource}"),
    }
}

fn version(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    if path.ends_with("/register") {
        "2021-04-01"
    } else if path.contains("/microsoft.network/") {
        "2024-03-01"
    } else if path.contains("/microsoft.managedidentity/") {
        "2023-01-31"
    } else if path.contains("galleries/") {
        "2023-07-03"
    } else if path.contains("/disks/") {
        "2024-03-02"
    } else if path.contains("/microsoft.compute/") {
        "2024-07-01"
    } else if path.contains("marketplaceordering") {
        "2021-01-01"
    } else {
        "2021-04-01"
    }
}

/// Polls until `check` gives a value.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Emulator {
    /// A daemon on a folder of its own, which is removed with the returned guard.
    pub(crate) async fn fresh(latency: Latency) -> (Self, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        (Self::start(options(folder.path(), latency)).await, folder)
    }

    pub(crate) async fn start(options: Options) -> Self {
        let directory = options.directory.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let daemon = runtime.spawn(serve(options, async {
            let _ = stopped.await;
        }));
        let endpoint = eventually("an endpoint that answers", || async {
            assert!(!daemon.is_finished(), "the daemon ended");
            let endpoint = std::fs::read_to_string(directory.endpoint()).ok()?;
            Client::new().get(&endpoint).send().await.ok().map(|_| endpoint)
        })
        .await;
        let token = std::fs::read_to_string(directory.token()).expect("a token");
        let client = Client::builder().redirect(Policy::none()).build().expect("a client");
        Self { endpoint, token, client, stop, daemon, runtime }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.daemon.await.expect("no panic").expect("a clean end");
        self.runtime.shutdown_background();
    }

    /// Ends the daemon without giving it a chance to write anything, as `kill -9` does.
    pub(crate) async fn kill(self) {
        self.runtime.shutdown_background();
        assert!(self.daemon.await.is_err(), "the daemon had ended");
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoint)
    }

    pub(crate) fn request(&self, method: Method, url: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let url = if url.starts_with('/') { self.url(url) } else { url.to_owned() };
        let request = self.client.request(method, url).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Sends to a path (api-version is added) or to a whole URL.
    pub(crate) async fn try_send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<Reply> {
        let mut url = path.to_owned();
        if ["/subscriptions", "/tenants"].iter().any(|start| path.starts_with(start)) && !path.contains("api-version") {
            url += if path.contains('?') { "&" } else { "?" };
            url += &format!("api-version={}", version(path));
        }
        Ok(Reply::of(self.request(method, &url, body).send().await?).await)
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.try_send(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Follows an operation to its end and gives its status document.
    pub(crate) async fn follow(&self, reply: &Reply) -> Value {
        let url = reply.header("azure-asyncoperation").expect("an operation to follow").to_owned();
        eventually("the end of an operation", || async {
            let reply = self.get(&url).await;
            // Machines have a polling limit of their own, which a tight loop meets.
            if reply.status == StatusCode::TOO_MANY_REQUESTS {
                return None;
            }
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
            (reply.body["status"] != "InProgress").then_some(reply.body)
        })
        .await
    }

    /// Sets faults.
    pub(crate) async fn fault(&self, faults: Value) {
        self.post("/azure-local/faults", &faults).await.good();
    }

    /// The listeners as `public address:port -> machines`.
    pub(crate) async fn listeners(&self) -> Vec<(String, Vec<String>)> {
        let listeners = self.get("/azure-local/listeners").await.good().body;
        let name =
            |machine: &Value| machine.as_str().and_then(|id| id.rsplit('/').next()).unwrap_or_default().to_owned();
        listeners
            .as_array()
            .expect("a list")
            .iter()
            .map(|listener| {
                let machines = listener["machines"].as_array().expect("a list").iter().map(name).collect();
                (listener["public"].as_str().expect("an address").to_owned(), machines)
            })
            .collect()
    }
}

/// An empty JSON object.
pub(crate) fn nothing() -> Value {
    json!({})
}
