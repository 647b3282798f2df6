//! Every parameter, from where users write it to the resources as they are stored.

use serde_json::{Value, json};

use crate::sandbox::{SUBSCRIPTION, Sandbox};

fn resource(sandbox: &Sandbox, resource_type: &str, name: &str) -> Value {
    let path = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/{resource_type}/{name}?api-version={}",
        if resource_type.starts_with("Microsoft.Network") { "2024-03-01" } else { "2024-07-01" }
    );
    let (status, document) = sandbox.request("GET", &path, None);
    assert_eq!(status, 200, "{name}: {document}");
    document
}

fn machine(sandbox: &Sandbox, index: u32) -> Value {
    resource(sandbox, "Microsoft.Compute/virtualMachines", &format!("mycluster-coreos-{index}"))
}

fn at<'v>(document: &'v Value, pointer: &str) -> &'v Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

#[test]
fn a_file_an_environment_and_flags_make_one_cluster() {
    let sandbox = Sandbox::with_emulator(&[]);
    let file = "name: mycluster\nnum_nodes: 4\nvm_size: Standard_D4as_v5\nlocation: northeurope\ntags: {team: web}\n";
    std::fs::write(sandbox.path("cluster.yaml"), file).unwrap();
    let environment = [("AZURE_COREOS_CLUSTER_NUM_NODES", "5"), ("AZURE_COREOS_CLUSTER_LOCATION", "uksouth")];
    let arguments = ["-f", "cluster.yaml", "--num-nodes", "3", "--local", "--no-wait"];
    let shown = sandbox.run_with(&[&["config", "show", "-o", "json"], &arguments[..5]].concat(), &environment);
    let shown = shown.demand(0).json();
    let of = |key: &str| shown.as_array().unwrap().iter().find(|one| one["key"] == key).cloned().unwrap();
    for (key, value, origin) in [
        ("num_nodes", json!(3), "--num-nodes"),
        ("location", json!("uksouth"), "AZURE_COREOS_CLUSTER_LOCATION"),
        ("vm_size", json!("Standard_D4as_v5"), "cluster.yaml line 3"),
        ("ssh", json!(22001), "default"),
    ] {
        assert_eq!(of(key), json!({"key": key, "value": value, "origin": origin}));
    }
    sandbox.run_with(&arguments, &environment).demand(0);
    let machine = machine(&sandbox, 2);
    assert_eq!((at(&machine, "/location"), at(&machine, "/tags/team")), (&json!("uksouth"), &json!("web")));
    assert_eq!(at(&machine, "/properties/hardwareProfile/vmSize"), "Standard_D4as_v5");
    // Later runs know the cluster by its name, and what was settled stays.
    let again = sandbox.run(&["mycluster", "--local", "--no-wait"]).demand(0);
    again.says(&["plan: nothing to do"]);
    let moved = sandbox.run(&["mycluster", "--local", "--location", "westeurope"]).demand(3);
    moved.says(&["`--location`: the cluster's location is `uksouth` and cannot become `westeurope`"]);
}

#[test]
fn mistakes_name_the_layer_that_they_come_from() {
    let sandbox = Sandbox::without_emulator();
    std::fs::write(sandbox.path("cluster.yaml"), "name: mycluster\nzones: [1, 5]\nssh_sources: [office]\n").unwrap();
    let environment = [("AZURE_COREOS_CLUSTER_OPEN", "53/udp"), ("AZURE_COREOS_CLUSTER_TAGS", "a/b=c")];
    let ended = sandbox.run_with(&["plan", "-f", "cluster.yaml", "--local", "--os-disk-size", "1"], &environment);
    ended.demand(3).says(&[
        "error: `cluster.yaml` line 2: `zones`: zone `5` is none of 1, 2 and 3",
        "error: `cluster.yaml` line 3: `ssh_sources`: source `office`",
        "error: `AZURE_COREOS_CLUSTER_OPEN`: port `53/udp` is UDP, which nobody can probe",
        "error: `AZURE_COREOS_CLUSTER_TAGS`: tag `a/b=c`: a name must not have `/`",
        "error: `--os-disk-size`: must be 30 to 4095 GiB, found 1",
    ]);
    std::fs::write(sandbox.path("wrong.yaml"), "name: mycluster\nnum_node: 3\ndeis: perhaps\n").unwrap();
    let environment = [("AZURE_COREOS_CLUSTER_VMSIZE", "x")];
    let arguments = ["plan", "-f", "wrong.yaml", "--local", "--os-disk-size", "1"];
    let ended = sandbox.run_with(&arguments, &environment).demand(3);
    ended.says(&[
        "error: `wrong.yaml` line 2: `num_node`: unknown key",
        "hint: did you mean `num_nodes`?",
        "error: `wrong.yaml` line 3: `deis`: must be `true` or `false`",
        "error: `--os-disk-size`: must be 30 to 4095 GiB, found 1",
        "error: `AZURE_COREOS_CLUSTER_VMSIZE`: unknown variable",
        "hint: did you mean `AZURE_COREOS_CLUSTER_VM_SIZE`?",
    ]);
    sandbox
        .run(&["plan", "-f", "none.yaml", "--local"])
        .demand(3)
        .says(&["`--file`: reading `none.yaml`: No such file"]);
    sandbox.run(&["plan", "--local"]).demand(2).says(&["a cluster needs a name"]);
}

