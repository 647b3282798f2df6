//! From bare machines to a platform that runs, with commands that are killed on the way.

use serde_json::json;

use super::certificates::Authorities;
use super::cluster::{Cluster, DOMAIN};
use crate::images::image_archives;
use crate::sandbox::wait_for;

pub(super) fn what_is_missing_is_told(cluster: &Cluster) {
    cluster.ctl(&["start", "platform"]).demand(8).says(&["no platform is installed", "platformctl install platform"]);
    cluster.ctl(&["status"]).demand(8).says(&["no platform is installed"]);
    let ended = cluster.ctl(&["install", "platform"]).demand(3);
    ended.says(&["missing platform domain", "platformctl config platform set domain="]);
    cluster.ctl(&["install", "ruoter"]).demand(2).says(&["did you mean `router`?"]);
    cluster.ctl(&["machines", "--identity", "/nowhere"]).demand(2).says(&["/nowhere"]);
}

pub(super) fn settings_are_kept(cluster: &Cluster) {
    let wrong = cluster.ctl(&["config", "platform", "set", "domian=x", "domain=not a domain"]).demand(3);
    wrong.says(&["domian", "did you mean `platform/domain`?", "not a domain"]);
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, "\n", "nothing was written");

    let set = cluster.ctl(&["config", "platform", "set", &format!("domain={DOMAIN}")]).demand(0);
    assert_eq!(set.stdout, format!("platform/domain: {DOMAIN}\n"));
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, format!("{DOMAIN}\n"));
    let directory = "https://acme.example.com/directory?a=b=c";
    cluster.ctl(&["config", "router", "set", &format!("acmeDirectory={directory}")]).demand(0);
    assert_eq!(cluster.ctl(&["config", "router", "get", "acmeDirectory"]).demand(0).stdout, format!("{directory}\n"));
    cluster.ctl(&["config", "router", "rm", "acmeDirectory"]).demand(0);
    let listed = cluster.ctl(&["config", "logger", "list", "-o", "json"]).demand(0).json();
    assert_eq!(listed[0]["is_set"], json!(false), "{listed}");
}

pub(super) fn install_goes_on_after_a_kill(cluster: &Cluster, authorities: &Authorities) {
    let images = image_archives().display().to_string();
    let without = cluster.ctl_when_clocks_agree(&["install", "platform"]).demand(8);
    without.says(&["image `caddy:2.11.7`", "cannot be had on", "--images DIR"]);

    let install = ["install", "platform", "--images", &images];
    cluster.kill_at(&install, "swarm: forming");
    // A key among them is a secret of the swarm, which they would form.
    authorities.set(cluster);
    cluster.kill_at(&install, "logger: loaded");
    let installed = cluster.ctl_when_clocks_agree(&install).demand(0);
    let said = installed.stderr.clone();
    installed.says(&["router: loaded", "Please run `platformctl start platform`"]);
    assert!(!said.contains("● load "), "images are loaded once:\n{said}");
    for (component, state, ..) in cluster.services() {
        assert_eq!(state, if component == "store" { "active/running" } else { "inactive/dead" }, "{component}");
    }
    let nodes = cluster.ctl(&["ssh", &cluster.node(0), "docker", "node", "ls", "--format", "{{.ManagerStatus}}"]);
    let nodes = nodes.demand(0).stdout;
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    assert_eq!(nodes.matches("Leader").count() + nodes.matches("Reachable").count(), 3, "{nodes}");
}

pub(super) fn start_goes_on_after_a_kill(cluster: &Cluster) {
    cluster.kill_at(&["start", "platform"], "Control plane...");
    let started = cluster.ctl(&["start", "platform"]).demand(0);
    started.says(&[
        "Storage subsystem...",
        "● store: active/running 3/3",
        "● logger: active/running 3/3",
        "● registry: active/running 1/1",
        "● controller: active/running 3/3",
        "● router: active/running 3/3",
        "Done.",
    ]);
    for (component, state, running, wanted) in cluster.services() {
        assert_eq!((state.as_str(), running), ("active/running", wanted), "{component}");
    }
    wait_for("the load balancer to find the routers", || {
        cluster.get("unknown.example.test", "/").is_ok_and(|(status, _)| status == 404)
    });
    assert_eq!(cluster.answered(DOMAIN, "/health-check").0, 200);
    let version = ["ssh", &cluster.node(0), "docker exec $(docker ps -q --filter name=platform_router) caddy version"];
    assert!(cluster.ctl(&version).demand(0).stdout.starts_with("v2.11.7"));
}
