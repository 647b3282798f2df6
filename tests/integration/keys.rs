//! Keys that are not those of the machines that exist: a directory that is a copy of an earlier time, or that lost a
//! file. Nothing is invented in place of what is missing, and what the messages tell to do works.

use crate::directory::{copy, keys};
use crate::sandbox::{SUBSCRIPTION, Sandbox};

const CREATE: [&str; 5] = ["mycluster", "--local", "--no-wait", "--yes", "--deis"];

#[test]
fn a_copy_of_an_earlier_time_invents_nothing() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let (home, stale) = (sandbox.path("state/azure-coreos-cluster"), sandbox.path("stale"));
    copy(&home, &stale);
    sandbox.succeed(&["mycluster", "--no-wait", "--yes", "--num-nodes", "5"]);
    let (resources, before) = (sandbox.resources("mycluster"), keys(&stale.join("mycluster")));
    let from_copy = |arguments: &[&str]| {
        sandbox.clear_journal();
        sandbox.run(&[&["mycluster", "--no-wait", "--yes", "--state-dir", "stale"], arguments].concat())
    };
    let file = |index: u32| {
        format!(
            "nodes/mycluster-coreos-{index}.json`: is missing, but virtual machine `mycluster-coreos-{index}` exists"
        )
    };
    from_copy(&["--num-nodes", "5"]).demand(3).says(&[&file(3), &file(4), "hint: copy it, or the whole directory"]);
    assert_eq!(sandbox.writes(), []);
    from_copy(&["--num-nodes", "4"]).demand(3).says(&[&file(3)]);
    assert_eq!(sandbox.writes(), []);
    from_copy(&[]).demand(3).says(&["`mycluster-coreos-3` exists: the cluster was grown from another directory since"]);
    assert_eq!(sandbox.writes(), []);
    sandbox.run(&["plan", "mycluster", "--state-dir", "stale"]).demand(3).says(&["grown from another directory"]);
    assert_eq!((keys(&stale.join("mycluster")), sandbox.resources("mycluster")), (before, resources));

    // As told.
    std::fs::rename(&stale, sandbox.path("older")).unwrap();
    copy(&home, &stale);
    from_copy(&[]).demand(0).says(&["plan: nothing to do"]);
    // A directory that does not know all nodes still removes all of them.
    sandbox
        .succeed(&["destroy", "mycluster", "--yes", "--state-dir", "older"])
        .says(&["virtual machine `mycluster-coreos-4`"]);
    assert_eq!(sandbox.resources("mycluster").len(), 0);
}

#[test]
fn keys_that_are_not_the_machines_are_an_error_before_the_first_write() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    sandbox.succeed(&["other", "--local", "--no-wait"]);
    let directory = sandbox.cluster("mycluster");
    let node = |index: u32| format!("nodes/mycluster-coreos-{index}.json");
    let other = sandbox.cluster("other/nodes/other-coreos-1.json");
    let machine = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Compute/virtualMachines/mycluster-coreos-1\
         ?api-version=2024-07-01"
    );
    let (_, document) = sandbox.request("GET", &machine, None);
    let tag = document["tags"]["coreos-cluster-keys"].as_str().unwrap();
    assert!(tag.len() <= 256 && tag.ends_with("etcd=member"), "{tag}");
    let mut without = document.clone();
    without["tags"].as_object_mut().unwrap().retain(|name, _| name == "coreos-cluster");

    // With the tag, and for a machine that lost its tags, by what else there is to judge by.
    for (document, tagged) in [(&document, true), (&without, false)] {
        let (status, answer) = sandbox.request("PUT", &machine, Some(document));
        assert!(status < 300, "{answer}");
        for (file, instead, parts) in [
            (
                "authority.json".to_owned(),
                None,
                ["authority.json`: is missing: it is what `mycluster-coreos-", "` trust"],
            ),
            (
                "authority.json".into(),
                Some("other/authority.json"),
                ["authority.json`: is not the authority that", "` trust"],
            ),
            ("id_ed25519".into(), None, ["id_ed25519`: is missing: it is the key that the machines let in", ""]),
            (
                node(1),
                None,
                ["nodes/mycluster-coreos-1.json`: is missing, but virtual machine", "exists and has its keys"],
            ),
            (
                node(1),
                Some("other/nodes/other-coreos-1.json"),
                match tagged {
                    true => ["nodes/mycluster-coreos-1.json`: holds other keys than virtual machine", "was given"],
                    false => ["authority.json`: is not the authority that", "`mycluster-coreos-1` trust"],
                },
            ),
        ] {
            let (file, kept) = (directory.join(file), sandbox.path("kept"));
            std::fs::rename(&file, &kept).unwrap();
            if let Some(instead) = instead {
                copy(&sandbox.cluster(instead), &file);
            }
            let left = std::fs::read_dir(directory.join("nodes")).unwrap().count();
            sandbox.clear_journal();
            for arguments in [
                &["mycluster", "--no-wait", "--yes", "--num-nodes", "5"][..],
                &["plan", "mycluster"],
                &["mycluster", "--no-wait"],
            ] {
                sandbox.run(arguments).demand(3).says(&parts).says(&["hint: copy it, or the whole directory"]);
            }
            assert_eq!(sandbox.writes(), []);
            assert_eq!(std::fs::read_dir(directory.join("nodes")).unwrap().count(), left, "no key was made");
            if instead.is_none() && !parts[0].starts_with("id_ed25519") {
                let ended = sandbox.run(&["user-data", "mycluster", "--node", "1"]).demand(3);
                assert_eq!(ended.stdout, "", "no key that no machine has is shown");
            }
            // As told.
            std::fs::rename(&kept, &file).unwrap();
            sandbox.succeed(&["plan", "mycluster"]);
        }
    }
    assert!(other.exists());
    sandbox.succeed(&["mycluster", "--no-wait", "--yes", "--num-nodes", "5"]);
}

