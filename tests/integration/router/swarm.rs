//! A manager's Docker as the controller sees it: services, events, and a swarm that has lost its leader. On a socket, in the
//! form of <https://docs.docker.com/reference/api/engine/version/v1.47/>.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use routing::{Route, Rules, Upstream};
use serde_json::{Value, json};

use super::mesh::PREFIX;

/// A public service of an app.
#[derive(Clone)]
pub(super) struct App {
    pub name: String,
    pub domains: Vec<String>,
    pub port: u16,
    pub replicas: u32,
    pub rules: Rules,
}

impl App {
    pub(super) fn new(name: &str, domains: &[&str], port: u16) -> Self {
        let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        Self { name: name.to_owned(), domains, port, replicas: 1, rules: Rules::default() }
    }

    /// As Docker lists it.
    pub(super) fn service(&self) -> Value {
        let route = Route {
            domains: self.domains.iter().map(|domain| domain.parse().expect("a domain")).collect(),
            upstream: Upstream::tasks_of(&format!("app-{}", self.name)),
            port: self.port,
            rules: self.rules.clone(),
        };
        let mut labels = route.labels(&PREFIX.parse().expect("a prefix"));
        labels.insert("platform.app".into(), self.name.clone());
        json!({
            "ID": format!("id-{}", self.name),
            "Version": {"Index": 11},
            "CreatedAt": "2026-01-01T00:00:00.000000000Z",
            "UpdatedAt": "2026-01-01T00:00:00.000000000Z",
            "Spec": {
                "Name": format!("app-{}_web", self.name),
                "Labels": labels,
                "TaskTemplate": {"ContainerSpec": {"Image": "hello:1"}, "ForceUpdate": 0, "Runtime": "container"},
                "Mode": {"Replicated": {"Replicas": self.replicas}},
                "EndpointSpec": {"Mode": "vip"}
            },
            "Endpoint": {"Spec": {"Mode": "vip"}}
        })
    }
}

#[derive(Default)]
struct Known {
    services: Vec<Value>,
    has_leader: bool,
    /// How often anything changed.
    changes: u64,
}

/// The socket; its threads end with the process.
pub(super) struct Swarm {
    known: Arc<(Mutex<Known>, Condvar)>,
}

impl Swarm {
    pub(super) fn listen(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let known = Arc::new((Mutex::new(Known { has_leader: true, ..Known::default() }), Condvar::new()));
        let shared = known.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || answer(stream, &shared));
            }
        });
        Self { known }
    }

    /// What runs now, in a swarm with a leader; who listens for events hears of it.
    pub(super) fn set(&self, apps: &[App]) {
        let mut known = self.known.0.lock().unwrap();
        known.services = apps.iter().map(App::service).collect();
        known.has_leader = true;
        known.changes += 1;
        self.known.1.notify_all();
    }

    /// From now on the swarm answers nothing.
    pub(super) fn lose_leader(&self) {
        let mut known = self.known.0.lock().unwrap();
        known.has_leader = false;
        known.changes += 1;
        self.known.1.notify_all();
    }
}

fn answer(mut stream: UnixStream, known: &(Mutex<Known>, Condvar)) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    let Some(Ok(first)) = lines.next() else { return };
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (lock, changed) = known;
    if path.contains("/events") {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes());
        let mut known = lock.lock().unwrap();
        while sent.is_ok() {
            let seen = known.changes;
            known = changed.wait_while(known, |known| known.changes == seen).unwrap();
            let event =
                json!({"Type": "service", "Action": "update", "Actor": {"ID": "id"}, "scope": "swarm", "time": 1});
            let event = format!("{event}\n");
            sent = stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
        }
        return;
    }
    let known = lock.lock().unwrap();
    let (status, body) = if path.ends_with("/version") {
        ("200 OK", json!({"Version": "27.5.1", "ApiVersion": "1.47", "MinAPIVersion": "1.24"}))
    } else if !known.has_leader {
        let message = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few \
                       managers are online.";
        ("503 Service Unavailable", json!({ "message": message }))
    } else if path.contains("/services") {
        ("200 OK", Value::from(known.services.clone()))
    } else {
        ("404 Not Found", json!({"message": "page not found"}))
    };
    drop(known);
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    let _ = stream.write_all((head + &body).as_bytes());
}
