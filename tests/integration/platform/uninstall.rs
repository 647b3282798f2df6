//! The platform goes and comes again; what it kept stays.

use super::cluster::{Cluster, DOMAIN};
use crate::sandbox::wait_for;

/// A file in a volume of the router's.
const KEPT: &str = "kept-by-a-test";

pub(super) fn nothing_is_left(cluster: &Cluster) {
    cluster.ctl(&["dock", "router", "sh", "-c", &format!("echo kept > /data/{KEPT}")]).demand(0);
    cluster.ctl(&["stop", "router"]).demand(0).says(&["● router: inactive/dead"]);
    wait_for("the load balancer to lose the routers", || cluster.get(DOMAIN, "/").is_err());
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["● router: removed", "settings stay"]);
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["nothing is installed"]);
    let left = cluster.ctl(&["ssh", &cluster.node(0), "docker", "service", "ls", "-q"]).demand(0);
    assert_eq!(left.stdout, "");
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, format!("{DOMAIN}\n"));
}

/// Without its images and settings given again.
pub(super) fn it_comes_again(cluster: &Cluster) {
    cluster.ctl_when_clocks_agree(&["install", "platform"]).demand(0).says(&["● router: loaded"]);
    cluster.ctl(&["start", "platform"]).demand(0).says(&["● router: active/running 3/3", "Done."]);
    wait_for("the load balancer to find the routers", || {
        cluster.get("unknown.example.test", "/").is_ok_and(|(status, _)| status == 404)
    });
    let find = format!("sudo test -e /var/lib/docker/volumes/platform_router-data/_data/{KEPT}");
    let found = (0..3).filter(|index| cluster.ctl(&["ssh", &cluster.node(*index), &find]).status == Some(0));
    assert_eq!(found.count(), 1, "what a router kept is where it was");
}
