//! Each step of the plan goes wrong in each way, once: the run says so or copes, and the next run ends with the same
//! resources as an undisturbed one, none of them made twice.

use serde_json::json;

use crate::sandbox::Sandbox;

const CREATE: [&str; 3] = ["mycluster", "--local", "--no-wait"];

/// Type and name of every resource that is written.
const STEPS: [(&str, &str); 12] = [
    ("Microsoft.Resources/resourceGroups", "mycluster"),
    ("Microsoft.Network/networkSecurityGroups", "mycluster-nsg"),
    ("Microsoft.Network/publicIPAddresses", "mycluster-ip"),
    ("Microsoft.Compute/availabilitySets", "mycluster-as"),
    ("Microsoft.Network/virtualNetworks", "mycluster-vnet"),
    ("Microsoft.Network/loadBalancers", "mycluster-lb"),
    ("Microsoft.Network/networkInterfaces", "mycluster-coreos-0-nic"),
    ("Microsoft.Network/networkInterfaces", "mycluster-coreos-1-nic"),
    ("Microsoft.Network/networkInterfaces", "mycluster-coreos-2-nic"),
    ("Microsoft.Compute/virtualMachines", "mycluster-coreos-0"),
    ("Microsoft.Compute/virtualMachines", "mycluster-coreos-1"),
    ("Microsoft.Compute/virtualMachines", "mycluster-coreos-2"),
];

fn undisturbed() -> Vec<String> {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    sandbox.resources("mycluster")
}

fn each_step(fault: impl Fn(&Sandbox, &str, &str)) {
    let expected = undisturbed();
    for (resource_type, name) in STEPS {
        let sandbox = Sandbox::with_emulator(&[]);
        fault(&sandbox, resource_type, name);
        sandbox.no_faults();
        sandbox.succeed(&CREATE);
        assert_eq!(sandbox.resources("mycluster"), expected, "{name}");
        let made = |status: u64| {
            let of_step = sandbox.writes().into_iter().filter(|(method, path, found)| {
                method == "PUT"
                    && *found == status
                    && path.split('?').next().unwrap_or_default().ends_with(&format!("/{name}"))
            });
            of_step.count()
        };
        assert!(made(201) <= 1, "{name} was created {} times", made(201));
        sandbox.succeed(&["destroy", "mycluster", "--yes"]);
        assert_eq!(sandbox.resources("mycluster"), Vec::<String>::new(), "{name}");
        assert!(!sandbox.cluster("mycluster").exists());
    }
}

#[test]
fn a_refusal_at_any_step_is_reported_and_the_next_run_goes_on() {
    each_step(|sandbox, resource_type, name| {
        let effect = json!({"status": {"code": 409, "error": "QuotaExceeded", "message": "no more of these"}});
        sandbox.faults(json!([{"method": "PUT", "type": resource_type, "name": name, "effect": effect}]));
        sandbox.run(&CREATE).demand(5).says(&[
            &format!("`{name}`\ncause: QuotaExceeded: no more of these\nrequest id: "),
            "hint: ask for more quota",
            "`azure-coreos-cluster mycluster` goes on from here",
        ]);
    });
}

#[test]
fn an_operation_that_fails_is_reported_and_the_next_run_goes_on() {
    each_step(|sandbox, resource_type, name| {
        // These two are made at once: they have no operation that could fail.
        if ["Microsoft.Resources/resourceGroups", "Microsoft.Compute/availabilitySets"].contains(&resource_type) {
            return;
        }
        let effect = json!({"operation_failed": {"code": "InternalServerError", "message": "a rack fell over"}});
        sandbox.faults(json!([{"method": "PUT", "type": resource_type, "name": name, "effect": effect}]));
        let expected = format!("`{name}`\ncause: InternalServerError: a rack fell over");
        sandbox.run(&CREATE).demand(5).says(&[&expected]);
    });
}

#[test]
fn a_lost_request_or_answer_is_no_failure() {
    for effect in ["drop_before", "drop_after"] {
        each_step(|sandbox, resource_type, name| {
            sandbox.faults(json!([{"method": "PUT", "type": resource_type, "name": name, "effect": effect}]));
            sandbox.succeed(&CREATE);
        });
    }
}

#[test]
fn locks_and_throttling_are_waited_for() {
    for (code, error) in [(409, "AnotherOperationInProgress"), (429, "RetryableError"), (503, "ServerBusy")] {
        let sandbox = Sandbox::with_emulator(&[]);
        let effect = json!({"status": {"code": code, "error": error, "message": "later", "retry_after_seconds": 1}});
        sandbox.faults(
            json!([{"method": "PUT", "type": "Microsoft.Network/loadBalancers", "times": 2, "effect": effect}]),
        );
        sandbox.succeed(&CREATE);
    }
}

#[test]
fn a_machine_that_never_boots_is_explained() {
    let sandbox = Sandbox::with_emulator(&[]);
    let machine = "mycluster-coreos-1";
    sandbox.faults(json!([{"method": "PUT", "type": "Microsoft.Compute/virtualMachines", "name": machine, "effect": "never_boots"}]));
    let expected = format!("error: creating virtual machine `{machine}`\ncause: OSProvisioningTimedOut: ");
    sandbox.run(&CREATE).demand(5).says(&[&expected, "azure-coreos-cluster status mycluster"]);
    let status = sandbox.succeed(&["status", "mycluster", "-o", "json"]).json();
    let failed: Vec<&str> = status
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| resource["provisioning_state"] == "Failed")
        .map(|resource| resource["resource"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["virtual machine `mycluster-coreos-1`"]);
    sandbox.no_faults();
    sandbox.succeed(&CREATE).says(&["the last operation on it failed"]);
}

#[test]
fn a_machine_that_failed_is_made_anew_with_other_user_data() {
    let sandbox = Sandbox::with_emulator(&[]);
    let machine = "mycluster-coreos-1";
    sandbox.faults(json!([{"type": "Microsoft.Compute/virtualMachines", "name": machine, "effect": "never_boots"}]));
    sandbox.run(&CREATE).demand(5);
    sandbox.no_faults();
    let other = [&CREATE[..], &["--ntp-server", "192.0.2.1"]].concat();
    sandbox.succeed(&other).says(&["it failed, and its user-data is another one now: deleted and made anew"]);
    assert_eq!(sandbox.resources("mycluster"), undisturbed());
    sandbox.succeed(&CREATE).says(&["plan: nothing to do"]);
}

#[test]
fn a_token_that_expires_on_the_way_is_a_matter_of_signing_in() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.faults(json!([{"method": "PUT", "type": "Microsoft.Network/virtualNetworks", "effect": "expired_token"}]));
    sandbox.run(&CREATE).demand(4).says(&["cause: ExpiredAuthenticationToken"]);
    sandbox.no_faults();
    sandbox.succeed(&CREATE);
}

#[test]
fn one_step_that_fails_does_not_stop_the_others() {
    let sandbox = Sandbox::with_emulator(&[]);
    let effect = json!({"status": {"code": 400, "error": "InvalidParameter", "message": "no"}});
    sandbox.faults(json!([{"method": "PUT", "type": "Microsoft.Compute/virtualMachines", "name": "mycluster-coreos-0", "effect": effect}]));
    sandbox.run(&CREATE).demand(5);
    let machines = sandbox.resources("mycluster").iter().filter(|id| id.contains("/virtualMachines/")).count();
    assert_eq!(machines, 2);
}
