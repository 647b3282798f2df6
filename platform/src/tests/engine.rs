//! Docker's engines of a cluster and their swarm, in memory. What each request does, and how it is refused, is that of the
//! Engine's API <https://docs.docker.com/reference/api/engine/version/v1.48/>; how errors of the swarm become statuses:
//! <https://github.com/moby/moby/blob/v28.0.0/api/server/httpstatus/status.go>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::etcd::Etcd;
use super::node::{Node, id, pinned, shown_node};
use super::services::shown_service;
use super::tasks::Task;

/// Everything that a cluster's nodes know.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    /// Since the beginning.
    pub now: Duration,
    /// Of the swarm's store; every change has the next one.
    pub version: u64,
    /// The version when it was looked last what is to be done, and how many steps nothing has changed.
    pub seen_version: u64,
    pub quiet_steps: u32,
    pub nodes: Vec<Node>,
    /// Whether there is a swarm.
    pub formed: bool,
    pub services: Vec<Service>,
    pub tasks: Vec<Task>,
    pub networks: BTreeMap<String, Object>,
    pub configs: BTreeMap<String, Object>,
    pub secrets: BTreeMap<String, Object>,
    /// Names of images whose containers end at once.
    pub broken: BTreeSet<String>,
    pub etcd: Etcd,
    /// What the database's server keeps of its user's password.
    pub role: Option<String>,
}

/// A service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub id: String,
    pub version: u64,
    pub spec: Arc<Value>,
    pub previous: Option<Arc<Value>>,
    pub update: Option<Value>,
    /// The version of the last change by a request.
    pub updated: u64,
}

/// A network, config or secret.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: String,
    pub version: u64,
    pub spec: Value,
}

/// A status with a body.
pub(super) type Answer = (u16, Value);

impl Service {
    pub(super) fn is_global(&self) -> bool {
        self.spec["Mode"].get("Global").is_some()
    }

    pub(super) fn name(&self) -> &str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    pub(super) fn update_state(&self) -> Option<&str> {
        self.update.as_ref()?["State"].as_str()
    }

    pub(super) fn is_rolling_back(&self) -> bool {
        self.update_state().is_some_and(|state| state.starts_with("rollback"))
    }

    pub(super) fn set_update(&mut self, state: &str, message: &str) {
        self.update = Some(json!({"State": state, "Message": message}));
    }
}

impl Engine {
    /// Machines `node-0`, `node-1`, …, without a swarm.
    pub(super) fn new(nodes: usize) -> Self {
        let node = |index: usize| Node {
            id: format!("id-{index}"),
            name: format!("node-{index}"),
            address: format!("10.0.0.{}", index + 4),
            member: None,
            version: 0,
            left: false,
            images: BTreeSet::new(),
            volumes: BTreeMap::new(),
        };
        Self {
            now: Duration::ZERO,
            version: 1,
            seen_version: 0,
            quiet_steps: 0,
            nodes: (0..nodes).map(node).collect(),
            formed: false,
            services: Vec::new(),
            tasks: Vec::new(),
            networks: BTreeMap::new(),
            configs: BTreeMap::new(),
            secrets: BTreeMap::new(),
            broken: BTreeSet::new(),
            etcd: Etcd::new(),
            role: None,
        }
    }

    /// The same with one machine more, which has nothing.
    pub(super) fn with_one_more(mut self) -> Self {
        let one_more = Self::new(self.nodes.len() + 1).nodes.pop();
        self.nodes.extend(one_more);
        self
    }

    /// Notes that a service was changed.
    pub(super) fn touch(&mut self, service: usize) {
        self.version += 1;
        self.services[service].version = self.version;
    }

    pub(super) fn is_broken(&self, image: &str) -> bool {
        self.broken.iter().any(|broken| image == broken || image == pinned(broken) || image == id(broken))
    }

