//! Every finding of a preflight, provoked one by one and together, and what is done about what can be mended.

use serde_json::{Value, json};

use crate::sandbox::{SUBSCRIPTION, Sandbox};

const CREATE: [&str; 3] = ["mycluster", "--local", "--no-wait"];

fn set(sandbox: &Sandbox, knob: &str, value: Value) {
    let (status, answer) = sandbox.request("PUT", &format!("/azure-local/{knob}"), Some(&value));
    assert!(status < 300, "{knob}: {status} {answer}");
}

#[test]
fn nothing_is_written_when_azure_would_refuse() {
    let sandbox = Sandbox::with_emulator(&[]);
    let plan = "kinvolk:flatcar-container-linux-free:stable-gen2:latest";
    // A knob, what it is set to and back to, further flags, and what is said.
    type Case<'a> = (&'a str, Value, Value, &'a [&'a str], &'a [&'a str]);
    let gone = "flatcar:stable:0.0.1";
    let far = json!([{"resource_group": "images", "gallery": "shared", "image": "far", "versions": ["1.0.0"], "locations": ["northeurope"]}]);
    let far_image = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/images/providers/Microsoft.Compute/galleries/shared/images/far"
    );
    let group = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/proximityPlacementGroups/near"
    );
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/x"
    );
    let cases: [Case; 16] = [
        ("quotas", json!({"cores": 5}), json!({}), &[], &["quota: 6 vCPUs of the region are needed, 5 are left"]),
        (
            "quotas",
            json!({"standardDASv5Family": 4}),
            json!({}),
            &[],
            &["quota: 6 vCPUs of `standardDASv5Family` are needed, 4 are left (0 of 4 in use)", "hint: ask for more"],
        ),
        (
            "quotas",
            json!({"StandardSkuPublicIpAddresses": 2}),
            json!({}),
            &["--pip"],
            &["quota: 4 public IP addresses of the region are needed, 2 are left"],
        ),
        (
            "sku-restrictions",
            json!([{"size": "Standard_D2as_v5", "location": "westeurope"}]),
            json!([]),
            &[],
            &["size: `Standard_D2as_v5` is not available to this subscription in `westeurope`"],
        ),
        (
            "sku-restrictions",
            json!([{"size": "Standard_D2as_v5", "location": "westeurope", "zones": ["2"]}]),
            json!([]),
            &["--zones", "1,2"],
            &["size: `Standard_D2as_v5` is not available to this subscription in zone 2 of `westeurope`"],
        ),
        (
            "reserved-dns-labels",
            json!(["mycluster"]),
            json!([]),
            &[],
            &["DNS label: `mycluster.westeurope.cloudapp.azure.com` is taken", "hint: choose another NAME"],
        ),
        (
            "subscriptions",
            json!([{"id": SUBSCRIPTION, "display_name": "Production", "state": "Disabled"}]),
            json!([{"id": SUBSCRIPTION}]),
            &[],
            &["subscription: `Production` is `Disabled`"],
        ),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--vm-size", "Standard_D2a_v5"],
            &["size: `Standard_D2a_v5` does not exist"],
        ),
        (
            "quotas",
            json!({"PublicIPAddresses": 1, "PremiumDiskCount": 2, "StandardSkuLoadBalancers": 0}),
            json!({}),
            &["--pip", "--data-disk", "10"],
            &[
                "quota: 4 public IP addresses of the region are needed, 1 are left",
                "quota: 6 premium disks of the region are needed, 2 are left",
                "quota: 1 load balancers of the region are needed, 0 are left",
            ],
        ),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--location", "westeurop", "--vm-size", "Standard_D2a_v5"],
            &["location: `westeurop` is no region of this subscription", "hint: did you mean `--location westeurope`?"],
        ),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--coreos-image", gone, "--vm-size", "Standard_D2a_v5"],
            &["image: `flatcar:stable:0.0.1` does not exist in `westeurope`", "size: `Standard_D2a_v5` does not exist"],
        ),
        (
            "gallery-images",
            far,
            json!([]),
            &["--coreos-image", &far_image],
            &["/images/far` does not exist in `westeurope`", "hint: az image list"],
        ),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--vm-size", "Standard_B1s", "--accelerated-networking"],
            &["size: `Standard_B1s` takes no accelerated networking"],
        ),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--proximity", &group],
            &["placement group: `/subscriptions", "does not exist", "hint: az ppg list"],
        ),
        ("quotas", json!({}), json!({}), &["--identity", &identity], &["identity: `/subscriptions", "does not exist"]),
        (
            "quotas",
            json!({}),
            json!({}),
            &["--coreos-image", plan],
            &[
                "terms: stable-gen2 of `flatcar-container-linux-free` has terms that nobody",
                "hint: read them, then add --accept-terms",
            ],
        ),
    ];
    for (knob, provoked, usual, more, parts) in cases {
        set(&sandbox, knob, provoked);
        for command in [&["preflight"][..], &[]] {
            let ended = sandbox.run(&[command, &CREATE[..command_length(command)], more].concat()).demand(5);
            ended.says(parts);
        }
        set(&sandbox, knob, usual);
        assert_eq!(sandbox.writes(), [], "{knob} {parts:?}");
    }
}