#[test]
fn machines_are_as_they_were_asked_for() {
    let sandbox = Sandbox::with_emulator(&[]);
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.ManagedIdentity/userAssignedIdentities/puller"
    );
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/shared?api-version=2021-04-01");
    sandbox.request("PUT", &group, Some(&json!({"location": "westeurope"})));
    let body = json!({"location": "westeurope"});
    let (status, answer) = sandbox.request("PUT", &format!("{identity}?api-version=2023-01-31"), Some(&body));
    assert!(status < 300, "{status} {answer}");
    sandbox.succeed(&[
        "mycluster",
        "--local",
        "--no-wait",
        "--zones=2",
        "--accelerated-networking",
        "--scale-set",
        "--spot",
        "--proximity=close",
        "--identity=system",
        "--identity",
        &identity,
        "--os-disk-size=64",
        "--data-disk=10",
        "--data-disk-count=2",
        "--data-disk-type=StandardSSD_LRS",
        "--pip",
        "--ssh-source=203.0.113.0/24",
        "--ssh-source=198.51.100.7",
        "--address-space=10.64.0.0/24",
        "--open=8080:/health",
        "--open=53/udp:8053",
        "--tag=team=web",
    ]);
    let second = machine(&sandbox, 1);
    let properties = "/properties";
    for (pointer, expected) in [
        ("/zones", json!(["2"])),
        ("/tags/team", json!("web")),
        ("/identity/type", json!("SystemAssigned, UserAssigned")),
        ("/properties/priority", json!("Spot")),
        ("/properties/evictionPolicy", json!("Deallocate")),
        ("/properties/availabilitySet", Value::Null),
        ("/properties/storageProfile/osDisk/diskSizeGB", json!(64)),
        ("/properties/storageProfile/dataDisks/1/lun", json!(1)),
        ("/properties/storageProfile/dataDisks/1/diskSizeGB", json!(10)),
        ("/properties/storageProfile/dataDisks/1/managedDisk/storageAccountType", json!("StandardSSD_LRS")),
    ] {
        assert_eq!(at(&second, pointer), &expected, "{pointer}");
    }
    let is_in = |key: &str, kind: &str| {
        let id = at(&second, &format!("{properties}/{key}/id")).as_str().unwrap_or_default().to_owned();
        assert!(id.contains(kind), "{key}: {id}");
    };
    is_in("virtualMachineScaleSet", "/virtualMachineScaleSets/mycluster-vmss");
    is_in("proximityPlacementGroup", "/proximityPlacementGroups/close");
    assert!(second["identity"]["userAssignedIdentities"].as_object().unwrap().keys().any(|id| id.contains("puller")));

    let interface = resource(&sandbox, "Microsoft.Network/networkInterfaces", "mycluster-coreos-1-nic");
    assert_eq!(at(&interface, "/properties/ipConfigurations/0/properties/privateIPAddress"), "10.64.0.5");
    assert_eq!(at(&interface, "/properties/enableAcceleratedNetworking"), &json!(true));
    let address = resource(&sandbox, "Microsoft.Network/publicIPAddresses", "mycluster-coreos-1-ip");
    assert_eq!(at(&address, "/properties/dnsSettings/domainNameLabel"), "mycluster-coreos-1");
    assert_eq!(at(&address, "/zones"), &json!(["2"]));
    let rules = resource(&sandbox, "Microsoft.Network/networkSecurityGroups", "mycluster-nsg");
    let rule = |name: &str| {
        let rules = at(&rules, "/properties/securityRules").as_array().unwrap();
        rules.iter().find(|rule| rule["name"] == name).unwrap()["properties"].clone()
    };
    assert_eq!(rule("ssh")["sourceAddressPrefixes"], json!(["203.0.113.0/24", "198.51.100.7/32"]));
    assert_eq!((&rule("udp-53")["protocol"], &rule("udp-53")["destinationPortRange"]), (&json!("Udp"), &json!("53")));
    let balancer = resource(&sandbox, "Microsoft.Network/loadBalancers", "mycluster-lb");
    let probes = at(&balancer, "/properties/probes").as_array().unwrap();
    let probe = |name: &str| probes.iter().find(|probe| probe["name"] == name).unwrap()["properties"].clone();
    assert_eq!((&probe("tcp-8080")["requestPath"], &probe("udp-53")["port"]), (&json!("/health"), &json!(8053)));

    sandbox.run(&["mycluster", "--local", "--no-wait"]).demand(0).says(&["plan: nothing to do"]);
    sandbox.run(&["destroy", "mycluster", "--yes", "--local"]).demand(0);
    let (status, _) = sandbox.request("GET", &format!("{identity}?api-version=2023-01-31"), None);
    assert_eq!(status, 200, "what was not ours stays");
}