    /// What the engine of a node answers. `path` is without the API's version; `query` is decoded.
    pub(super) fn answer(&mut self, node: usize, method: &str, path: &str, query: &Query, body: &Value) -> Answer {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let needs_manager = matches!(parts[0], "services" | "tasks" | "nodes" | "configs" | "secrets")
            || (parts[0] == "swarm" && parts.len() == 1);
        if needs_manager && self.nodes[node].member.as_ref().is_none_or(|spec| spec["Role"] != "manager") {
            return refused(
                503,
                "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again.",
            );
        }
        match (method, parts.as_slice()) {
            ("GET", ["version"]) => (200, json!({"ApiVersion": "1.48", "Version": "28.0.4"})),
            ("GET", ["info"]) => self.info(node),
            ("POST", ["swarm", "init"]) => self.init(node),
            ("POST", ["swarm", "join"]) => self.join(node, body),
            ("POST", ["swarm", "leave"]) => self.leave(node),
            ("DELETE", ["nodes", id]) => self.remove_node(id, query),
            ("GET", ["swarm"]) => {
                (200, json!({"ID": "swarm", "JoinTokens": {"Manager": "SWMTKN-manager", "Worker": "SWMTKN-worker"}}))
            }
            ("GET", ["nodes"]) => {
                let members = self.nodes.iter().filter(|node| node.member.is_some());
                (200, members.map(shown_node).collect())
            }
            ("GET", ["nodes", id]) => match self.nodes.iter().find(|node| node.id == *id && node.member.is_some()) {
                Some(node) => (200, shown_node(node)),
                None => not_found("node", id),
            },
            ("POST", ["nodes", id, "update"]) => self.update_node(id, query, body),
            ("GET", ["services"]) => {
                let found = self.services.iter().filter(|service| query.passes(&service.spec["Labels"]));
                (200, found.map(shown_service).collect())
            }
            ("POST", ["services", "create"]) => self.create_service(body),
            (_, ["services", name, rest @ ..]) => {
                let found = self.services.iter().position(|service| service.name() == *name || service.id == *name);
                let Some(index) = found else { return not_found("service", name) };
                match (method, rest) {
                    ("GET", []) => (200, shown_service(&self.services[index])),
                    ("POST", ["update"]) => self.update_service(index, query, body),
                    ("DELETE", []) => self.remove_service(index),
                    other => panic!("not asked of a service: {other:?}"),
                }
            }
            ("GET", ["tasks"]) => {
                let of = |name: &String| self.services.iter().find(|service| service.name() == name);
                let ids: Vec<&String> =
                    query.filter("service").iter().filter_map(of).map(|service| &service.id).collect();
                let tasks = self.tasks.iter().filter(|task| ids.contains(&&task.service));
                (200, tasks.map(|task| self.shown_task(task)).collect())
            }
            ("GET", ["tasks", _, "logs"]) => (200, Value::Null),
            ("GET", ["images", image @ .., "json"]) => self.inspect_image(node, &image.join("/")),
            ("GET", ["images", "get"]) => self.save(node, &query.all("names")),
            ("POST", ["images", "load"]) => self.load(node, body),
            ("POST", ["images", "create"]) => self.pull(node, query.get("fromImage")),
            ("GET", ["volumes"]) => {
                let volumes = self.nodes[node].volumes.iter().filter(|(_, labels)| query.passes(labels));
                let shown = |(name, labels): (&String, &Value)| json!({"Name": name, "Labels": labels, "Driver": "local", "Mountpoint": "", "Options": {}, "Scope": "local"});
                (200, json!({"Volumes": volumes.map(shown).collect::<Vec<_>>(), "Warnings": []}))
            }
            ("DELETE", ["volumes", name]) => self.remove_volume(node, name),
            ("POST", ["containers", id, "stop"]) => self.stop_container(node, id),
            (_, [kind @ ("networks" | "configs" | "secrets"), rest @ ..]) => {
                self.object(kind, method, rest, query, body)
            }
            other => panic!("not asked of Docker: {other:?}"),
        }
    }
}

/// What follows `?`, decoded.
pub(super) struct Query(pub Vec<(String, String)>);

impl Query {
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Values that come more than once.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Values of one filter: `{"label": ["a=b"]}`.
    pub(super) fn filter(&self, name: &str) -> Vec<String> {
        let filters: Value = serde_json::from_str(self.get("filters")).unwrap_or_default();
        let values = filters[name].as_array().cloned().unwrap_or_default();
        values.into_iter().filter_map(|value| Some(value.as_str()?.to_owned())).collect()
    }

    pub(super) fn passes(&self, labels: &Value) -> bool {
        self.filter("label").iter().all(|filter| {
            let (name, value) = filter.split_once('=').expect("a label with its value");
            labels[name] == value
        })
    }
}

pub(super) fn refused(status: u16, message: &str) -> Answer {
    (status, json!({"message": message}))
}

pub(super) fn not_found(what: &str, name: &str) -> Answer {
    refused(404, &format!("{what} {name} not found"))
}

/// <https://github.com/moby/swarmkit/blob/master/manager/state/store/memory.go> (`ErrSequenceConflict`)
pub(super) fn out_of_sequence() -> Answer {
    refused(500, "rpc error: code = Unknown desc = update out of sequence")
}
