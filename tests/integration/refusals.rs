//! Wrong input: a clear error, the right exit code, nothing written anywhere.

use serde_json::json;

use crate::sandbox::{SUBSCRIPTION, Sandbox, fixture};

#[test]
fn mistakes_are_named_with_their_origin_before_the_first_write() {
    let sandbox = Sandbox::with_emulator(&[]);
    for name in ["ecdsa.pub", "rsa-1024.pub", "old-cloud-config.yaml", "large-cloud-config.yaml"] {
        std::fs::write(sandbox.path(name), fixture(name)).unwrap();
    }
    for (arguments, status, parts) in [
        (
            vec!["My_Cluster"],
            3,
            vec!["error: `NAME`: cluster name `My_Cluster` has `M`; only a-z, 0-9 and `-` are allowed"],
        ),
        (
            vec!["ok1", "--resource-group", "a/b"],
            3,
            vec!["error: `--resource-group`: resource group name `a/b` has `/`"],
        ),
        (
            vec!["ok1", "--num-nodes", "2"],
            3,
            vec!["must be at least 3, found 2: etcd stays available", "hint: add `--allow-small`"],
        ),
        (vec!["ok1", "--num-nodes", "many"], 3, vec!["error: `--num-nodes`: must be 1 to 1000, found many"]),
        (
            vec!["ok1", "--ssh-key", "ecdsa.pub"],
            3,
            vec!["Azure refuses keys of type `ecdsa-sha2-nistp256`", "hint: ssh-keygen -t ed25519"],
        ),
        (vec!["ok1", "--ssh-key", "rsa-1024.pub"], 3, vec!["the RSA key has 1024 bits; Azure asks for at least 2048"]),
        (vec!["ok1", "--ssh-key", "missing.pub"], 3, vec!["error: `--ssh-cert`: reading `missing.pub`: No such file"]),
        (
            vec!["ok1", "--custom-data", "missing.yaml"],
            3,
            vec!["error: `--custom-data`: reading `missing.yaml`: No such file"],
        ),
        (
            vec!["ok1", "--custom-data", "old-cloud-config.yaml"],
            3,
            vec![
                "error: `old-cloud-config.yaml` line 4: `coreos.update.reboot-strategy`: is ignored",
                "hint: write `reboot_strategy`",
            ],
        ),
        (
            vec!["ok1", "--custom-data", "large-cloud-config.yaml"],
            3,
            vec!["65535 is the most Azure takes; largest parts: `/opt/large`"],
        ),
        (
            vec!["ok1", "--coreos-image", "kinvolk:flatcar-container-linux-corevm-amd64:stable-gen2:0.0.1"],
            5,
            vec!["does not exist in `westeurope`", "hint: az vm image list --all --publisher kinvolk"],
        ),
        (
            vec!["ok1", "--coreos-image", "flatcar:nightly"],
            3,
            vec!["error: `--coreos-image`: image `flatcar:nightly` is neither `flatcar[:stable|"],
        ),
        (vec!["ok1", "--ssh", "65533"], 3, vec!["3 nodes need ports 65533 to 65535; ports end at 65534"]),
        (
            vec!["microsoft-x"],
            3,
            vec!["error: `NAME`: cluster name `microsoft-x` has `microsoft` in it, which Azure keeps"],
        ),
        (vec!["login-x"], 3, vec!["begins with `login`, which Azure keeps for itself (error ReservedResourceName)"]),
        (
            vec!["ok1", "--virtual-network-name", "shared/../hub", "--subnet-names", "a"],
            3,
            vec!["virtual network `shared/../hub` is neither NAME, GROUP/NAME nor a network's id"],
        ),
        (
            vec!["ok1", "--ssh", "2221", "--deis"],
            3,
            vec!["include 2222, which is the port of `builder`", "hint: choose another --ssh, such as 22001"],
        ),
        (vec!["-x"], 2, vec!["unexpected argument '-x'"]),
        (
            vec!["X", "--num-nodes", "1", "--ssh-key", "ecdsa.pub", "--vm-size", "Large", "--data-disk", "1"],
            3,
            vec!["`NAME`: ", "`--num-nodes`: ", "`--ssh-cert`: ", "`--vm-size`: ", "`--data-disk`: "],
        ),
    ] {
        sandbox.run(&[&arguments[..], &["--local", "--no-wait"]].concat()).demand(status).says(&parts);
        assert_eq!(sandbox.writes(), [], "{arguments:?}");
        let left = std::fs::read_dir(sandbox.path("state/azure-coreos-cluster")).into_iter().flatten().count();
        assert_eq!(left, 0, "{arguments:?} left a file");
    }
}

#[test]
fn without_credentials_nothing_is_tried() {
    let sandbox = Sandbox::without_emulator();
    let nowhere = [("PATH", "/nowhere")];
    let ended = sandbox.run_with(&["mycluster"], &nowhere);
    ended.demand(4).says(&["error: choosing a subscription", "az not found on PATH", "hint: az login", "--local"]);
    let ended = sandbox.run_with(&["mycluster", "--subscription", SUBSCRIPTION], &nowhere);
    ended.demand(4).says(&[
        &format!("error: reading subscription `{SUBSCRIPTION}`"),
        "hint: az login",
        "there is no credential but: developer tools",
    ]);
    let half = [("AZURE_CLIENT_SECRET", "x")];
    let ended = sandbox.run_with(&["mycluster", "--subscription", SUBSCRIPTION], &half);
    ended.demand(4).says(&["AZURE_CLIENT_SECRET is given, but no tenant: --tenant or AZURE_TENANT_ID"]);
    assert!(!sandbox.path("state").exists());
}

