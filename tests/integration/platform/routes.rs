//! What routers do while apps, nodes and controllers come and go.

use std::time::Instant;

use super::cluster::{Cluster, DOMAIN, machines_of};
use crate::images::image_archives;
use crate::load::Load;
use crate::sandbox::wait_for;

pub(super) fn an_app_is_reached(cluster: &Cluster) {
    let apps = image_archives().join("apps.tar").display().to_string();
    cluster.ctl(&["apps", "create", "hello"]).demand(0);
    cluster.ctl(&["apps", "deploy", "hello", "--image", "hello:1", "--archive", &apps]).demand(0);
    let host = format!("hello.{DOMAIN}");
    wait_for("the router to find the app", || {
        cluster.get(&host, "/").is_ok_and(|(status, body)| status == 200 && body.starts_with("hello 1\n"))
    });
}

/// Makes an app with three tasks, and returns its host.
pub(super) fn an_app_with_tasks(cluster: &Cluster, app: &str) -> String {
    let apps = image_archives().join("apps.tar").display().to_string();
    let host = format!("{app}.{DOMAIN}");
    cluster.ctl(&["apps", "create", app]).demand(0);
    cluster.ctl(&["apps", "deploy", app, "--image", "hello:1", "--archive", &apps]).demand(0);
    cluster.ctl(&["apps", "scale", app, "3"]).demand(0);
    wait_for("the app", || cluster.get(&host, "/").is_ok_and(|(status, _)| status == 200));
    host
}

/// Tasks go, and the others leave a node that is drained; two of them are left.
pub(super) fn no_request_is_lost_while_tasks_move(cluster: &Cluster, app: &str, host: &str) {
    let nothing_is_lost_while = |what: &str, change: &dyn Fn()| {
        Load::during(what, 2, &|host, path| cluster.get(host, path), (host, "/"), change).demand_none_lost(20);
    };
    nothing_is_lost_while("tasks go", &|| drop(cluster.ctl(&["apps", "scale", app, "2"]).demand(0)));
    let drained = machines_of(cluster, app).pop().expect("the app runs");
    let availability = |wanted: &str| {
        let command = ["ssh", &cluster.node(0), "docker", "node", "update", "--availability", wanted, &drained];
        cluster.ctl(&command).demand(0);
    };
    nothing_is_lost_while("a node is drained", &|| {
        availability("drain");
        wait_for("the app to run elsewhere", || {
            let machines = machines_of(cluster, app);
            machines.len() == 2 && !machines.contains(&drained)
        });
    });
    availability("active");
    wait_for("the node's own tasks to be back", || cluster.ctl(&["status"]).status == Some(0));
}

/// Those of [`an_app_is_reached`].
pub(super) fn routes_outlive_the_controllers(cluster: &Cluster) {
    let host = format!("hello.{DOMAIN}");
    cluster.ctl(&["stop", "controller"]).demand(0).says(&["● controller: inactive/dead"]);
    assert_eq!(cluster.get(&host, "/").map(|(status, _)| status), Ok(200));
    for index in 0..3 {
        let kill = ["ssh", &cluster.node(index), "docker kill $(docker ps -q --filter name=platform_router)"];
        cluster.ctl(&kill).demand(0);
    }
    wait_for("the routers to be back", || cluster.ctl(&["status", "router"]).status == Some(0));
    // Each is asked in turn; nobody would tell the routes to one that had lost them.
    wait_for("every router to serve what it served before", || {
        (0..12).all(|_| cluster.get(&host, "/").is_ok_and(|(status, _)| status == 200))
    });
    cluster.ctl(&["start", "controller"]).demand(0);

    let started = Instant::now();
    cluster.ctl(&["apps", "domains", "hello", "add", "new.example.test"]).demand(0);
    let told = Instant::now();
    wait_for("every router to know the domain", || {
        (0..12).all(|_| cluster.get("new.example.test", "/").is_ok_and(|(status, _)| status == 200))
    });
    let (command, routers) = (told - started, told.elapsed());
    eprintln!("a domain was added in {command:.1?}; every router knew it {routers:.1?} after that");
    cluster.ctl(&["apps", "destroy", "hello", "--yes"]).demand(0);
}