/// `preflight` knows no `--no-wait`.
fn command_length(command: &[&str]) -> usize {
    if command.is_empty() { CREATE.len() } else { CREATE.len() - 1 }
}

#[test]
fn all_findings_are_told_at_once() {
    let sandbox = Sandbox::with_emulator(&[]);
    set(&sandbox, "quotas", json!({"cores": 1}));
    set(&sandbox, "reserved-dns-labels", json!(["mycluster"]));
    let restriction = json!([{"size": "Standard_D2as_v5", "location": "westeurope"}]);
    set(&sandbox, "sku-restrictions", restriction);
    let ended = sandbox.run(&["preflight", "mycluster", "--local", "-o", "json"]).demand(5);
    let report = ended.json();
    let checks: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    for check in ["size", "quota", "DNS label", "SSH"] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    assert!(report["estimate"]["per_month"].as_f64().is_some_and(|price| price > 0.0), "{report}");
    ended.says(&["error: size: ", "error: quota: ", "error: DNS label: "]);
    // Who does not want to be asked is told by Azure itself, later and one by one.
    let skipped = sandbox.run(&[&CREATE[..], &["--skip-preflight"]].concat()).demand(5);
    skipped.says(&["cause: DnsRecordInUse: "]);
}

#[test]
fn what_can_be_mended_is_mended() {
    let sandbox = Sandbox::with_emulator(&[]);
    set(&sandbox, "unregistered-providers", json!(["Microsoft.Compute", "Microsoft.Network"]));
    let asked = sandbox.run(&["preflight", "mycluster", "--local"]).demand(0);
    assert!(
        asked.stdout.contains("provider Microsoft.Compute: not registered; creation registers it"),
        "{}",
        asked.stdout
    );
    assert_eq!(sandbox.writes(), []);
    let image = ["--coreos-image", "kinvolk:flatcar-container-linux-free:stable-gen2:latest", "--accept-terms"];
    sandbox.run(&[&CREATE[..], &image].concat()).demand(0).says(&[
        "provider Microsoft.Network: registering",
        "terms of flatcar-container-linux-free: accepted for this subscription",
    ]);
    // The plan stays with the cluster: a later machine names it too.
    sandbox.run(&[&CREATE[..], &["--num-nodes", "4"]].concat()).demand(0);
    let path = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Compute/virtualMachines/mycluster-coreos-3?api-version=2024-07-01"
    );
    let (_, machine) = sandbox.request("GET", &path, None);
    assert_eq!(machine["plan"]["product"], "flatcar-container-linux-free");
}

#[test]
fn who_may_not_read_a_subscription_is_not_kept_from_creating() {
    let sandbox = Sandbox::with_emulator(&[]);
    let refused = |kind: &str| json!({"method": "GET", "type": kind, "nth": 1, "effect": {"status": {"code": 403, "error": "AuthorizationFailed", "message": "not yours"}}});
    let faults: Vec<Value> = [
        "Microsoft.Compute/skus",
        "Microsoft.Compute/locations/usages",
        "Microsoft.Network/locations/usages",
        "Microsoft.Network/locations/CheckDnsNameAvailability",
        "locations",
        "providers",
    ]
    .map(refused)
    .to_vec();
    let (status, answer) = sandbox.request("POST", "/azure-local/faults", Some(&json!(faults)));
    assert!(status < 300, "{answer}");
    sandbox.succeed(&CREATE);
}

#[test]
fn who_is_signed_in_is_told() {
    let sandbox = Sandbox::with_emulator(&[]);
    let shown = sandbox.run(&["whoami", "--local", "-o", "json"]).demand(0).json();
    assert_eq!(shown["subscription"], SUBSCRIPTION);
    assert_eq!(shown["credential"], "the local emulator's token");
    let wrong = sandbox.run(&["whoami", "--azure-cert", "none.pem", "--tenant", "t", "--client-id", "c"]).demand(3);
    wrong.says(&[
        "`--tenant`: tenant `t` is not an id",
        "`--client-id`: client `c` is not an id",
        "`--azure-cert`: `none.pem`: No such file",
        "hint: azure-coreos-cluster mgmt-cert makes one",
    ]);
}
