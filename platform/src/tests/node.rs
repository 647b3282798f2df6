//! A machine in memory: its part in the swarm, its images, volumes and containers.
//! <https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Swarm>, `#tag/Node`, `#tag/Image`, `#tag/Volume`

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::engine::{Answer, Engine, Query, not_found, out_of_sequence, refused};
use super::tasks::Task;

/// A machine.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub id: String,
    pub name: String,
    pub address: String,
    /// Its spec once it is a member of the swarm.
    pub member: Option<Value>,
    pub version: u64,
    /// Whether it has left, which the managers take for a node that is down.
    pub left: bool,
    /// References by which there is an image.
    pub images: BTreeSet<String>,
    /// Labels of volumes by name.
    pub volumes: BTreeMap<String, Value>,
}

impl Node {
    pub(super) fn role(&self) -> &str {
        self.member.as_ref().and_then(|spec| spec["Role"].as_str()).unwrap_or("worker")
    }

    pub(super) fn label(&self, name: &str) -> Option<String> {
        Some(self.member.as_ref()?["Labels"][name].as_str()?.to_owned())
    }

    /// An image is found by its name and tag, with its digest or without, and by its id.
    pub(super) fn has_image(&self, reference: &str) -> bool {
        self.image(reference).is_some()
    }

    fn image(&self, reference: &str) -> Option<&String> {
        self.images.iter().find(|image| reference == **image || reference == pinned(image) || reference == id(image))
    }
}

impl Engine {
    pub(super) fn info(&self, node: usize) -> Answer {
        let managers = self.nodes.iter().filter(|node| node.role() == "manager" && node.member.is_some());
        let remote: Vec<Value> =
            managers.map(|node| json!({"NodeID": node.id, "Addr": format!("{}:2377", node.address)})).collect();
        let this = &self.nodes[node];
        let swarm = match this.member.as_ref().filter(|_| !this.left) {
            None => json!({"NodeID": "", "LocalNodeState": "inactive", "ControlAvailable": false}),
            Some(spec) => {
                let is_manager = spec["Role"] == "manager";
                json!({
                    "NodeID": this.id, "LocalNodeState": "active", "ControlAvailable": is_manager,
                    "RemoteManagers": remote, "Cluster": if is_manager { json!({"ID": "swarm"}) } else { Value::Null },
                })
            }
        };
        (200, json!({"ID": this.id, "Swarm": swarm}))
    }

    pub(super) fn init(&mut self, node: usize) -> Answer {
        if self.nodes[node].member.is_some() {
            return refused(
                503,
                "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one.",
            );
        }
        assert!(!self.formed, "a second swarm is formed");
        self.formed = true;
        self.enter(node, "manager");
        (200, json!(self.nodes[node].id))
    }

    pub(super) fn join(&mut self, node: usize, body: &Value) -> Answer {
        if self.nodes[node].member.is_some() {
            return refused(
                503,
                "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another one.",
            );
        }
        if body["RemoteAddrs"].as_array().is_none_or(Vec::is_empty) {
            return refused(400, "at least 1 RemoteAddr is required to join");
        }
        let role = if body["JoinToken"] == "SWMTKN-manager" { "manager" } else { "worker" };
        self.enter(node, role);
        (200, Value::Null)
    }

    pub(super) fn leave(&mut self, node: usize) -> Answer {
        if self.nodes[node].member.is_none() || self.nodes[node].left {
            return refused(503, "This node is not part of a swarm");
        }
        self.version += 1;
        self.nodes[node].left = true;
        (200, Value::Null)
    }

    /// <https://github.com/moby/swarmkit/blob/master/manager/controlapi/node.go> (`RemoveNode`)
    pub(super) fn remove_node(&mut self, id: &str, query: &Query) -> Answer {
        let Some(index) = self.nodes.iter().position(|node| node.id == id && node.member.is_some()) else {
            return not_found("node", id);
        };
        if self.nodes[index].role() == "manager" {
            return refused(400, "rpc error: code = FailedPrecondition desc = node is a cluster manager");
        }
        if !self.nodes[index].left && query.get("force") != "true" {
            return refused(400, "rpc error: code = FailedPrecondition desc = node is not down and can't be removed");
        }
        self.version += 1;
        (self.nodes[index].member, self.nodes[index].left) = (None, false);
        self.tasks.retain(|task| task.node != index);
        (200, Value::Null)
    }

    pub(super) fn enter(&mut self, node: usize, role: &str) {
        self.version += 1;
        self.nodes[node].version = self.version;
        self.nodes[node].member = Some(json!({"Role": role, "Availability": "active", "Labels": {}}));
    }