#[test]
fn azures_refusals_keep_their_words_and_what_was_made() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--skip-preflight"];

    sandbox.request("PUT", "/azure-local/reserved-dns-labels", Some(&json!(["mycluster"])));
    sandbox.run(&create).demand(5).says(&[
        "creating public IP address `mycluster-ip`\ncause: DnsRecordInUse: ",
        "request id: ",
        "choose another NAME",
    ]);
    sandbox.request("PUT", "/azure-local/reserved-dns-labels", Some(&json!([])));

    let policy = json!([{"type": "Microsoft.Network/loadBalancers", "message": "no load balancers here"}]);
    sandbox.request("PUT", "/azure-local/policies", Some(&policy));
    let ended = sandbox.run(&create).demand(5);
    ended.says(&[
        "cause: RequestDisallowedByPolicy: ",
        "no load balancers here",
        "request id: ",
        "what was made stays",
    ]);
    sandbox.request("PUT", "/azure-local/policies", Some(&json!([])));

    sandbox.request("PUT", "/azure-local/quotas", Some(&json!({"standardDASv5Family": 4})));
    let ended = sandbox.run(&create).demand(5);
    ended.says(&["cause: OperationNotAllowed: ", "quota", "request id: ", "hint: ask for more quota"]);
    let machines = || sandbox.resources("mycluster").iter().filter(|id| id.contains("/virtualMachines/")).count();
    assert_eq!(machines(), 2, "what fits the quota is made and stays");
    sandbox.request("PUT", "/azure-local/quotas", Some(&json!({"standardDASv5Family": 100})));
    sandbox.succeed(&create);
    assert_eq!(machines(), 3);
}

#[test]
fn a_place_for_events_that_cannot_be_opened_is_a_matter_of_usage() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--events", "missing/events.jsonl"];
    sandbox.run(&create).demand(2).says(&["`--events`: opening `missing/events.jsonl` for events: No such file"]);
    assert_eq!(sandbox.writes(), []);
}

#[test]
fn unknown_clusters_are_named_with_the_known_ones() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    for command in ["status", "destroy"] {
        sandbox.run(&[command, "other"]).demand(3).says(&["no cluster `other` is known", "these are: mycluster"]);
    }
    sandbox
        .platformctl(&["machines", "--cluster", "other"])
        .demand(3)
        .says(&["no cluster `other` is known", "these are: mycluster"]);
}

#[test]
fn what_is_settled_cannot_be_changed_by_a_flag() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--num-nodes", "4"]);
    sandbox.clear_journal();
    let again = ["mycluster", "--no-wait", "--num-nodes", "3", "--location", "eastus", "--resource-group", "other"];
    sandbox.run(&again).demand(3).says(&[
        "`--num-nodes`: the cluster has 4 nodes, and creating takes none away (3 asked)",
        "`--location`: the cluster's location is `westeurope` and cannot become `eastus`",
        "`--resource-group`: the cluster's resource group is `mycluster` and cannot become `other`",
    ]);
    assert_eq!(sandbox.writes(), []);
}

#[test]
fn what_a_failed_first_run_settled_binds_only_as_far_as_something_depends_on_it() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = |more: &[&str]| sandbox.run(&[&["mycluster", "--local", "--no-wait"], more].concat());
    let refuse = |resource_type: &str| {
        let effect = json!({"status": {"code": 400, "error": "InvalidParameter", "message": "no such value"}});
        sandbox.faults(json!([{"method": "PUT", "type": resource_type, "times": 100, "effect": effect}]));
    };
    // Nothing was made.
    refuse("Microsoft.Resources/resourceGroups");
    create(&["--location", "northeurope", "--ssh", "3000"]).demand(5);
    sandbox.no_faults();
    // Resources, but no machine.
    refuse("Microsoft.Network/loadBalancers");
    create(&["--ssh", "4000", "--data-disk", "--num-nodes", "5", "--address-space", "10.64.0.0/16"])
        .demand(5)
        .says(&["no such value"]);
    sandbox.no_faults();
    let again = create(&["--location", "northeurope", "--ssh", "5000"]).demand(3);
    again.says(&["the cluster's location is `westeurope` and cannot become `northeurope`"]);
    // Interfaces, and nothing that hangs on them.
    refuse("Microsoft.Compute/virtualMachines");
    create(&["--num-nodes", "5", "--vm-name-prefix", "node"])
        .demand(5)
        .says(&["no machine was made; the 5 network interfaces for them were removed again"]);
    sandbox.no_faults();
    let made = create(&[
        "--ssh",
        "5000",
        "--num-nodes",
        "3",
        "--address-space",
        "10.32.0.0/16",
        "--vm-name-prefix",
        "coreos",
        "-o",
        "json",
    ])
    .demand(0)
    .json();
    assert_eq!(made["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(sandbox.resources("mycluster").iter().filter(|id| id.contains("/networkInterfaces/")).count(), 3);
    let mut ports: Vec<u64> =
        made["nodes"].as_array().unwrap().iter().map(|node| node["ssh"]["port"].as_u64().unwrap()).collect();
    ports.sort_unstable();
    assert_eq!(ports, [5000, 5001, 5002]);
    // Keys name the address that the node has.
    let keys = std::fs::read_to_string(sandbox.cluster("mycluster").join("nodes/mycluster-coreos-0.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let certificate =
        openssl::x509::X509::from_pem(keys["member"]["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let names = certificate.subject_alt_names().unwrap();
    assert!(names.iter().any(|name| name.ipaddress() == Some(&[10, 32, 0, 4])));
    // Machines.
    create(&["--ssh", "6000"]).demand(3).says(&["the cluster's first SSH port is `5000` and cannot become `6000`"]);
    create(&[]).demand(0).says(&["plan: nothing to do"]);
}