#[test]
fn an_address_is_in_one_zone_or_in_all() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--zones=1,3"];
    sandbox.succeed(&create);
    let address = resource(&sandbox, "Microsoft.Network/publicIPAddresses", "mycluster-ip");
    assert_eq!(at(&address, "/zones"), &json!(["1", "2", "3"]));
    sandbox.succeed(&create).says(&["plan: nothing to do"]);
    let other = sandbox.run(&["mycluster", "--local", "--no-wait", "--zones=1"]).demand(3);
    other.says(&["error: `--zones`: the cluster's way of keeping machines apart is"]);
}

#[test]
fn a_machine_that_failed_is_made_anew_in_another_size() {
    let sandbox = Sandbox::with_emulator(&[]);
    let failure = json!({"operation_failed": {"code": "AllocationFailed", "message": "no room"}});
    let fault = json!([{"method": "PUT", "type": "Microsoft.Compute/virtualMachines", "effect": failure}]);
    sandbox.faults(fault);
    sandbox
        .run(&["mycluster", "--local", "--no-wait"])
        .demand(5)
        .says(&["AllocationFailed: no room", "another --vm-size"]);
    sandbox.no_faults();
    let create = ["mycluster", "--local", "--no-wait", "--vm-size", "Standard_D4as_v5"];
    sandbox
        .run(&create)
        .demand(2)
        .says(&["it failed, and its size is another one now: deleted and made anew", "--yes"]);
    sandbox.succeed(&[&create[..], &["--yes"]].concat());
    let sizes: Vec<Value> =
        (0..3).map(|index| at(&machine(&sandbox, index), "/properties/hardwareProfile/vmSize").clone()).collect();
    assert!(sizes.contains(&json!("Standard_D4as_v5")), "{sizes:?}");
}

#[test]
fn users_rules_keep_their_priorities() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--deis"]);
    let mut group = resource(&sandbox, "Microsoft.Network/networkSecurityGroups", "mycluster-nsg");
    let mut office = group["properties"]["securityRules"][0].clone();
    office["name"] = json!("office");
    office["properties"]["priority"] = json!(150);
    group["properties"]["securityRules"].as_array_mut().unwrap().push(office);
    let path = format!("{}?api-version=2024-03-01", group["id"].as_str().unwrap());
    let (status, answer) = sandbox.request("PUT", &path, Some(&group));
    assert_eq!(status, 200, "{answer}");
    let open = ["mycluster", "--local", "--no-wait", "--open", "9000"];
    sandbox.succeed(&open);
    let group = resource(&sandbox, "Microsoft.Network/networkSecurityGroups", "mycluster-nsg");
    let rules = group["properties"]["securityRules"].as_array().unwrap();
    let priority =
        |name: &str| rules.iter().find(|rule| rule["name"] == name).unwrap()["properties"]["priority"].clone();
    assert_eq!((priority("office"), priority("probes")), (json!(150), json!(151)));
    sandbox.succeed(&open).says(&["plan: nothing to do"]);
}

