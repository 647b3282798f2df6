//! Bundles: what the shipped ones become, what is wrong with bad ones, and the ports that they open.

use platform::bundle::{Bundle, Values};
use platform::compose::Rendered;
use serde_json::json;

use crate::golden::assert_golden;
use crate::sandbox::{SUBSCRIPTION, Sandbox};

const MANIFEST: &str = "\
name: shop
version: 0.1.0
description: A shop
ports: [{name: web, port: 8080, probe: tcp, tls: true}, {name: admin, port: 9000, probe: {http: /up}}]
subsystems:
- name: Front
  components:
  - {name: web, deadline_seconds: 60}
settings:
  web:
    color: {type: string, default: red, help: Of the page}
";
const STACK: &str = "\
services:
  web:
    image: web:1
    environment: {COLOR: {{ web.color }}}
    ports: ['8080:80', '9000:90']
    deploy: {mode: global}
";

fn write_bundle(sandbox: &Sandbox, folder: &str, manifest: &str, stack: &str) {
    let folder = sandbox.path(folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("platform.yaml"), manifest).unwrap();
    std::fs::write(folder.join("stack.yaml"), stack).unwrap();
}

fn text_of(rendered: &Rendered) -> String {
    let services: serde_json::Map<String, serde_json::Value> = rendered
        .services
        .iter()
        .map(|service| (service.component.clone(), json!({"secrets": service.secrets, "spec": service.spec})))
        .collect();
    let configs: serde_json::Map<String, serde_json::Value> = rendered
        .configs
        .iter()
        .map(|config| (config.name.clone(), config.content.lines().collect::<Vec<_>>().into()))
        .collect();
    let value = json!({"services": services, "networks": rendered.networks, "configs": configs});
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

#[test]
fn the_default_bundle_as_swarm_gets_it() {
    let bundle = Bundle::shipped_named("platform").unwrap();
    let mut values = Values::new();
    values.set("platform", "domain", "example.com");
    assert_golden("platform-services.json", &text_of(&bundle.render(&values).unwrap()));

    for (target, key, value) in [
        ("logger", "drain", "syslog+tls://logs.example.com:6514"),
        ("database", "enabled", "true"),
        ("database", "node", "mycluster-coreos-0"),
        ("registry", "azureAccount", "images"),
        ("registry", "image", "example.com/registry:2.8.3"),
        ("registry", "replicas", "2"),
        ("router", "sslCert", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("router", "acmeEmail", "you@example.com"),
        ("router", "acmeCa", "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"),
    ] {
        values.set(target, key, value);
    }
    for (target, key) in [("database", "password"), ("registry", "azureKey"), ("router", "sslKey")] {
        values.set_secret(target, key);
    }
    assert_golden("platform-services-full.json", &text_of(&bundle.render(&values).unwrap()));
}

#[test]
fn the_documented_bundle_is_without_mistakes() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/platform-bundles.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [manifest, stack] = blocks.as_slice() else { panic!("{} examples", blocks.len()) };
    let sandbox = Sandbox::without_emulator();
    write_bundle(&sandbox, "shop", manifest, stack);
    sandbox.platformctl(&["bundle", "lint", "shop"]).demand(0);
}

#[test]
fn bundles_are_listed_with_those_of_the_environment() {
    let sandbox = Sandbox::without_emulator();
    let shipped = sandbox.platformctl(&["bundles", "-o", "json"]).demand(0).json();
    let origin = |name: &str| json!([{"name": name, "origin": "shipped"}]);
    for name in ["caprover", "platform"] {
        let found: Vec<_> = shipped.as_array().unwrap().iter().filter(|one| one["name"] == name).collect();
        let [found] = found.as_slice() else { panic!("{shipped}") };
        assert_eq!(json!([{"name": found["name"], "origin": found["origin"]}]), origin(name));
    }
    write_bundle(&sandbox, "own/shop", MANIFEST, STACK);
    for variable in ["PLATFORMCTL_UNITS", "DEISCTL_UNITS"] {
        for place in ["own", "own/shop"] {
            let text = sandbox.platformctl_with(&["bundles"], &[(variable, place)]).demand(0).stdout;
            let line = text.lines().find(|line| line.starts_with("shop")).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["shop", "0.1.0", "own/shop", "A", "shop"]);
        }
    }
    write_bundle(&sandbox, "own/broken", "name: broken\n", STACK);
    let ended = sandbox.platformctl_with(&["bundles"], &[("PLATFORMCTL_UNITS", "own")]).demand(3);
    assert!(ended.stdout.contains("\nshop "), "the others are listed: {}", ended.stdout);
    ended.says(&["error: `own/broken/platform.yaml`: `version` is missing"]);
}

