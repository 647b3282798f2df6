//! Every running machine kept on disk with what its memory holds: the daemon's next start lets them go on from there.
//! `http` calls it for `/azure-local/suspend`.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::arm::kind::Kind;
use crate::server::Server;

/// Suspends the machines that run, all at once; which were, and why others were not, as a document. Those go on running.
pub(crate) async fn suspend_all(server: &Server) -> Value {
    let running: Vec<(String, String)> = {
        let state = server.state();
        let machines = state.of_kind(Kind::VirtualMachine).map(|vm| (vm.id.key(), vm.id.name.clone()));
        machines.filter(|(key, _)| server.machines.is_running(key)).collect()
    };
    let mut suspending = JoinSet::new();
    for (key, name) in running {
        let machines = server.machines.clone();
        suspending.spawn(async move { (name, machines.suspend(&key).await) });
    }
    let (mut suspended, mut failed) = (Vec::new(), Vec::new());
    for (name, outcome) in suspending.join_all().await {
        match outcome {
            Ok(()) => suspended.push(name),
            Err(error) => failed.push(json!({ "name": name, "reason": format!("{:#}", anyhow::Error::new(error)) })),
        }
    }
    suspended.sort();
    json!({ "suspended": suspended, "failed": failed })
}
