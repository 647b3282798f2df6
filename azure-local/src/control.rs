//! What the emulator offers beside ARM, under `/azure-local/`: faults, settings, status, journal,
//! prices, consoles.

use axum::http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::arm::error::ArmError;
use crate::arm::kind::Kind;
use crate::compute::{self, gallery, sku};
use crate::fault::Fault;
use crate::machine::PowerState;
use crate::network;
use crate::provider;
use crate::quota;
use crate::server::Server;
use crate::state::resource::Resource;
use crate::state::settings::{GalleryImage, Policy, Settings, SkuRestriction, Subscription};
use crate::subscription;

const PREFIX: &str = "/azure-local/";

/// Whether a path belongs to this module.
pub(crate) fn owns(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Whether this is the path of the price list, which needs no token.
pub(crate) fn is_price_list(path: &str) -> bool {
    path.strip_prefix(PREFIX) == Some("retail/prices")
}

/// Whether this is the path at which the daemon proves who it is, which needs no token: the client has not sent it yet.
pub(crate) fn is_proof(path: &str) -> bool {
    path.strip_prefix(PREFIX) == Some("proof")
}

/// Whether this is the path that suspends every machine.
pub(crate) fn is_suspension(path: &str) -> bool {
    path.strip_prefix(PREFIX) == Some("suspend")
}

/// The path of a VM's serial console, good without a token: its `sig` is random, as in Azure's signed URLs.
pub(crate) fn console_path(vm: &Resource) -> String {
    format!("{PREFIX}machines/{}/{}/console?sig={}", vm.id.group, vm.id.name, vm.unique_id)
}

/// Answers a console's path; `None` for any other. Without the right `sig` it says no more than 404.
pub(crate) fn console(server: &Server, path: &str, signature: Option<&str>) -> Option<Result<Answer, ArmError>> {
    let segments: Vec<&str> = path.strip_prefix(PREFIX)?.split('/').collect();
    let ["machines", group, name, "console"] = segments.as_slice() else {
        return None;
    };
    let is_meant =
        |vm: &&Resource| vm.id.group == *group && vm.id.name == *name && signature == Some(vm.unique_id.as_str());
    let key = server.state().of_kind(Kind::VirtualMachine).find(is_meant).map(|vm| vm.id.key());
    Some(match key {
        Some(key) => Ok(Answer::text(server.machines.console(&key))),
        None => Err(ArmError::missing("BlobNotFound", "The specified blob does not exist.")),
    })
}

/// Answers a control request that carried the token.
pub(crate) fn call(server: &Server, method: &Method, path: &str, body: Value) -> Result<Answer, ArmError> {
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
        (&Method::PUT, name) => put_setting(server, name, body),
        (&Method::GET, "settings") => Ok(settings(server)),
        _ => Err(ArmError::missing("NotFound", format!("There is no {method} of '{path}'."))),
    }
}

fn read<T: DeserializeOwned>(body: Value) -> Result<T, ArmError> {
    serde_json::from_value(body).map_err(|error| ArmError::bad("InvalidRequestContent", error.to_string()))
}

fn faults(body: Value) -> Result<Vec<Fault>, ArmError> {
    let faults: Vec<Fault> = read(body)?;
    for fault in &faults {
        if let Err(reason) = fault.check() {
            return Err(ArmError::bad("InvalidRequestContent", format!("{reason}: {}", json!(fault))));
        }
    }
    Ok(faults)
}

fn settings(server: &Server) -> Answer {
    Answer::ok(json!(server.state().settings()))
}

/// Replaces one of the settings.
fn put_setting(server: &Server, name: &str, body: Value) -> Result<Answer, ArmError> {
    let refused = |reason: String| ArmError::bad("InvalidRequestContent", reason);
    let change: Box<dyn FnOnce(&mut Settings)> = match name {
        "subscriptions" => {
            let subscriptions = subscription::check_setting(read::<Vec<Subscription>>(body)?).map_err(refused)?;
            Box::new(|settings| settings.subscriptions = subscriptions)
        }
        "unregistered-providers" => {
            let providers = provider::check_setting(read(body)?).map_err(refused)?;
            Box::new(|settings| {
                settings.unregistered_providers = providers;
                settings.registering_providers.clear();
            })
        }
        "sku-restrictions" => {
            let restrictions = sku::check_setting(read::<Vec<SkuRestriction>>(body)?).map_err(refused)?;
            Box::new(|settings| settings.sku_restrictions = restrictions)
        }
        "gallery-images" => {
            let images = gallery::check_setting(read::<Vec<GalleryImage>>(body)?).map_err(refused)?;
            Box::new(|settings| settings.gallery_images = images)
        }
        "quotas" => {
            let is_known = |name: &str| compute::usage::is_known(name) || network::usage::is_known(name);
            let quotas = quota::check_setting(read(body)?, is_known).map_err(refused)?;
            Box::new(|settings| settings.quotas = quotas)
        }
        "reserved-dns-labels" => {
            let labels: Vec<String> = read(body)?;
            Box::new(|settings| settings.reserved_dns_labels = labels)
        }
        "policies" => {
            let policies: Vec<Policy> = read(body)?;
            Box::new(|settings| settings.policies = policies)
        }
        _ => return Err(ArmError::missing("NotFound", format!("There is no setting '{name}'."))),
    };
    server.state().change_settings(change);
    Ok(settings(server))
}

fn status(server: &Server) -> Value {
    let state = server.state();
    let has_machines = server.machines.has_machines();
    let power = |vm: &Resource| vm.power.filter(|power| has_machines || *power != PowerState::Running);
    let machines: Vec<Value> = state
        .of_kind(Kind::VirtualMachine)
        .map(|vm| {
            json!({
                "id": vm.id.text(),
                "name": vm.id.name,
                "resource_group": vm.id.group,
                "provisioning_state": vm.provisioning.text(),
                "power_state": power(vm),
                "running": server.machines.is_running(&vm.id.key()),
                "console": console_path(vm),
            })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": server.endpoint,
        "vms": if has_machines { "qemu" } else { "none" },
        "uptime_seconds": server.started.elapsed().as_secs(),
        "machines": machines,
        "listeners": server.frontends.bound(),
    })
}