#[test]
fn machines_of_another_directory_are_not_destroyed_unasked() {
    let sandbox = Sandbox::with_emulator(&[]);
    let first = [&CREATE[..], &["--state-dir", "first"]].concat();
    let effect = serde_json::json!({"status": {"code": 409, "error": "Conflict", "message": "busy"}});
    sandbox.faults(serde_json::json!([{"method": "PUT", "type": "Microsoft.Network/loadBalancers", "effect": effect}]));
    sandbox.run(&first).demand(5);
    sandbox.no_faults();
    sandbox.succeed(&CREATE);
    let before = sandbox.resources("mycluster");

    let destroy = ["destroy", "mycluster", "--yes", "--state-dir", "first"];
    sandbox.clear_journal();
    sandbox.run(&destroy).demand(3).says(&[
        "authority.json`: is not the authority that virtual machine `mycluster-coreos-0`",
        "so they may be somebody else's cluster of this name",
        "`azure-coreos-cluster destroy mycluster --ignore-keys` removes it whoever made it",
    ]);
    assert_eq!((sandbox.writes(), sandbox.resources("mycluster")), (vec![], before));
    assert!(sandbox.path("first/mycluster/authority.json").exists());
    // As told.
    sandbox.succeed(&[&destroy[..], &["--ignore-keys"]].concat());
    assert_eq!(sandbox.resources("mycluster").len(), 0);
}

#[test]
fn a_group_that_seems_to_be_gone_does_not_lead_to_new_keys() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&CREATE);
    let directory = sandbox.cluster("mycluster");
    let lost = directory.join("nodes/mycluster-coreos-1.json");
    std::fs::remove_file(&lost).unwrap();
    let effect = serde_json::json!({"status": {"code": 404, "error": "ResourceGroupNotFound", "message": "late"}});
    let fault = |times: u32| {
        let kind = "Microsoft.Resources/resourceGroups";
        sandbox.faults(serde_json::json!([{"method": "GET", "type": kind, "times": times, "effect": effect}]));
    };
    for command in [&CREATE[..], &["plan", "mycluster"]] {
        // For good it is a contradiction; once it is asked for again, and the file is missed.
        for (times, exit_code, part) in [
            (1000, 6, "resource group `mycluster` does not exist, but virtual machine `mycluster-coreos-"),
            (1, 3, "is missing, but virtual machine `mycluster-coreos-1` exists and has its keys"),
        ] {
            fault(times);
            sandbox.clear_journal();
            sandbox.run(command).demand(exit_code).says(&[part]);
            let (_, set) = sandbox.request("GET", "/azure-local/faults", None);
            assert!(set[0]["seen"].as_u64().is_some_and(|seen| seen > 0), "{set}");
            assert_eq!((sandbox.writes(), lost.exists()), (vec![], false), "{command:?}");
            sandbox.no_faults();
        }
    }
}
