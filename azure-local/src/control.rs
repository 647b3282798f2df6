//! What the emulator offers beside ARM, under `/azure-local/`: faults, quotas, policies, status, journal, consoles.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::compute::quota;
use crate::fault::{Effect, Fault};
use crate::http::answer::Answer;
use crate::server::Server;
use crate::state::Policy;
use crate::state::resource::Resource;

const PREFIX: &str = "/azure-local/";

/// Whether a path belongs to this module.
pub fn owns(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// The path of a VM's serial console, good without a token: its `sig` is random, as in Azure's signed URLs.
pub fn console_path(vm: &Resource) -> String {
    format!("{PREFIX}machines/{}/{}/console?sig={}", vm.id.group, vm.id.name, vm.unique_id)
}

/// Answers a console's path; `None` for any other. Without the right `sig` it says no more than 404.
pub fn console(server: &Server, path: &str, signature: Option<&str>) -> Option<Result<Answer, ArmError>> {
    let segments: Vec<&str> = path.strip_prefix(PREFIX)?.split('/').collect();
    let ["machines", group, name, "console"] = segments.as_slice() else {
        return None;
    };
    let key = ResourceId::new(group, Kind::VirtualMachine, name).key();
    let is_known = server.state().get(&key).is_some_and(|vm| signature == Some(&vm.unique_id));
    Some(if is_known {
        Ok(Answer::text(server.machines.console(&key)))
    } else {
        Err(ArmError::missing("BlobNotFound", "The specified blob does not exist."))
    })
}

/// Answers a control request that carried the token.
pub fn call(server: &Server, method: &Method, path: &str, body: Value) -> Result<Answer, ArmError> {
    let name = path.strip_prefix(PREFIX).unwrap_or(path);
    match (method, name) {
        (&Method::GET, "status") => Ok(Answer::ok(status(server))),
        (&Method::GET, "listeners") => Ok(Answer::ok(json!(server.frontends.bound()))),
        (&Method::GET, "journal") => Ok(Answer::ok(server.recorder.document(&server.state()))),
        (&Method::DELETE, "journal") => {
            server.recorder.clear();
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (&Method::GET, "faults") => Ok(Answer::ok(json!(server.faults.list()))),
        (&Method::POST, "faults") => {
            server.faults.add(faults(body)?);
            Ok(Answer::ok(json!(server.faults.list())))
        }
        (&Method::DELETE, "faults") => {
            server.faults.clear();
            Ok(Answer::empty(StatusCode::NO_CONTENT))
        }
        (&Method::PUT, "quotas") => put_quotas(server, read(body)?),
        (&Method::PUT, "reserved-dns-labels") => {
            let labels: Vec<String> = read(body)?;
            server.state().change_settings(|settings| settings.reserved_dns_labels = labels);
            settings(server)
        }
        (&Method::PUT, "policies") => {
            let policies: Vec<Policy> = read(body)?;
            server.state().change_settings(|settings| settings.policies = policies);
            settings(server)
        }
        (&Method::GET, "settings") => settings(server),
        _ => Err(ArmError::missing("NotFound", format!("There is no {method} of '{path}'."))),
    }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, ArmError> {
    serde_json::from_value(body).map_err(|error| ArmError::bad("InvalidRequestContent", error.to_string()))
}

fn faults(body: Value) -> Result<Vec<Fault>, ArmError> {
    let faults: Vec<Fault> = read(body)?;
    let is_status = |fault: &Fault| match fault.effect {
        Effect::Status { code, .. } => {
            StatusCode::from_u16(code).is_ok_and(|status| status.is_client_error() || status.is_server_error())
        }
        _ => true,
    };
    match faults.iter().find(|fault| fault.nth == 0 || !is_status(fault)) {
        Some(fault) => Err(ArmError::bad(
            "InvalidRequestContent",
            format!("`nth` counts from 1 and `code` is a 4xx or 5xx status: {}", json!(fault)),
        )),
        None => Ok(faults),
    }
}

fn settings(server: &Server) -> Result<Answer, ArmError> {
    Ok(Answer::ok(json!(server.state().settings())))
}

fn put_quotas(server: &Server, quotas: BTreeMap<String, u64>) -> Result<Answer, ArmError> {
    if let Some(unknown) = quotas.keys().find(|name| !quota::is_known(name)) {
        return Err(ArmError::bad(
            "InvalidRequestContent",
            format!("`{unknown}` is neither a VM family nor `regional`"),
        ));
    }
    let quotas = quotas.into_iter().map(|(name, limit)| (name.to_ascii_lowercase(), limit)).collect();
    server.state().change_settings(|settings| settings.quotas = quotas);
    settings(server)
}

fn status(server: &Server) -> Value {
    let state = server.state();
    let machines: Vec<Value> = state
        .of_kind(Kind::VirtualMachine)
        .map(|vm| {
            json!({
                "id": vm.id.text(),
                "name": vm.id.name,
                "resource_group": vm.id.group,
                "provisioning_state": vm.provisioning.text(),
                "power_state": vm.power,
                "running": server.machines.is_running(&vm.id.key()),
                "console": console_path(vm),
            })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": server.endpoint,
        "uptime_seconds": server.started.elapsed().as_secs(),
        "machines": machines,
        "listeners": server.frontends.bound(),
    })
}
