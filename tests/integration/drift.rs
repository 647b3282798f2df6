//! What somebody changed by hand: `status` tells it property by property, and what mends it does.

use serde_json::{Value, json};

use crate::sandbox::{SUBSCRIPTION, Sandbox, wait_for};

const STATUS: [&str; 3] = ["status", "mycluster", "--exit-code"];

fn url(resource: &str) -> String {
    let (provider, version) = match resource.starts_with("virtualMachines") || resource.starts_with("availabilitySets")
    {
        true => ("Microsoft.Compute", "2024-07-01"),
        false => ("Microsoft.Network", "2024-03-01"),
    };
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/{provider}/{resource}?api-version={version}"
    )
}

/// Reads a resource, changes it, and writes it back, as the portal does.
fn change(sandbox: &Sandbox, resource: &str, change: impl FnOnce(&mut Value)) {
    let (status, mut document) = sandbox.request("GET", &url(resource), None);
    assert_eq!(status, 200, "{document}");
    change(&mut document);
    let (status, answer) = sandbox.request("PUT", &url(resource), Some(&document));
    assert!((200..300).contains(&status), "{status} {answer}");
}

/// `resource: kind property` of everything that has drifted.
fn drifted(sandbox: &Sandbox) -> Vec<String> {
    let statuses = sandbox.succeed(&["status", "mycluster", "-o", "json"]).json();
    let of = |status: &Value| -> Vec<String> {
        let drifts = status["drift"].as_array().expect("a list").clone();
        let name = status["id"].as_str().expect("an id").rsplit('/').next().unwrap_or_default().to_owned();
        let words = |drift: &Value| {
            [&drift["kind"], &drift["property"]].map(|word| word.as_str().unwrap_or_default().to_owned())
        };
        drifts.iter().map(|drift| format!("{name}: {}", words(drift).join(" ")).trim_end().to_owned()).collect()
    };
    statuses.as_array().expect("a list").iter().flat_map(of).collect()
}

#[test]
fn what_was_changed_by_hand_is_told_and_mended() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = ["mycluster", "--local", "--no-wait", "--deis", "--data-disk", "--yes"];
    sandbox.succeed(&create);
    let untouched = sandbox.run(&STATUS).demand(0);
    assert!(!untouched.stdout.contains("not as the cluster was made"), "{untouched:?}");
    assert_eq!(drifted(&sandbox), Vec::<String>::new());

    change(&sandbox, "networkSecurityGroups/mycluster-nsg", |group| {
        let rules = group["properties"]["securityRules"].as_array_mut().unwrap();
        rules[0]["properties"]["sourceAddressPrefix"] = json!("192.0.2.0/24");
        rules.push(json!({"name": "office", "properties": {"access": "Allow", "direction": "Inbound", "priority": 900,
            "protocol": "Tcp", "sourcePortRange": "*", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "2379"}}));
    });
    change(&sandbox, "loadBalancers/mycluster-lb", |balancer| {
        balancer["properties"]["loadBalancingRules"].as_array_mut().unwrap().remove(0);
    });
    change(&sandbox, "availabilitySets/mycluster-as", |set| set["tags"] = json!({}));
    let below = |action: &str| url("virtualMachines/mycluster-coreos-0").replace('?', &format!("/{action}?"));
    assert!(sandbox.request("POST", &below("deallocate"), None).0 < 300);
    wait_for("the machine to be off", || {
        sandbox.request("GET", &below("instanceView"), None).1.to_string().contains("PowerState/deallocated")
    });
    change(&sandbox, "virtualMachines/mycluster-coreos-1", |machine| {
        machine["properties"]["diagnosticsProfile"]["bootDiagnostics"]["enabled"] = json!(false);
    });
    let address = json!({"location": "westeurope", "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"}});
    let (status, answer) = sandbox.request("PUT", &url("publicIPAddresses/precious"), Some(&address));
    assert!((200..300).contains(&status), "{status} {answer}");
    let gone = url("virtualMachines/mycluster-coreos-2");
    assert!(sandbox.request("DELETE", &gone, None).0 < 300);
    wait_for("the machine to be gone", || sandbox.request("GET", &gone, None).0 == 404);

    let told = sandbox.run(&STATUS).demand(10);
    for line in [
        "    differs: properties.securityRules[ssh].properties.sourceAddressPrefix: `192.0.2.0/24` → `*`\n",
        "    added by somebody: properties.securityRules[office], Allow Inbound Tcp from * to port 2379\n",
        "    differs: properties.loadBalancingRules[web]: absent → present\n",
        "    has lost its tag `coreos-cluster`\n",
        "    differs: properties.diagnosticsProfile.bootDiagnostics.enabled: false → true\n",
        "Microsoft.Network/publicIPAddresses `precious`\n    is not the cluster's\n",
        "`azure-coreos-cluster start mycluster` mends 1\n",
        "nothing here changes 3\n",
    ] {
        assert!(told.stdout.contains(line), "{line}{}", told.stdout);
    }
    assert_eq!(
        drifted(&sandbox),
        [
            "mycluster-nsg: changed properties.securityRules[ssh].properties.sourceAddressPrefix",
            "mycluster-nsg: added properties.securityRules[office]",
            "mycluster-as: untagged",
            "mycluster-lb: changed properties.loadBalancingRules[web]",
            "mycluster-coreos-0: off",
            "mycluster-coreos-1: changed properties.diagnosticsProfile.bootDiagnostics.enabled",
            "mycluster-coreos-2-nic: missing",
            "mycluster-coreos-2: missing",
            "precious: extra",
        ]
    );

    // As told: nothing is touched before the tag is back.
    sandbox.run(&create).demand(3).says(&["availability set `mycluster-as` exists and is not this cluster's"]);
    change(&sandbox, "availabilitySets/mycluster-as", |set| set["tags"] = json!({"coreos-cluster": "mycluster"}));
    sandbox.succeed(&create);
    sandbox.succeed(&["start", "mycluster", "--no-wait"]);
    assert_eq!(
        drifted(&sandbox),
        [
            "mycluster-nsg: added properties.securityRules[office]",
            "mycluster-coreos-1: changed properties.diagnosticsProfile.bootDiagnostics.enabled",
            "precious: extra",
        ]
    );
    let left = sandbox.run(&STATUS).demand(10);
    assert!(
        left.stdout.ends_with("\n3 things are not as the cluster was made\n  nothing here changes 3\n"),
        "{left:?}"
    );
}
