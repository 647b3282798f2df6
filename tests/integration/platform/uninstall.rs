//! The platform goes; what it kept of settings stays, and it can be installed again.

use super::cluster::{Cluster, DOMAIN};
use crate::sandbox::wait_for;

pub(super) fn nothing_is_left(cluster: &Cluster) {
    cluster.ctl(&["stop", "router"]).demand(0).says(&["● router: inactive/dead"]);
    wait_for("the load balancer to lose the routers", || cluster.get(DOMAIN, "/").is_err());
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["● router: removed", "settings stay"]);
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["nothing is installed"]);
    let left = cluster.ctl(&["ssh", &cluster.node(0), "docker", "service", "ls", "-q"]).demand(0);
    assert_eq!(left.stdout, "");
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, format!("{DOMAIN}\n"));
}
