//! What one client does is no other client's trouble, tasks that are replaced are nobody's, and every wait has an end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use routing::Rules;

use super::backend::{Backend, Manners};
use super::client::{ask, break_off};
use super::mesh::{Mesh, RouterSettings, base_text, router_container};
use super::swarm::App;
use super::{HOST, get, page, serves};
use crate::sandbox::wait_for;

/// Uploads that break off, bodies that are too large and pages that are slow take no task out for everybody.
#[test]
fn no_client_takes_a_task_out_for_others() {
    const MISDEEDS: usize = 30;
    let mut mesh = Mesh::new(RouterSettings::Plain);
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    let rules = Rules { body_bytes: Some(1000), ..Rules::default() };
    mesh.swarm.set(&[App { rules, ..App::new("hello", &[HOST], mesh.task_port) }]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "here"));
    let post = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
    // Its length is not said beforehand, so it is under way before it is too long.
    let piece = format!("400\r\n{}\r\n", "x".repeat(0x400));
    let large = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{piece}{piece}0\r\n\r\n"
    );
    let mut longest = Duration::ZERO;
    for number in 0..MISDEEDS {
        break_off(mesh.web, HOST);
        let answer = ask(mesh.web, &large);
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 413), "the body is too large");
        let started = Instant::now();
        assert_eq!(page(&mesh, HOST), (200, "here\n".into()), "after {number} misdeeds of each kind");
        assert_eq!(ask(mesh.web, &post).unwrap().status, 200, "after {number} misdeeds of each kind");
        longest = longest.max(started.elapsed());
    }
    eprintln!("longest time of two answers meanwhile: {:.3} s", longest.as_secs_f64());
    wait_for("uploads that broke off to have reached the task", || backend.requests_of("POST") > MISDEEDS);
}

/// The only task gives way to another one, again and again, under load: no request fails.
#[test]
fn no_request_is_lost_while_tasks_are_replaced() {
    const CLIENTS: usize = 4;
    const REPLACEMENTS: u8 = 3;
    let mut mesh = Mesh::new(RouterSettings::Plain);
    let mut backend = Backend::start(mesh.task_address(2), Manners::Good("task"));
    mesh.swarm.set(&[App::new("hello", &[HOST], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    mesh.start_controller();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "task"));
    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failed: Vec<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut failed = Vec::new();
                    while !is_over.load(Ordering::SeqCst) {
                        asked.fetch_add(1, Ordering::SeqCst);
                        match ask(mesh.web, &get(HOST, "/")) {
                            Ok(answer) if answer.status == 200 => {}
                            Ok(answer) => failed.push(format!("{} {}", answer.status, answer.body)),
                            Err(error) => failed.push(error.to_string()),
                        }
                    }
                    failed
                })
            })
            .collect();
        for number in 0..REPLACEMENTS {
            // As the swarm does: the new task is there, the old one's address goes, then the old task.
            let next = Backend::start(mesh.task_address(3 + number), Manners::Good("task"));
            mesh.resolver.set("tasks.app-hello", &[backend.ip(), next.ip()]);
            wait_for("requests to the new task", || next.requests() > 20);
            mesh.resolver.set("tasks.app-hello", &[next.ip()]);
            drop(std::mem::replace(&mut backend, next));
            let before = backend.requests();
            wait_for("requests to it alone", || backend.requests() > before + 100);
        }
        is_over.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked > 300 && failed.is_empty(), "{} of {asked} failed: {failed:#?}", failed.len());
}

/// What the bundle says of waits; those of the way to a task are held by the controller's own tests.
#[test]
fn every_wait_of_a_router_is_bounded() {
    let base: serde_json::Value = serde_json::from_str(&base_text(RouterSettings::Plain)).expect("JSON");
    for (path, expected) in [
        ("/apps/http/servers/apps/read_header_timeout", "1m"),
        ("/apps/http/servers/apps/read_timeout", "12h"),
        ("/apps/http/servers/apps/idle_timeout", "20m"),
        ("/apps/http/shutdown_delay", "15s"),
        ("/apps/http/grace_period", "20s"),
        ("/admin/config/load/timeout", "5s"),
        ("/admin/config/load_delay", "1s"),
    ] {
        assert_eq!(base.pointer(path).and_then(serde_json::Value::as_str), Some(expected), "{path}");
    }
    // Docker waits until both are over before it kills.
    let container = router_container();
    let grace = Duration::from_nanos(container.stop_grace_period.expect("a time").unsigned_abs());
    assert!(grace > Duration::from_secs(15 + 20), "{grace:?}");
    assert_eq!(container.stop_signal, None, "Caddy ends in order on SIGTERM, which is Docker's own");
}
