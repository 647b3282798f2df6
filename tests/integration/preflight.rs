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
    sandbox.run(&CREATE).demand(0).says(&[
        "location: did not check whether there is `westeurope`: Azure lists no region of this subscription",
        "size: did not check `Standard_",
    ]);
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

/// What is fixed once the cluster is made is told while it can still be chosen.
#[test]
fn what_will_be_in_the_way_later_is_told_at_once() {
    let sandbox = Sandbox::with_emulator(&[]);
    let local = ["--local", "--no-wait"];
    let https = "▴ SSH ports: from port 440 there is room for 3 nodes: a node more would need 443, which is the port of \
                 `https`, and --ssh is fixed for good";
    let open =
        "from port 22001 there is room for 3 nodes: a node more would need 22004, which is the port of `tcp-22004`";
    let bridge = "▴ address space: `172.17.0.0/16` of the network overlaps `172.17.0.0/16` of Docker's bridges";
    let pool =
        "`10.0.0.0/8` of the network overlaps `10.200.0.0/14`, which the platform's overlay networks are cut from";
    let cases: [(&str, &[&str], Option<&str>); 6] = [
        ("porta", &["--deis", "--ssh", "440"], Some(https)),
        ("porte", &["--ssh", "22001", "--open", "22004"], Some(open)),
        ("bridge", &["--address-space", "172.17.0.0/16"], Some(bridge)),
        ("pool", &["--address-space", "10.0.0.0/8"], Some(pool)),
        (
            "high",
            &["--ssh", "65500"],
            Some("there is room for 35 nodes: ports end at 65534, so there is none for node 36"),
        ),
        ("ordinary", &["--deis"], None),
    ];
    for (name, flags, expected) in cases {
        for command in [&["plan", name][..], &["preflight", name], &[name]] {
            if command == ["high"] || command == ["pool"] {
                continue;
            }
            let unwaited = if command.len() > 1 { &local[..1] } else { &local[..] };
            let ended = sandbox.run(&[command, unwaited, flags].concat()).demand(0);
            let told = format!("{}{}", ended.stdout, ended.stderr);
            match expected {
                Some(part) => assert_eq!(told.matches(part).count(), 1, "{command:?}: {told}"),
                None => assert!(!told.contains("SSH ports: ") && !told.contains("address space: "), "{told}"),
            }
        }
    }
    // The way out that the refusal names is one.
    for (name, part, way_out) in [
        ("porta", "include 443, which is the port of `https`", &["--deis", "--nohttps"][..]),
        ("porte", "include 22004, which is the port of `tcp-22004`", &["--open", "22104"]),
    ] {
        let grow = [name, "--num-nodes", "4", "--no-wait", "--yes"];
        let refused = sandbox.run(&grow).demand(3);
        refused.says(&[
            part,
            "hint: --ssh stays as the cluster was made with; where port ",
            " is closed, there is room",
        ]);
        sandbox.succeed(&[&grow[..], way_out].concat());
    }
}

/// An existing network's address space is held against what containers use among themselves.
#[test]
fn networks_of_others_are_held_against_dockers_ranges() {
    let sandbox = Sandbox::with_emulator(&[]);
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared");
    let put = |path: String, body: Value| assert!(sandbox.request("PUT", &path, Some(&body)).0 < 300, "{path}");
    put(format!("{group}?api-version=2021-04-01"), json!({"location": "westeurope"}));
    let network = json!({"location": "westeurope", "properties": {
        "addressSpace": {"addressPrefixes": ["172.16.0.0/12"]},
        "subnets": [{"name": "a", "properties": {"addressPrefix": "172.20.0.0/24"}}],
    }});
    put(format!("{group}/providers/Microsoft.Network/virtualNetworks/hub?api-version=2024-03-01"), network);
    let network = ["--virtual-network-name", "shared/hub", "--subnet-names", "a"];
    let ended = sandbox.run(&[&["preflight", "mycluster", "--local"], &network[..]].concat()).demand(0);
    for part in [
        "▴ address space: `172.16.0.0/12` of the network overlaps `172.17.0.0/16` of Docker's bridges: containers reach no",
        "overlaps `172.18.0.0/16` of Docker's bridges",
    ] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
}
