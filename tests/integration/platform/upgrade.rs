//! Another version of the bundle: one that does not come up goes back, a good one is rolled out under requests.

use super::cluster::Cluster;
use crate::images::image_archives;
use crate::load::Load;

/// The shipped bundle as version 2.1.0, with `from` in its stack replaced.
pub(super) fn changed_bundle(cluster: &Cluster, from: &str, to: &str) -> String {
    let units = cluster.sandbox.path("units").display().to_string();
    cluster.ctl(&["refresh", "--path", &units, "--force"]).demand(0);
    let folder = format!("{units}/platform");
    for (file, from, to) in [("platform.yaml", "version: 2.0.0", "version: 2.1.0"), ("stack.yaml", from, to)] {
        let path = format!("{folder}/{file}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }
    folder
}

pub(super) fn a_broken_upgrade_goes_back(cluster: &Cluster) {
    let images = image_archives().display().to_string();
    let missing = changed_bundle(cluster, "image: registry:2.8.3", "image: registry:none");
    cluster
        .ctl_when_clocks_agree(&["upgrade", "--bundle", &missing, "--images", &images])
        .demand(8)
        .says(&["image `registry:none` cannot be had on"]);

    let broken = changed_bundle(cluster, "image: registry:2.8.3", "image: hello:broken");
    let ended = cluster.ctl(&["upgrade", "--bundle", &broken, "--images", &images]).demand(8);
    ended.says(&["component `registry`", "going back to version 2.0.0", "every component is at version 2.0.0 again"]);
    for (component, state, running, wanted) in cluster.services() {
        assert_eq!((state.as_str(), running), ("active/running", wanted), "{component}");
    }
}

/// Routers are replaced one after the other while requests run.
pub(super) fn a_good_upgrade_is_rolled_out(cluster: &Cluster) {
    let good = changed_bundle(cluster, r#"net.ipv4.tcp_retries2: "5""#, r#"net.ipv4.tcp_retries2: "6""#);
    // Every router has this page, also while it ends; the probe's own page says then that it does.
    let page = |host: &str, path: &str| match cluster.get(host, path) {
        Ok((404, body)) => Ok((200, body)),
        other => Err(format!("{other:?}")),
    };
    let load = Load::during("routers are replaced", 2, &page, ("unknown.example.test", "/"), || {
        let ended = cluster.ctl(&["upgrade", "--bundle", &good]).demand(0);
        ended.says(&["● router: active/running 3/3", "● platform: version 2.1.0 (was 2.0.0)"]);
    });
    load.demand_none_lost(10);
    let format = "{{.Spec.TaskTemplate.ContainerSpec.Sysctls}}";
    let inspect = ["ssh", &cluster.node(0), "docker", "service", "inspect", "--format", format, "platform_router"];
    let found = cluster.ctl(&inspect).demand(0).stdout;
    assert!(found.contains("net.ipv4.tcp_retries2:6") && found.contains("net.ipv4.tcp_migrate_req:1"), "{found}");
    for (component, state, running, wanted) in cluster.services() {
        assert_eq!((state.as_str(), running), ("active/running", wanted), "{component}");
    }
}
