//! What is asked before something is made or taken away, and what a plan says of it beforehand.

use crate::sandbox::Sandbox;

const QUIET: [&str; 2] = ["--local", "--no-wait"];

#[test]
fn a_misspelled_command_makes_no_cluster() {
    let sandbox = Sandbox::with_emulator(&[]);
    for word in ["statu", "destory", "pla", "crate"] {
        let ended = sandbox.run(&[&[word], &QUIET[..]].concat()).demand(2);
        ended.says(&["is nearly a command", "did you mean `", &format!("`azure-coreos-cluster create {word}` makes")]);
        assert!(!sandbox.cluster(word).exists());
    }
    for (word, parts) in [
        ("delete", ["`delete` is no command of this program", "did you mean `azure-coreos-cluster destroy NAME`?"]),
        ("ssh", ["no cluster of that name is known here", "did you mean `platformctl ssh`?"]),
    ] {
        sandbox.run(&[&[word], &QUIET[..]].concat()).demand(2).says(&parts);
    }
    // No cluster can have these names, so that nothing is said of making one.
    for word in ["Status", "user_data"] {
        let ended = sandbox.run(&[&[word], &QUIET[..]].concat()).demand(2).says(&["did you mean `"]);
        assert!(!ended.stderr.contains("makes a cluster"), "{}", ended.stderr);
    }
    assert!(sandbox.requests().is_empty());
    // What the message says works, and the cluster is then known by its name alone.
    sandbox.succeed(&[&["create", "statu"], &QUIET[..]].concat());
    sandbox.succeed(&[&["statu"], &QUIET[..]].concat()).says(&["plan: nothing to do"]);
    sandbox.succeed(&[&["--name", "byflag", "--nodes", "3", "--size", "Standard_D2as_v5"], &QUIET[..]].concat());
    assert!(sandbox.cluster("byflag").exists());
}

#[test]
fn nothing_is_taken_away_without_a_yes() {
    let sandbox = Sandbox::with_emulator(&[]);
    let create = |more: &[&str]| sandbox.run(&[&["mycluster"], &QUIET[..], more].concat());
    create(&["--open", "8080,9000", "--ssh-source", "10.0.0.0/8"]).demand(0);
    let spec = || std::fs::read(sandbox.cluster("mycluster").join("spec.json")).unwrap();
    let before = spec();
    sandbox.clear_journal();
    for (flags, words) in [
        (["--open", "9000"], "closes 8080/tcp (tcp-8080)"),
        (["--ssh-source", "192.0.2.0/24"], "no longer lets `10.0.0.0/8` reach SSH"),
    ] {
        create(&flags).demand(2).says(&[
            &format!("error: nobody is here to confirm what this takes away: {words}"),
            "the same command with --yes does it without asking",
        ]);
        let plan = sandbox.run(&[&["plan", "mycluster", "--exit-code"], &flags[..]].concat()).demand(10);
        assert!(plan.stdout.contains(words), "{}", plan.stdout);
    }
    assert!(sandbox.writes().is_empty(), "{:?}", sandbox.writes());
    assert_eq!(spec(), before);
    create(&["--open", "9000", "--yes"]).demand(0).says(&["closes 8080/tcp (tcp-8080)"]);
    // What only adds needs no yes.
    create(&["--open", "9000,9001"]).demand(0).says(&["opens 9001/tcp (tcp-9001)"]);
}

#[test]
fn a_plan_says_what_azure_would_refuse_and_what_is_pending() {
    let sandbox = Sandbox::with_emulator(&[]);
    let plan = |more: &[&str]| sandbox.run(&[&["plan", "mycluster", "--local"], more].concat());
    for (flags, expected) in [
        (["--vm-size", "Standard_D2as_v99"], "size"),
        (["--location", "atlantis"], "location"),
        (["--coreos-image", "flatcar:stable:0.0.1"], "image"),
    ] {
        let ended = plan(&flags).demand(5);
        assert!(ended.stdout.contains("+ create"), "{}", ended.stdout);
        ended.says(&[&format!("error: {expected}: ")]);
        plan(&[&flags[..], &["--skip-preflight"]].concat()).demand(0).says(&["▴ not checked (--skip-preflight)"]);
    }
    plan(&[]).demand(0);
    plan(&["--exit-code"]).demand(10);
    sandbox.succeed(&[&["mycluster"], &QUIET[..]].concat());
    plan(&["--exit-code"]).demand(0);
    let larger = plan(&["--exit-code", "--vm-size", "Standard_D4as_v5"]).demand(0);
    assert!(larger.stdout.contains("size `Standard_D4as_v5`: of new machines only"), "{}", larger.stdout);
    let more = plan(&["--exit-code", "--num-nodes", "5"]).demand(10);
    assert!(more.stdout.contains("adds 2 machines: mycluster-coreos-3 to mycluster-coreos-4"), "{}", more.stdout);
}
