//! DELETE and POST: deletions, power operations, the port mapping of a pool, boot diagnostics, registration, terms.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::arm::document::child;
use crate::arm::error::ArmError;
use crate::arm::id::{ResourceId, key};
use crate::arm::kind::Kind;
use crate::compute::image;
use crate::control;
use crate::http::put::in_progress;
use crate::http::read::{check_group, group_not_found, method_not_allowed, not_found};
use crate::http::route::{Route, Routed};
use crate::machine::PowerState;
use crate::network::nat;
use crate::provider;
use crate::removal;
use crate::server::Server;
use crate::state::State;
use crate::state::operation::{Action, Operation, Twist};
use crate::state::resource::Provisioning;
use crate::work;

/// Deletes a resource: 204 when it is not there, 200 when that took no time, else 202.
pub(super) async fn delete(server: &Arc<Server>, id: &ResourceId, twist: Option<Twist>) -> Result<Answer, ArmError> {
    let operation = {
        let mut state = server.state();
        let Some(stored) = state.get(&id.key()).cloned() else {
            return match id.kind {
                Kind::ResourceGroup => Err(group_not_found(&id.group)),
                _ => Ok(Answer::empty(StatusCode::NO_CONTENT)),
            };
        };
        if let Some(running) = state.running_on(&id.key()).filter(|running| running.action == Action::Delete) {
            return Ok(Answer::empty(StatusCode::ACCEPTED).following(server, running));
        }
        check_not_deleting(&state, id)?;
        if id.kind.is_network()
            && let Some(running) = state.running_on(&id.key())
        {
            return Err(in_progress(id, running));
        }
        removal::check(&state, &stored)?;
        let planned = match id.kind {
            Kind::ResourceGroup => server.latency.group_deletion(heaviest(&state, id)),
            _ => server.latency.duration(Action::Delete, id),
        };
        let mut operation = Operation::new(Action::Delete, &stored.id, stored.location(), planned.as_millis() as u64);
        operation.references = stored.references;
        let blocked = match id.kind {
            Kind::ResourceGroup => removal::blocked(&state, id),
            _ => None,
        };
        let goes = blocked.is_none();
        operation.twist = blocked.map(Twist::Fails).or(twist);
        state.together(|state| {
            if goes {
                removal::preempt(state, id);
            }
            state.update(&id.key(), |resource| resource.provisioning = Provisioning::Deleting);
            state.begin(operation.clone());
        });
        operation
    };
    server.recorder.operation(&operation.id);
    let operation = work::launch(server, operation).await;
    // A resource group's deletion is always followed through its `Location`.
    if id.kind != Kind::ResourceGroup && server.state().get(&id.key()).is_none() {
        return Ok(Answer::empty(StatusCode::OK));
    }
    Ok(Answer::empty(StatusCode::ACCEPTED).following(server, &operation))
}

fn heaviest(state: &State, group: &ResourceId) -> Option<Kind> {
    let kinds: Vec<Kind> = state.in_group(&group.key()).map(|resource| resource.id.kind).collect();
    let is_heavy = |kind: &Kind| matches!(kind, Kind::VirtualMachine | Kind::LoadBalancer);
    kinds.iter().copied().find(is_heavy).or(kinds.iter().copied().max())
}

fn check_not_deleting(state: &State, id: &ResourceId) -> Result<(), ArmError> {
    let is_deleting = state.get(&id.group_key()).is_some_and(|group| group.provisioning == Provisioning::Deleting);
    if is_deleting { Err(removal::group_being_deleted(&id.group)) } else { Ok(()) }
}

/// Answers a POST.
pub(super) async fn post(
    server: &Arc<Server>,
    routed: &Routed,
    body: &Value,
    twist: Option<Twist>,
) -> Result<Answer, ArmError> {
    match &routed.route {
        Route::RegisterProvider(namespace) => {
            provider::register(&mut server.state(), &routed.subscription, namespace).map(Answer::ok)
        }
        Route::QueryPortMapping(id, pool) => query_port_mapping(server, id, pool, body).await,
        Route::Action(id, action) if id.kind == Kind::VirtualMachine => {
            let action = match action.to_ascii_lowercase().as_str() {
                "start" => Action::Start,
                "poweroff" => Action::PowerOff,
                "restart" => Action::Restart,
                "deallocate" => Action::Deallocate,
                "retrievebootdiagnosticsdata" => return boot_diagnostics(server, id),
                _ => return Err(method_not_allowed("POST")),
            };
            power(server, id, action, twist).await
        }
        _ => Err(method_not_allowed("POST")),
    }
}