#[test]
fn a_run_that_made_nothing_settles_nothing() {
    let sandbox = Sandbox::with_emulator(&[]);
    let disabled = json!([{"id": SUBSCRIPTION, "display_name": "local", "state": "Disabled"}]);
    let (status, answer) = sandbox.request("PUT", "/azure-local/subscriptions", Some(&disabled));
    assert_eq!(status, 200, "{answer}");
    let create = ["mycluster", "--local", "--no-wait", "--skip-preflight"];
    sandbox.run(&create).demand(5).says(&["ReadOnlyDisabledSubscription"]);
    sandbox.request("PUT", "/azure-local/subscriptions", Some(&json!([{"id": SUBSCRIPTION, "display_name": "local"}])));
    sandbox.succeed(&[&create[..], &["--location", "northeurope"]].concat());
}

#[test]
fn sizes_and_images_go_together() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&[
        "mycluster",
        "--local",
        "--no-wait",
        "--vm-size",
        "Standard_D2ps_v5",
        "--availability-set=racks",
    ]);
    let machine = machine(&sandbox, 0);
    assert_eq!(at(&machine, "/properties/storageProfile/imageReference/offer"), "flatcar-container-linux-corevm");
    let set = at(&machine, "/properties/availabilitySet/id").as_str().unwrap_or_default();
    assert!(set.ends_with("/racks"), "{set}");
    let old = sandbox.run(&["other", "--local", "--vm-size", "Large"]).demand(3);
    old.says(&["size `Large` is an old name, of 4 cores and 7 GiB; today's equivalent is `Standard_D4as_v5`"]);
}

#[test]
fn a_certificate_gives_its_key_when_its_thumbprint_fits() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.run(&["mgmt-cert", "keys"]).demand(0).says(&[]);
    for name in ["azure-cert.pem", "azure-cert.cer", "azure-cert.pfx"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(sandbox.path("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    sandbox.run(&["mgmt-cert", "keys"]).demand(2).says(&["exists, and whoever signs in with it"]);
    let create = ["mycluster", "--local", "--no-wait", "--ssh-cert", "keys/azure-cert.cer"];
    let wrong = [&create[..], &["--ssh-thumb", "0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C"]].concat();
    let ended = sandbox.run(&wrong).demand(3);
    let said = ended.stderr.clone();
    ended.says(&["`--ssh-thumb`: is not the certificate's, which is "]);
    let found = said.split("which is ").nth(1).unwrap().trim();
    sandbox.succeed(&[&create[..], &["--ssh-thumb", found]].concat());
    let machine = machine(&sandbox, 0);
    let key = at(&machine, "/properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData").as_str().unwrap();
    assert!(key.starts_with("ssh-rsa AAAA"), "{key}");
}

#[test]
fn every_example_makes_a_cluster() {
    let sandbox = Sandbox::with_emulator(&[]);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        // Workflows of pipelines end in `.yml`; the files that they name are examples themselves.
        if entry.extension().is_some_and(|end| end == "yaml") {
            let file = entry.display().to_string();
            sandbox.run(&["preflight", "-f", &file, "--local"]).demand(0);
            sandbox.succeed(&["-f", &file, "--local", "--no-wait"]);
            count += 1;
        } else {
            let text = std::fs::read_to_string(&entry).unwrap();
            let named = text.split_whitespace().filter(|word| word.starts_with("examples/")).collect::<Vec<_>>();
            assert!(
                !named.is_empty() && named.iter().all(|name| entry.with_file_name(&name[9..]).is_file()),
                "{named:?}"
            );
        }
    }
    assert!(count >= 3, "{count}");
}

#[test]
fn a_disk_of_ones_own_becomes_an_image() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--coreos-image", "flatcar.vhd"];
    sandbox.run(&create).demand(3).says(&["`--coreos-image`: `flatcar.vhd` lies in a container of a storage account"]);
    let container = "https://account.blob.core.windows.net/vhds";
    sandbox.succeed(&[&create[..], &["--blob-container-url", container]].concat());
    let image = resource(&sandbox, "Microsoft.Compute/images", "mycluster-image");
    let disk = at(&image, "/properties/storageProfile/osDisk");
    assert_eq!(disk["blobUri"], format!("{container}/flatcar.vhd"));
    assert_eq!((at(&image, "/properties/hyperVGeneration"), &disk["osState"]), (&json!("V2"), &json!("Generalized")));
    let id = at(&machine(&sandbox, 0), "/properties/storageProfile/imageReference/id").as_str().unwrap().to_owned();
    assert!(id.ends_with("/images/mycluster-image"), "{id}");
    sandbox.succeed(&["mycluster", "--local", "--no-wait", "--num-nodes", "4"]);
    sandbox.run(&["destroy", "mycluster", "--yes", "--local"]).demand(0);
    assert_eq!(sandbox.resources("mycluster"), [] as [String; 0]);
    let needless = sandbox.run(&["mycluster", "--local", "--no-wait", "--blob-container-url", container]).demand(0);
    needless.says(&["disks are managed today and lie in no container"]);
}

