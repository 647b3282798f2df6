//! Services of the swarm in memory: made, changed and removed by requests.
//! <https://docs.docker.com/reference/api/engine/version/v1.48/#tag/Service>; that a change forgets how the one before ended:
//! <https://github.com/moby/swarmkit/blob/master/manager/controlapi/service.go> (`UpdateService`)

use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::{Answer, Engine, Query, Service, out_of_sequence, refused};
use super::tasks::Task;

impl Engine {
    pub(super) fn create_service(&mut self, body: &Value) -> Answer {
        let name = body["Name"].as_str().unwrap_or_default();
        if self.services.iter().any(|service| service.name() == name) {
            return refused(
                409,
                &format!(
                    "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {name} already exists"
                ),
            );
        }
        if let Err(answer) = self.known_references(body) {
            return answer;
        }
        self.version += 1;
        let id = format!("service-{}", self.version);
        let (version, updated) = (self.version, self.version);
        let service =
            Service { id: id.clone(), version, spec: Arc::new(stored(body)), previous: None, update: None, updated };
        self.services.push(service);
        (201, json!({"ID": id}))
    }

    pub(super) fn update_service(&mut self, index: usize, query: &Query, body: &Value) -> Answer {
        if query.get("version") != self.services[index].version.to_string() {
            return out_of_sequence();
        }
        if let Err(answer) = self.known_references(body) {
            return answer;
        }
        self.touch(index);
        let version = self.version;
        let service = &mut self.services[index];
        service.previous = Some(std::mem::replace(&mut service.spec, Arc::new(stored(body))));
        service.update = None;
        service.updated = version;
        (200, json!({"Warnings": null}))
    }

    pub(super) fn remove_service(&mut self, index: usize) -> Answer {
        let service = self.services.remove(index);
        self.version += 1;
        for task in self.tasks.iter_mut().filter(|task| task.service == service.id) {
            task.desired = "remove";
        }
        (200, Value::Null)
    }

    /// Secrets, configs and networks that a service refers to must be there.
    pub(super) fn known_references(&self, spec: &Value) -> Result<(), Answer> {
        let template = &spec["TaskTemplate"];
        for (kind, key, known) in [("Secrets", "SecretID", &self.secrets), ("Configs", "ConfigID", &self.configs)] {
            for reference in template["ContainerSpec"][kind].as_array().into_iter().flatten() {
                if !known.values().any(|object| reference[key] == json!(object.id)) {
                    let what = kind.trim_end_matches('s').to_lowercase();
                    return Err(refused(
                        400,
                        &format!("rpc error: code = InvalidArgument desc = {what} not found: {reference}"),
                    ));
                }
            }
        }
        for network in template["Networks"].as_array().into_iter().flatten() {
            let target = network["Target"].as_str().unwrap_or_default();
            if !self.networks.iter().any(|(name, object)| name == target || object.id == target) {
                return Err(refused(404, &format!("network {target} not found")));
            }
        }
        Ok(())
    }

    pub(super) fn shown_task(&self, task: &Task) -> Value {
        let code = if task.state == "failed" { 3 } else { 0 };
        json!({
            "ID": task.id, "ServiceID": task.service, "Slot": task.slot, "NodeID": self.nodes[task.node].id,
            "Spec": *task.spec, "DesiredState": task.desired, "CreatedAt": format!("2026-01-01T00:00:00.{:09}Z", task.created),
            "Status": {
                "State": task.state, "Timestamp": "2026-01-01T00:00:00Z", "Err": task.error,
                "ContainerStatus": {"ContainerID": format!("container-{}", task.id), "ExitCode": code},
            },
        })
    }
}

pub(super) fn shown_service(service: &Service) -> Value {
    json!({
        "ID": service.id, "Version": {"Index": service.version}, "Spec": *service.spec,
        "PreviousSpec": service.previous.as_deref(), "UpdateStatus": service.update,
    })
}

/// A spec as Docker gives it back: it reads keys in any case and writes `Healthcheck`.
pub(super) fn stored(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(container) = spec["TaskTemplate"]["ContainerSpec"].as_object_mut()
        && let Some(check) = container.remove("HealthCheck")
    {
        container.insert("Healthcheck".into(), check);
    }
    spec
}
