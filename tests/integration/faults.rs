//! Each step of the plan goes wrong in each way, once: the run says so or copes, and the next run ends with the same
//! resources as an undisturbed one, none of them made twice.

use serde_json::{Value, json};

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
    let other = [&CREATE[..], &["--ntp-server", "192.0.2.1", "--yes"]].concat();
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

/// What a captive portal, a broken proxy or a cache sends in the place of Azure's answer.
fn strange_answers() -> Vec<Value> {
    let bodies = ["html", "empty", "empty_list", "cut_short", "other_resource"];
    let mut answers: Vec<Value> = bodies.iter().map(|body| json!({"body": body})).collect();
    answers.push(json!({"body": "empty", "status": 204}));
    answers.push(json!({"body": "html", "status": 302, "location": "http://192.0.2.1/sign-in"}));
    answers.push(json!({"body": "html", "status": 404}));
    answers
}

/// How often each fault has acted or could have.
fn seen(sandbox: &Sandbox) -> Vec<u64> {
    let (_, faults) = sandbox.request("GET", "/azure-local/faults", None);
    faults.as_array().unwrap().iter().map(|fault| fault["seen"].as_u64().unwrap()).collect()
}

#[test]
fn an_answer_that_is_not_azures_is_asked_again() {
    let sandbox = Sandbox::with_emulator(&[]);
    let expected = undisturbed();
    for (turn, answer) in strange_answers().into_iter().enumerate() {
        // In turn, what was asked for is done all the same, or not.
        let mut effect = answer.clone();
        effect["after_effect"] = json!(turn % 2 == 0);
        let fault = |method: &str, kind: &str, name: &str| json!({"method": method, "type": kind, "name": name, "effect": {"answer_replaced": effect}});
        let both = STEPS.iter().flat_map(|(kind, name)| [fault("PUT", kind, name), fault("GET", kind, name)]);
        sandbox.faults(json!(both.collect::<Vec<_>>()));
        sandbox.succeed(&CREATE);
        assert_eq!(sandbox.resources("mycluster"), expected, "{effect}");
        // Without a group, nothing in it is asked for.
        let seen = seen(&sandbox);
        assert!(seen.iter().step_by(2).all(|count| *count > 0) && seen[1] > 0, "{effect}: {seen:?}");
        sandbox.no_faults();
        sandbox.succeed(&["destroy", "mycluster", "--yes"]);
        assert_eq!(sandbox.resources("mycluster"), Vec::<String>::new(), "{effect}");
    }
}

#[test]
fn an_answer_that_is_never_azures_ends_the_run_and_the_next_one_goes_on() {
    let sandbox = Sandbox::with_emulator(&[]);
    let expected = undisturbed();
    for answer in strange_answers() {
        for (method, kind) in [
            ("GET", "Microsoft.Resources/resourceGroups"),
            ("PUT", "Microsoft.Network/publicIPAddresses"),
            ("GET", "Microsoft.Network/publicIPAddresses"),
            ("PUT", "Microsoft.Compute/virtualMachines"),
        ] {
            let fault = json!({"method": method, "type": kind, "times": 1000, "effect": {"answer_replaced": answer}});
            sandbox.faults(json!([fault]));
            let ended = sandbox.run(&CREATE).demand(6);
            let ended =
                ended.says(&["cause: the answer is not Azure Resource Manager's: HTTP status ", "request id: "]);
            assert!(!ended.stdout.contains("mycluster"), "{method} {kind} {answer}: {}", ended.stdout);
            assert!(seen(&sandbox)[0] >= 2, "{method} {kind} {answer}");
            sandbox.no_faults();
        }
        sandbox.succeed(&CREATE);
        assert_eq!(sandbox.resources("mycluster"), expected, "{answer}");
        sandbox.succeed(&["destroy", "mycluster", "--yes"]);
    }
}

#[test]
fn bodies_and_silences_without_an_end_have_one() {
    let sandbox = Sandbox::with_emulator(&[]);
    let faults: Vec<Value> = [
        ("GET", STEPS[0], json!("silent_before")),
        ("PUT", STEPS[1], json!("silent_before")),
        ("PUT", STEPS[2], json!("silent_after")),
        ("PUT", STEPS[4], json!({"answer_replaced": {"body": "endless"}})),
        ("PUT", STEPS[5], json!({"answer_replaced": {"body": "trickle", "after_effect": true}})),
    ]
    .map(|(method, (kind, name), effect)| json!({"method": method, "type": kind, "name": name, "effect": effect}))
    .to_vec();
    sandbox.faults(json!(faults));
    // Each silence is told, and the request is sent again.
    sandbox.run_with(&CREATE, &[("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "3")]).demand(0);
    assert!(seen(&sandbox).iter().all(|count| *count > 0), "{:?}", seen(&sandbox));
    sandbox.no_faults();
    assert_eq!(sandbox.resources("mycluster"), undisturbed());
}

#[test]
fn an_operation_is_followed_on_azures_own_host_only() {
    let sandbox = Sandbox::with_emulator(&["--latency", "azure", "--time-scale", "0.05"]);
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let origin = format!("http://{}", elsewhere.local_addr().unwrap());
    sandbox
        .faults(json!([{"method": "PUT", "type": "Microsoft.Network/loadBalancers", "effect": {"polled_at": origin}}]));
    sandbox.run(&CREATE).demand(6).says(&["which is no host of Azure Resource Manager's; nothing was sent there"]);
    assert!(elsewhere.accept().is_err(), "somebody else was asked");
    sandbox.no_faults();
    sandbox.succeed(&CREATE);
    assert_eq!(sandbox.resources("mycluster"), undisturbed());
}

#[test]
fn a_wait_without_bound_is_told_at_once() {
    let sandbox = Sandbox::with_emulator(&[]);
    let effect = json!({"status": {"code": 429, "error": "TooManyRequests", "message": "the day is used up", "retry_after_seconds": 86400}});
    sandbox.faults(json!([{"effect": effect}]));
    sandbox.run(&CREATE).demand(5).says(&[
        "cause: TooManyRequests: the day is used up; Azure asks to come back at ",
        "(in 86400 s), and a request is tried for 300 s",
    ]);
    // One that is to be borne is waited for, and told.
    let effect = json!({"status": {"code": 429, "error": "TooManyRequests", "message": "the minute is used up", "retry_after_seconds": 16}});
    sandbox.faults(json!([{"method": "PUT", "effect": effect}]));
    let expected = "Azure says TooManyRequests: the minute is used up; trying again at ";
    sandbox.succeed(&CREATE).says(&["▴ creating resource group `mycluster`: ", expected]);
}