#[test]
fn a_network_that_exists_is_used_and_left() {
    let sandbox = Sandbox::with_emulator(&[]);
    let put = |path: &str, body: Value| {
        let (status, answer) = sandbox.request("PUT", path, Some(&body));
        assert!(status < 300, "{path}: {status} {answer}");
    };
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/shared");
    put(&format!("{group}?api-version=2021-04-01"), json!({"location": "westeurope"}));
    let network =
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Network/virtualNetworks/hub");
    let subnet = |name: &str, range: &str| json!({"name": name, "properties": {"addressPrefix": range}});
    let body = json!({"location": "westeurope", "properties": {
        "addressSpace": {"addressPrefixes": ["10.9.0.0/16"]},
        "subnets": [
            subnet("a", "10.9.1.0/24"),
            subnet("b", "10.9.2.0/28"),
            {"name": "web", "properties": {
                "addressPrefix": "10.9.3.0/24",
                "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
            }},
        ],
    }});
    put(&format!("{network}?api-version=2024-03-01"), body);
    let interface = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Network/networkInterfaces/theirs?api-version=2024-03-01"
    );
    let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "x", "properties": {
        "subnet": {"id": format!("{network}/subnets/a")},
        "privateIPAllocationMethod": "Static", "privateIPAddress": "10.9.1.4",
    }}]}});
    put(&interface, body);

    let create = ["mycluster", "--local", "--no-wait", "--virtual-network-name", "shared/hub"];
    sandbox.run(&create).demand(3).says(&["`--virtual-network-name`: needs `--subnet-names`"]);
    let delegated =
        "`--virtual-network-name`: subnet `Web` is delegated to Microsoft.Web/serverFarms, and takes no machines";
    for (names, parts) in [
        ("a,c,Web", vec!["`--virtual-network-name`: there is no subnet `c`; there are: a, b, web", delegated]),
        ("a,a", vec!["`--subnet-names`: subnet `a` is named twice"]),
        ("a,b,A", vec!["`--subnet-names`: subnet `A` is named twice (case makes no difference)"]),
        ("azurefirewallsubnet", vec!["subnet `azurefirewallsubnet` is kept for Azure Firewall, and takes no machines"]),
    ] {
        sandbox.run(&[&create[..], &["--subnet-names", names]].concat()).demand(3).says(&parts);
    }
    let elsewhere = [&create[..], &["--subnet-names", "a", "--location", "uksouth"]].concat();
    sandbox
        .run(&elsewhere)
        .demand(3)
        .says(&["virtual network `shared/hub` is in `westeurope`, the cluster in `uksouth`"]);
    let full = [&create[..], &["--subnet-names", "b", "--num-nodes", "12"]].concat();
    sandbox.run(&full).demand(3).says(&["subnet `b` (10.9.2.0/28) has no free address left for node 11"]);
    assert!(
        sandbox.writes().iter().all(|(_, path, _)| !path.contains("mycluster")),
        "nothing of the cluster is written"
    );

    sandbox.succeed(&[&create[..], &["--subnet-names", "a,b"]].concat());
    let address = |index: u32| {
        let interface =
            resource(&sandbox, "Microsoft.Network/networkInterfaces", &format!("mycluster-coreos-{index}-nic"));
        assert!(at(&interface, "/properties/networkSecurityGroup/id").as_str().unwrap().ends_with("/mycluster-nsg"));
        at(&interface, "/properties/ipConfigurations/0/properties/privateIPAddress").as_str().unwrap().to_owned()
    };
    assert_eq!([0, 1, 2].map(address), ["10.9.1.5", "10.9.2.4", "10.9.1.6"], "one is theirs");
    assert!(sandbox.resources("mycluster").iter().all(|id| !id.contains("/virtualNetworks/")));
    let other_case = ["--virtual-network-name", "Shared/HUB", "--subnet-names", "A,B", "--num-nodes", "4"];
    sandbox.succeed(&[&["mycluster", "--local", "--no-wait"], &other_case[..]].concat());
    assert_eq!([0, 3].map(address), ["10.9.1.5", "10.9.2.5"], "those that are known stay");
    sandbox.run(&["destroy", "mycluster", "--yes", "--local"]).demand(0);
    let (status, _) = sandbox.request("GET", &format!("{network}?api-version=2024-03-01"), None);
    assert_eq!(status, 200);
}

