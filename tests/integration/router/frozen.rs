//! A router that was given a configuration which it refuses: it goes on, asks no more, and is found out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Map, Value};

use super::backend::{Backend, Manners};
use super::client::ask;
use super::mesh::{Mesh, RouterSettings};
use super::swarm::App;
use super::{HOST, get, serves};
use crate::sandbox::wait_for;

/// Another version's controller: answers one question, with what no Caddy takes.
fn answer_once(address: SocketAddr, mut document: Value) {
    document["apps"]["of another version"] = Value::Object(Map::new());
    let body = document.to_string();
    let listener = TcpListener::bind(address).expect("a free port");
    let (mut stream, _) = listener.accept().expect("a router asks");
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close", body.len());
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").as_bytes()).expect("sent");
}

#[test]
fn a_router_that_refused_its_routes_asks_again_after_a_restart() {
    let mut mesh = Mesh::new(RouterSettings::Plain);
    let backend = Backend::start(mesh.task_address(2), Manners::Good("here"));
    mesh.swarm.set(&[App::new("hello", &[HOST], mesh.task_port)]);
    mesh.resolver.set("tasks.app-hello", &[backend.ip()]);
    mesh.start_router();
    answer_once(mesh.controller, mesh.base());
    mesh.start_controller();
    // Routers ask once a second.
    let asked = |mesh: &Mesh| mesh.ask_controller("/routers").1;
    wait_for("the controller to run for a while", || {
        asked(&mesh).strip_prefix("up ").and_then(|up| up.lines().next()?.parse::<u64>().ok()).is_some_and(|up| up >= 4)
    });
    let told = asked(&mesh);
    assert_eq!(told.lines().count(), 1, "nobody asked:\n{told}");
    assert_eq!(ask(mesh.web, &get("any", "/health-check")).expect("the router goes on").status, 200);

    mesh.kill_router();
    mesh.start_router();
    wait_for("the route", || serves(&mesh, HOST, "here"));
    assert!(asked(&mesh).contains("\n127.0.0.1 "), "{}", asked(&mesh));
}