#[test]
fn lint_finds_every_mistake_at_once() {
    let sandbox = Sandbox::without_emulator();
    write_bundle(&sandbox, "shop", MANIFEST, STACK);
    let ended = sandbox.platformctl(&["bundle", "lint", "shop"]).demand(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("shop 0.1.0: ok\n", ""));

    let manifest = MANIFEST.replace("version: 0.1.0", "version: first").replace("deadline_seconds", "deadline");
    let stack = STACK.replace("web:1", "web:latest").replace("web.color", "web.colour").replace("global", "globl");
    write_bundle(&sandbox, "bad", &manifest, &stack);
    let ended = sandbox.platformctl(&["bundle", "lint", "bad"]).demand(3);
    assert_eq!(ended.stdout, "");
    let expected = "\
error: `bad/platform.yaml` line 2: `version`: must be a semantic version such as `1.2.3`, found `first`
error: `bad/platform.yaml` line 8: `subsystems[0].components[0].deadline`: unknown key
hint: did you mean `deadline_seconds`?
error: `bad/stack.yaml` line 3: `services.web.image`: `web:latest`: `latest` is another image every day; name a version, \
such as `registry:2.8.3`
error: `bad/stack.yaml` line 4: `web.colour` is not among the settings of `platform.yaml`
hint: did you mean `web.color`?
error: `bad/stack.yaml` line 6: `services.web.deploy.mode`: must be one of `replicated`, `global`, found `globl`
";
    assert_eq!(ended.stderr, expected);

    let ended = sandbox.platformctl(&["bundle", "lint", "nowhere"]).demand(3);
    ended.says(&[
        "error: `nowhere/platform.yaml`: reading the bundle: No such file",
        "error: `nowhere/stack.yaml`: reading the bundle: No such file",
        "hint: a bundle is a folder with `platform.yaml` and `stack.yaml`",
    ]);
}

#[test]
fn a_bundles_ports_are_opened() {
    let sandbox = Sandbox::with_emulator(&[]);
    write_bundle(&sandbox, "shop", MANIFEST, STACK);
    let load_balancer = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/mycluster/providers/Microsoft.Network/loadBalancers/mycluster-lb\
         ?api-version=2024-03-01"
    );
    let ports = || {
        let (_, document) = sandbox.request("GET", &load_balancer, None);
        let rules = document["properties"]["loadBalancingRules"].as_array().cloned().unwrap_or_default();
        rules.iter().filter_map(|rule| rule["properties"]["frontendPort"].as_i64()).collect::<Vec<_>>()
    };
    let create = |arguments: &[&str]| {
        sandbox.succeed(&[&["mycluster", "--local", "--no-wait", "--yes"], arguments].concat());
        ports()
    };
    assert_eq!(create(&["--platform", "./shop"]), [8080, 9000]);
    assert_eq!(create(&[]), [8080, 9000], "what an earlier run settled stays");
    assert_eq!(create(&["--nohttps"]), [9000]);
    assert_eq!(create(&["--platform", "caprover"]), [80, 3000, 996], "what is left out stays as it was");
    assert_eq!(create(&["--platform", "platform"]), [80]);
    assert_eq!(create(&["--deis", "--nohttps=false"]), [80, 443, 2222]);
    assert_eq!(create(&["--deis=false"]), [0i64; 0]);
}

#[test]
fn a_platform_that_is_not_there_is_one_mistake_among_others() {
    let sandbox = Sandbox::with_emulator(&[]);
    write_bundle(&sandbox, "bad", "name: bad\n", STACK);
    let run = |platform: &str| {
        let arguments = ["mycluster", "--num-nodes", "2", "--platform", platform, "--local", "--no-wait"];
        sandbox.run(&arguments).demand(3)
    };
    run("platfrom").says(&[
        "error: `--num-nodes`: must be at least 3, found 2",
        "error: `--platform`: there is no bundle `platfrom`; these are: caprover, platform",
        "hint: did you mean `platform`?",
    ]);
    run("./bad").says(&["error: `--num-nodes`", "error: `./bad/platform.yaml`: `version` is missing"]);
    assert_eq!(sandbox.writes(), []);
    let both = sandbox.run(&["mycluster", "--deis", "--platform", "platform", "--local"]).demand(3);
    both.says(&["error: `--platform`: `--deis` is `--platform platform` and port 2222; give one of them"]);
}