/// A flag, a value that is wrong, and what is said of it.
const WRONG: [(&str, &str, &str); 77] = [
    ("--num-nodes", "0", "must be 1 to 1000, found 0"),
    ("--num-nodes", "2", "must be at least 3, found 2"),
    ("--num-nodes", "201", "must be at most 200"),
    ("--num-nodes", "three", "must be 1 to 1000, found three"),
    ("--allow-small", "yes", "must be `true` or `false`, found `yes`"),
    ("--platform", "platfrom", "there is no bundle `platfrom`"),
    ("--deis", "1", "must be `true` or `false`"),
    ("--open", "0", "is not 1 to 65534"),
    ("--open", "65535", "ports end at 65534"),
    ("--open", "80/sctp", "neither `/tcp` nor `/udp`"),
    ("--open", "53/udp", "nobody can probe"),
    ("--open", "80,80", "port 80 is open already"),
    ("--vm-size", "Small", "today's equivalent is `Standard_B1ms`"),
    ("--vm-size", "Basic_A1", "which Azure has retired"),
    ("--vm-size", "D2as_v5", "is not a name such as"),
    ("--vm-name-prefix", "Node", "has `N`"),
    ("--vm-name-prefix", "a-very-long-machine-prefix", "has 26 characters"),
    ("--coreos-image", "ubuntu", "is neither `flatcar"),
    ("--coreos-image", "disk.vhd", "needs `--blob-container-url`"),
    ("--blob-container-url", "http://x", "is no https address"),
    ("--os-disk-size", "8", "must be 30 to 4095 GiB"),
    ("--data-disk", "1", "must be 4 to 32767 GiB"),
    ("--data-disk-count", "65", "must be 1 to 64"),
    ("--data-disk-count", "2", "needs `--data-disk`"),
    ("--data-disk-type", "Floppy", "must be one of Premium_LRS"),
    ("--availability-set", "-x", "must start with a letter or digit"),
    ("--zones", "4", "is none of 1, 2 and 3"),
    ("--zones", "1,1", "names a zone twice"),
    ("--proximity", "a b", "may have letters, digits"),
    ("--spot", "true", "no Spot machines into availability sets"),
    ("--identity", "me", "neither `system` nor the id"),
    ("--custom-data", "none.yaml", "reading `none.yaml`"),
    ("--custom-data-only", "true", "none is given"),
    ("--user-data-format", "yaml", "must be one of ignition, cloud-config"),
    ("--ntp-server", "a b", "neither a host name nor an address"),
    ("--ssh", "70000", "must be 1 to 65534"),
    ("--ssh", "65535", "must be 1 to 65534"),
    ("--ssh", "65533", "3 nodes need ports 65533 to 65535; ports end at 65534"),
    ("--ssh-cert", "none.pub", "reading `none.pub`"),
    ("--ssh-thumb", "AB", "needs `--ssh-cert`"),
    ("--ssh-source", "203.0.113.7/24", "bits behind its prefix"),
    ("--ssh-source", "*,10.0.0.0/8", "`*` is everybody and stands alone"),
    ("--ssh-source", "10.0.0.0/8,0.0.0.0/0", "`*` is everybody and stands alone"),
    ("--ssh-source", "10.0.0.0/8,10.1.0.0/16", "`10.1.0.0/16` lies in `10.0.0.0/8`"),
    ("--ssh-source", "203.0.113.7,203.0.113.7", "`203.0.113.7/32` is named twice"),
    ("--ssh-source", "Internet", "service tags are not taken here"),
    ("--address-space", "8.8.0.0/16", "is not private"),
    ("--address-space", "10.0.0.0/30", "8 to 29 bits"),
    ("--subnet-names", "a", "need `--virtual-network-name`"),
    ("--discovery-service-url", "host/0123", "discovery URL `host/0123` is no URL"),
    ("--discovery-service-url", "ftp://host/0123", "does not begin with `http://HOST`"),
    ("--cloud", "germany", "must be one of public, usgov, china"),
    ("--location", "West-Europe", "is not a region's name"),
    ("--tag", "coreos-cluster=x", "this program's own"),
    ("--tag", "Microsoft.x=1", "begin with `microsoft` for tags of its own"),
    ("--tag", "windows=1", "begin with `windows` for tags of its own"),
    ("--vm-name-prefix", "windows", "has `windows` in it, which Azure keeps for itself"),
    (
        "--coreos-image",
        "/subscriptions/../resourceGroups/g/providers/Microsoft.Compute/images/i",
        "is neither `flatcar",
    ),
    ("--coreos-image", "/CommunityGalleries/g/Images/i?x", "is neither `flatcar"),
    ("--coreos-image", "..:..:..:..", "is neither `flatcar"),
    (
        "--identity",
        "/subscriptions/s/resourceGroups/../providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
        "neither `system` nor the id",
    ),
    ("--proximity", "/subscriptions/s/../x", "is the id of something else, or none"),
    ("--blob-container-url", "https://a.blob.core.windows.net/vhds?sig=x", "without a signature"),
    ("--blob-container-url", "https://a.blob.core.windows.net/Disks", "is no https address of a container"),
    ("--open", "80:/x:99999", "a probed port stands before the path"),
    ("--open", "80:/x#y", "has a `#` in its probe's path"),
    ("--open", "+80", "is not 1 to 65534"),
    ("--ntp-server", "1.2.3.4.5", "ends in a number, as addresses do, and is none"),
    ("--ntp-server", "999.1.1.1", "ends in a number, as addresses do, and is none"),
    ("--ntp-server", "host.0x7f", "ends in a number, as addresses do, and is none"),
    ("--ntp-server", "127.0.0.1", "is the address of no other machine"),
    ("--ntp-server", "a-.test", "neither a host name nor an address"),
    ("--ntp-server", "a.test,A.test", "`A.test` is named twice"),
    ("--identity", "system,System", "`system` is named twice"),
    ("--subscription", "../..", "is not an id such as"),
    ("--tenant", "../..", "is not an id such as"),
    ("--client-id", "Production", "is not an id such as"),
];