    pub(super) fn update_node(&mut self, id: &str, query: &Query, body: &Value) -> Answer {
        let Some(index) = self.nodes.iter().position(|node| node.id == id) else { return not_found("node", id) };
        if query.get("version") != self.nodes[index].version.to_string() {
            return out_of_sequence();
        }
        self.version += 1;
        self.nodes[index].version = self.version;
        self.nodes[index].member = Some(body.clone());
        (200, Value::Null)
    }

    pub(super) fn inspect_image(&self, node: usize, reference: &str) -> Answer {
        match self.nodes[node].image(reference) {
            Some(image) => {
                let digest = pinned(image);
                let (named, digest) = digest.split_once('@').unwrap_or((image, ""));
                let repository = named.rsplit_once(':').map_or(named, |(repository, _)| repository);
                let digests = json!([format!("{repository}@{digest}")]);
                (200, json!({"Id": id(image), "RepoDigests": digests, "Config": {"ExposedPorts": {"8000/tcp": {}}}}))
            }
            None => refused(404, &format!("No such image: {reference}")),
        }
    }

    /// A registry has every image but those that are called `absent`.
    pub(super) fn pull(&mut self, node: usize, reference: &str) -> Answer {
        if reference.contains("absent") {
            return refused(404, &format!("manifest for {reference} not found: manifest unknown: manifest unknown"));
        }
        let name = reference.split_once('@').map_or(reference, |(name, _)| name);
        self.nodes[node].images.insert(name.to_owned());
        (200, json!({"status": format!("Status: Downloaded newer image for {reference}")}))
    }

    /// What `docker save` gives are the images' names here.
    pub(super) fn save(&self, node: usize, references: &[&str]) -> Answer {
        let found = references.iter().map(|reference| self.nodes[node].image(reference).ok_or(reference));
        match found.collect::<Result<Vec<_>, _>>() {
            Ok(images) => (200, json!({ "images": images })),
            Err(reference) => refused(404, &format!("No such image: {reference}")),
        }
    }

    pub(super) fn load(&mut self, node: usize, saved: &Value) -> Answer {
        let images = saved["images"].as_array().expect("what was saved").iter();
        self.nodes[node].images.extend(images.map(|image| image.as_str().expect("a name").to_owned()));
        (200, json!({"stream": "Loaded image"}))
    }

    pub(super) fn remove_volume(&mut self, node: usize, name: &str) -> Answer {
        let uses = |task: &Task| {
            let mounts = task.spec["ContainerSpec"]["Mounts"].as_array();
            task.node == node && mounts.into_iter().flatten().any(|mount| mount["Source"] == name)
        };
        if !self.nodes[node].volumes.contains_key(name) {
            return refused(404, &format!("get {name}: no such volume"));
        }
        if self.tasks.iter().any(uses) {
            return refused(409, &format!("remove {name}: volume is in use - [container]"));
        }
        self.nodes[node].volumes.remove(name);
        (204, Value::Null)
    }

    pub(super) fn stop_container(&mut self, node: usize, id: &str) -> Answer {
        let now = self.now;
        let found = self.tasks.iter_mut().find(|task| task.node == node && format!("container-{}", task.id) == id);
        let Some(task) = found.filter(|task| task.is_live()) else {
            return refused(404, &format!("No such container: {id}"));
        };
        (task.state, task.desired, task.since, task.error) =
            ("failed", "shutdown", now, Some("task: non-zero exit (137)".into()));
        self.version += 1;
        (204, Value::Null)
    }
}

pub(super) fn shown_node(node: &Node) -> Value {
    let manager = (node.role() == "manager").then(|| json!({"Reachability": "reachable", "Leader": node.id == "id-0"}));
    json!({
        "ID": node.id, "Version": {"Index": node.version}, "Spec": node.member, "Status": {"State": if node.left { "down" } else { "ready" }},
        "Description": {"Hostname": node.name, "Engine": {"EngineVersion": "28.0.4"}}, "ManagerStatus": manager,
    })
}

/// `hello:1@sha256:…`; the digest says the name.
pub(super) fn pinned(image: &str) -> String {
    format!("{image}@sha256:{}", digest(image, "digest"))
}

pub(super) fn id(image: &str) -> String {
    format!("sha256:{}", digest(image, "id"))
}

fn digest(image: &str, what: &str) -> String {
    hex::encode(openssl::sha::sha256(format!("{what} {image}").as_bytes()))
}