async fn power(
    server: &Arc<Server>,
    id: &ResourceId,
    action: Action,
    twist: Option<Twist>,
) -> Result<Answer, ArmError> {
    let operation = {
        let mut state = server.state();
        check_group(server, &state, id)?;
        check_not_deleting(&state, id)?;
        let vm = state.get(&id.key()).cloned().ok_or_else(|| not_found(id))?;
        if let Some(running) = state.running_on(&id.key()) {
            return Err(in_progress(id, running));
        }
        // <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/allocation-failure>
        if action == Action::Restart && vm.power != Some(PowerState::Running) {
            return Err(ArmError::conflict(
                "OperationNotAllowed",
                "The operation requires the VM to be running (or set to run).".to_owned(),
            ));
        }
        let planned = server.latency.duration(action, id);
        let mut operation = Operation::new(action, &vm.id, vm.location(), planned.as_millis() as u64);
        operation.twist = twist;
        state.update(&id.key(), |vm| vm.provisioning = Provisioning::Updating);
        state.begin(operation.clone());
        operation
    };
    server.recorder.operation(&operation.id);
    let operation = work::launch(server, operation).await;
    Ok(Answer::empty(StatusCode::ACCEPTED).following(server, &operation))
}

async fn query_port_mapping(
    server: &Arc<Server>,
    id: &ResourceId,
    pool: &str,
    body: &Value,
) -> Result<Answer, ArmError> {
    let operation = {
        let mut state = server.state();
        check_group(server, &state, id)?;
        let balancer = state.get(&id.key()).ok_or_else(|| not_found(id))?;
        if child(&balancer.document, "backendAddressPools", pool).is_none() {
            return Err(ArmError::missing(
                "NotFound",
                format!("Resource {}/backendAddressPools/{pool} not found.", id.text()),
            ));
        }
        let pool_key = key(&format!("{}/backendAddressPools/{pool}", id.text()));
        let result = nat::query(&state, balancer, &pool_key, body)?;
        let planned = server.latency.duration(Action::QueryPortMapping, id);
        let mut operation =
            Operation::new(Action::QueryPortMapping, &balancer.id, balancer.location(), planned.as_millis() as u64);
        operation.result = Some(result);
        state.track(operation.clone());
        operation
    };
    server.recorder.operation(&operation.id);
    let operation = work::launch(server, operation).await;
    Ok(Answer::empty(StatusCode::ACCEPTED).following(server, &operation))
}

fn boot_diagnostics(server: &Server, id: &ResourceId) -> Result<Answer, ArmError> {
    let state = server.state();
    check_group(server, &state, id)?;
    let vm = state.get(&id.key()).ok_or_else(|| not_found(id))?;
    if vm.document.pointer("/properties/diagnosticsProfile/bootDiagnostics/enabled") != Some(&json!(true)) {
        return Err(ArmError::conflict(
            "OperationNotAllowed",
            format!("Boot diagnostics is not enabled for the virtual machine '{}'.", vm.id.name),
        ));
    }
    let url = format!("{}{}", server.endpoint, control::console_path(vm));
    Ok(Answer::ok(json!({ "consoleScreenshotBlobUri": url, "serialConsoleLogBlobUri": url })))
}

/// Accepts or declines a marketplace agreement.
pub(super) fn put_terms(
    server: &Server,
    subscription: &str,
    (publisher, offer, plan): (&str, &str, &str),
    body: &Value,
) -> Result<Answer, ArmError> {
    let mut state = server.state();
    image::terms(&state, subscription, publisher, offer, plan)?;
    let accepted =
        body.pointer("/properties/accepted").and_then(Value::as_bool).ok_or_else(|| ArmError::required("accepted"))?;
    let terms = image::terms_key(subscription, publisher, offer, plan);
    state.change_settings(|settings| {
        settings.accepted_terms.retain(|known| *known != terms);
        if accepted {
            settings.accepted_terms.push(terms);
        }
    });
    image::terms(&state, subscription, publisher, offer, plan).map(Answer::ok)
}