#[test]
fn wrong_inputs_are_named_one_by_one_and_all_together() {
    let sandbox = Sandbox::with_emulator(&[]);
    let mut together = vec!["wrong".to_owned(), "--local".to_owned(), "--no-wait".to_owned()];
    let mut named = Vec::new();
    for (flag, value, part) in WRONG {
        let argument = format!("{flag}={value}");
        let ended = sandbox.run(&["mycluster", "--local", "--no-wait", &argument]).demand(3);
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(lines.iter().any(|line| line.contains(flag) && line.contains(part)), "{argument}: {lines:?}");
        assert_eq!(lines.len(), 1, "{argument}: {lines:?}");
        // Of flags that take one value the first is tried together with the others.
        if !named.contains(&flag) {
            together.push(argument);
            named.push(flag);
        }
    }
    let arguments: Vec<&str> = together.iter().map(String::as_str).collect();
    let all = sandbox.run(&arguments).demand(3);
    let told: Vec<&str> = all.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    for flag in named {
        // What depends on another flag's mistake is told when that is mended.
        let depends = ["--custom-data-only", "--ssh-thumb"].contains(&flag);
        assert!(depends || told.iter().any(|line| line.contains(&format!("`{flag}`"))), "{flag}\n{}", all.stderr);
    }
    assert_eq!(sandbox.writes(), []);
    assert!(!sandbox.path("state").exists(), "nothing is kept");
}
