//! `destroy`: all that is ours, and nothing else.

use serde_json::json;

use crate::sandbox::{SUBSCRIPTION, Sandbox};

#[test]
fn nobody_to_confirm_means_no() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let before = sandbox.resources("mycluster");
    sandbox
        .run(&["destroy", "mycluster"])
        .demand(2)
        .says(&["removes resource group `mycluster` with its", "--yes` removes without asking"]);
    assert_eq!(sandbox.resources("mycluster"), before);
}

#[test]
fn a_group_of_someone_else_stays_with_what_is_theirs() {
    let sandbox = Sandbox::with_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared");
    let (status, _) = sandbox.request(
        "PUT",
        &format!("{group}?api-version=2021-04-01"),
        Some(&json!({"location": "westeurope", "tags": {"team": "a"}})),
    );
    assert!(status < 300);
    let theirs = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/theirs");
    let (status, answer) =
        sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&json!({"location": "westeurope"})));
    assert!(status < 300, "{answer}");

    let create = ["mycluster", "--local", "--no-wait", "--resource-group", "shared"];
    sandbox.succeed(&create).says(&["exists already and is not ours: it is used, not changed"]);
    let (_, document) = sandbox.request("GET", &format!("{group}?api-version=2021-04-01"), None);
    assert_eq!(document["tags"], json!({"team": "a"}));

    sandbox.succeed(&["destroy", "mycluster", "--yes"]).says(&["the resource group stays", "`theirs`"]);
    assert_eq!(sandbox.resources("shared"), [theirs]);
}

#[test]
fn a_stranger_in_our_group_survives() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--data-disk"]);
    let theirs = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/networkSecurityGroups/theirs"
    );
    let body = json!({"location": "westeurope"});
    let (status, answer) = sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert_eq!(sandbox.resources("mycluster"), [theirs]);
}

#[test]
fn someone_elses_resource_with_our_name_is_neither_used_nor_removed() {
    let sandbox = Sandbox::with_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared");
    sandbox.request("PUT", &format!("{group}?api-version=2021-04-01"), Some(&json!({"location": "westeurope"})));
    let theirs = format!("{group}/providers/Microsoft.Network/networkSecurityGroups/mycluster-nsg");
    let body = json!({"location": "westeurope", "tags": {"team": "other"}});
    let (status, answer) = sandbox.request("PUT", &format!("{theirs}?api-version=2024-03-01"), Some(&body));
    assert!(status < 300, "{answer}");
    let create = ["mycluster", "--local", "--no-wait", "--resource-group", "shared"];
    sandbox.clear_journal();
    let parts = ["network security group `mycluster-nsg` exists and is not this cluster's", "choose another NAME"];
    sandbox.run(&create).demand(3).says(&parts);
    assert_eq!(sandbox.writes(), []);
}

#[test]
fn secrets_of_machines_that_are_gone_are_forgotten() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let journal = || std::fs::read_to_string(sandbox.path("azure-local/resources.jsonl")).unwrap();
    let longest = |text: &str| text.lines().map(str::len).max().unwrap_or_default();
    assert!(longest(&journal()) > 8_000, "user-data is kept for machines that may have to start again");
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert!(longest(&journal()) < 8_000);
}

#[test]
fn a_destroy_that_was_refused_goes_on_later() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let effect = json!({"status": {"code": 409, "error": "ScopeLocked", "message": "a lock is held"}});
    sandbox.faults(json!([{"method": "DELETE", "effect": effect}]));
    let ended = sandbox.run(&["destroy", "mycluster", "--yes"]).demand(5);
    ended
        .says(&["cause: ScopeLocked: a lock is held", "`azure-coreos-cluster destroy mycluster` removes what is left"]);
    assert!(sandbox.cluster("mycluster").exists(), "keys stay as long as machines do");
    sandbox.no_faults();
    sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    assert!(!sandbox.cluster("mycluster").exists());
}
