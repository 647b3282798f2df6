//! Networks, configs and secrets in memory.
//! <https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Network>, `#tag/Config`, `#tag/Secret`

use serde_json::{Value, json};

use super::engine::{Answer, Engine, Object, Query, not_found, refused};

impl Engine {
    /// Networks, configs and secrets: they have names of their own, and what is used stays.
    pub(super) fn object(&mut self, kind: &str, method: &str, rest: &[&str], query: &Query, body: &Value) -> Answer {
        let what = kind.trim_end_matches('s');
        let used_by = |engine: &Self, name: &str, id: &str| engine.user_of(kind, name, id);
        let objects = match kind {
            "networks" => &mut self.networks,
            "configs" => &mut self.configs,
            _ => &mut self.secrets,
        };
        match (method, rest) {
            ("GET", []) => {
                let found = objects.values().filter(|object| query.passes(&object.spec["Labels"]));
                (200, found.map(|object| shown_object(kind, object)).collect())
            }
            ("POST", ["create"]) => {
                let name = body["Name"].as_str().unwrap_or_default().to_owned();
                if objects.contains_key(&name) {
                    let said = match kind {
                        "networks" => format!("network with name {name} already exists"),
                        _ => format!("rpc error: code = AlreadyExists desc = {what} {name} already exists"),
                    };
                    return refused(409, &said);
                }
                self.version += 1;
                let id = format!("{what}-{}", self.version);
                objects.insert(name, Object { id: id.clone(), version: self.version, spec: body.clone() });
                let answer = match kind {
                    "networks" => json!({"Id": id, "Warning": ""}),
                    _ => json!({"ID": id}),
                };
                (201, answer)
            }
            (_, [wanted]) => {
                let found = objects.iter().find(|(name, object)| name == wanted || object.id == *wanted);
                let Some((name, object)) = found.map(|(name, object)| (name.clone(), object.clone())) else {
                    return not_found(what, wanted);
                };
                if method == "GET" {
                    return (200, shown_object(kind, &object));
                }
                assert_eq!(method, "DELETE");
                if let Some(user) = used_by(self, &name, &object.id) {
                    let said = match kind {
                        "networks" => {
                            format!("rpc error: code = FailedPrecondition desc = network {name} is in use by {user}")
                        }
                        _ => format!(
                            "rpc error: code = InvalidArgument desc = {what} '{name}' is in use by the following service: {user}"
                        ),
                    };
                    return refused(400, &said);
                }
                let objects = match kind {
                    "networks" => &mut self.networks,
                    "configs" => &mut self.configs,
                    _ => &mut self.secrets,
                };
                objects.remove(&name);
                self.version += 1;
                (204, Value::Null)
            }
            other => panic!("not asked of {kind}: {other:?}"),
        }
    }

    /// A service, or for networks a task too, that uses something.
    pub(super) fn user_of(&self, kind: &str, name: &str, id: &str) -> Option<String> {
        let in_template = |template: &Value| match kind {
            "networks" => template["Networks"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| one["Target"] == name || one["Target"] == id),
            "configs" => {
                template["ContainerSpec"]["Configs"].as_array().into_iter().flatten().any(|one| one["ConfigID"] == id)
            }
            _ => template["ContainerSpec"]["Secrets"].as_array().into_iter().flatten().any(|one| one["SecretID"] == id),
        };
        let service = self.services.iter().find(|service| in_template(&service.spec["TaskTemplate"]));
        let task = || self.tasks.iter().find(|task| kind == "networks" && task.is_live() && in_template(&task.spec));
        service.map(|service| format!("service {}", service.name())).or_else(|| Some(format!("task {}", task()?.id)))
    }
}

/// Secrets are never given back.
pub(super) fn shown_object(kind: &str, object: &Object) -> Value {
    let mut spec = object.spec.clone();
    match kind {
        "networks" => {
            json!({"Id": object.id, "Name": spec["Name"], "Labels": spec["Labels"], "Driver": "overlay", "Scope": "swarm"})
        }
        _ => {
            if kind == "secrets" {
                spec.as_object_mut().expect("a spec").remove("Data");
            }
            json!({"ID": object.id, "Version": {"Index": object.version}, "Spec": spec, "CreatedAt": "2026-01-01T00:00:00Z"})
        }
    }
}
