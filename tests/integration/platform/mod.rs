//! A platform on a cluster of real machines: real swarm, real containers, requests through the real load balancer.
//!
//! Machines and a platform on them take minutes. So the first test that needs them makes them once, and they are kept as files
//! in the state that `local down --suspend` leaves; each test lets a copy go on from there.

mod certificates;
mod cluster;
mod install;
mod loss;
mod prepared;
mod routes;
mod stores;
mod uninstall;
mod upgrade;

use prepared::{authorities, running_platform};

#[test]
fn a_platform_is_installed_and_started_although_commands_are_killed() {
    let cluster = running_platform();
    routes::an_app_is_reached(&cluster);
    certificates::are_on_every_router(&cluster, &mut authorities());
    routes::routes_outlive_the_controllers(&cluster);
}

#[test]
fn apps_live_from_create_to_destroy() {
    let cluster = running_platform();
    crate::apps::walk(&cluster.sandbox, &|host, path| cluster.get(host, path));
}

#[test]
fn requests_survive_moves_of_tasks_and_the_loss_of_a_machine() {
    let cluster = running_platform();
    let app = "steady";
    let host = routes::an_app_with_tasks(&cluster, app);
    routes::no_request_is_lost_while_tasks_move(&cluster, app, &host);
    loss::requests_survive_the_loss_of_a_machine(&cluster, app, &host);
}

#[test]
fn a_broken_upgrade_goes_back_and_a_good_one_is_rolled_out() {
    let cluster = running_platform();
    upgrade::a_broken_upgrade_goes_back(&cluster);
    upgrade::a_good_upgrade_is_rolled_out(&cluster);
}

#[test]
fn an_uninstalled_platform_leaves_its_settings_and_can_be_installed_again() {
    let cluster = running_platform();
    uninstall::nothing_is_left(&cluster);
    uninstall::it_comes_again(&cluster);
}

#[test]
#[ignore = "takes minutes on emulated machines: cargo test --test integration -- --ignored platform::"]
fn databases_images_and_logs_are_kept_and_sent_on() {
    let cluster = running_platform();
    stores::the_database_is_saved_and_restored(&cluster);
    stores::images_are_pushed_and_pulled(&cluster);
    stores::lines_reach_a_drain(&cluster);
}
