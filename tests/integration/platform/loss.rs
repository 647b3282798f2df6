//! A machine loses its power while requests run.

use std::time::Duration;

use super::cluster::{Cluster, machines_of};
use crate::load::Load;
use crate::sandbox::wait_for;

/// Requests that may fail: those that are on their way to the machine, and those that its place in the load balancer still gets
/// until the probe has failed twice. Each takes a client some time.
const FAILED: usize = 40;

/// Of an app with two tasks.
pub(super) fn requests_survive_the_loss_of_a_machine(cluster: &Cluster, app: &str, host: &str) {
    let lost = machines_of(cluster, app).pop().expect("the app runs");
    let load = Load::during("a machine is lost", 2, &|host, path| cluster.get(host, path), (host, "/"), || {
        cluster.cut_power(&lost);
        wait_for("the app to run on the machines that are left", || {
            let machines = machines_of(cluster, app);
            machines.len() == 2 && !machines.contains(&lost)
        });
    });
    load.demand_at_most(FAILED, Duration::from_secs(120));
    assert_eq!(cluster.answered(host, "/").0, 200);
    let doctor = cluster.ctl(&["doctor"]).demand(7);
    assert!(doctor.stdout.contains(&format!("FAIL  ssh           {lost}")), "{}", doctor.stdout);

    cluster.start_machine(&lost);
    wait_for("the machine to join again by itself", || {
        let states = cluster.ctl(&["status"]);
        states.status == Some(0) && states.stdout.contains("router: active/running 3/3")
    });
    cluster.ctl(&["apps", "destroy", app, "--yes"]).demand(0);
}
