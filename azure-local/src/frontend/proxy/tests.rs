//! The proxy between real sockets; machines are local servers.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::frontend::{Check, Probe};
use crate::machine::{MachineError, MachineSpec};

const DEADLINE: Duration = Duration::from_secs(60);

const GUEST_PORT: u16 = 80;

/// Each machine is whatever listens at its address.
#[derive(Default)]
struct LocalMachines {
    addresses: Mutex<HashMap<(String, u16), SocketAddr>>,
}

impl LocalMachines {
    fn set(&self, machine: &str, port: u16, address: SocketAddr) {
        self.addresses.lock().expect("a lock").insert((machine.to_owned(), port), address);
    }

    fn unset(&self, machine: &str, port: u16) {
        self.addresses.lock().expect("a lock").remove(&(machine.to_owned(), port));
    }
}

#[async_trait]
impl MachineHost for LocalMachines {
    async fn start(&self, _: &MachineSpec) -> Result<(), MachineError> {
        Ok(())
    }
    async fn wait_until_ready(&self, _: &str, _: Duration) -> Result<(), MachineError> {
        Ok(())
    }
    async fn stop(&self, _: &str) -> Result<(), MachineError> {
        Ok(())
    }
    async fn suspend(&self, _: &str) -> Result<(), MachineError> {
        Ok(())
    }
    async fn delete(&self, _: &str, _: &[String]) -> Result<(), MachineError> {
        Ok(())
    }
    async fn delete_disk(&self, _: &str) -> Result<(), MachineError> {
        Ok(())
    }
    async fn forward(&self, id: &str, port: u16) -> Result<SocketAddr, MachineError> {
        self.addresses.lock().expect("a lock").get(&(id.to_owned(), port)).copied().ok_or(MachineError::NotRunning)
    }
    fn is_running(&self, _: &str) -> bool {
        true
    }
    fn console(&self, _: &str) -> String {
        String::new()
    }
    async fn shut_down(&self) {}
}

/// A server that sends its name and then everything back that it gets.
async fn echo_server(name: &'static str) -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(name.as_bytes()).await;
                let (mut input, mut output) = stream.split();
                let _ = tokio::io::copy(&mut input, &mut output).await;
            });
        }
    });
    address
}

/// A server that answers every request with `status`.
async fn http_server(status: Arc<Mutex<&'static str>>) -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut request = vec![0; 1024];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let asked = String::from_utf8_lossy(&request[..length]).starts_with("GET /health-check HTTP/1.1\r\n");
            let status = if asked { *status.lock().expect("a lock") } else { "400 Bad Request" };
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
        }
    });
    address
}

/// An address at which connections are accepted and closed, as QEMU does for a guest that refuses them.
async fn closing_server() -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move { while socket.accept().await.is_ok() {} });
    address
}

fn listener(rule: &str, target: Target) -> Listener {
    Listener {
        address: Ipv4Addr::new(127, 0, 0, 9),
        port: 0,
        rule: rule.to_owned(),
        idle_timeout: Duration::from_secs(600),
        reset_when_idle: true,
        target,
    }
}

fn pool(machines: &[&str], probe: Option<Probe>) -> Target {
    Target::Pool { machines: machines.iter().map(|&id| id.to_owned()).collect(), port: GUEST_PORT, probe }
}

fn nat(machine: &str) -> Target {
    Target::Machine { machine: machine.to_owned(), port: GUEST_PORT }
}

fn tcp_probe() -> Probe {
    Probe { check: Check::Tcp, port: GUEST_PORT, interval: Duration::from_millis(100), threshold: 1 }
}

async fn healthy(proxy: &TcpProxy, rule: &str, wanted: &[&str]) {
    timeout(DEADLINE, async {
        loop {
            let bound = proxy.bound();
            if bound.iter().find(|bound| bound.rule == rule).is_some_and(|bound| bound.healthy_machines == wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("wanted {wanted:?}, have {:?}", proxy.bound()));
}

/// Connects and reads the name of the server.
async fn greeted(address: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let mut name = [0; 3];
    timeout(DEADLINE, stream.read_exact(&mut name)).await.expect("in time").expect("a name");
    (stream, String::from_utf8_lossy(&name).into_owned())
}

/// How a connection ends: `Ok` with what came before a proper end, or the error.
async fn end_of(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("an end in time").map(|_| rest)
}

async fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"ping").await.expect("sent");
    let mut answer = [0; 4];
    timeout(DEADLINE, stream.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    assert_eq!(&answer, b"ping");
}

fn proxy() -> (Arc<LocalMachines>, TcpProxy) {
    let machines = Arc::new(LocalMachines::default());
    (Arc::clone(&machines), TcpProxy::new(machines))
}

#[tokio::test]
async fn a_nat_rule_reaches_its_machine_and_carries_both_ends() {
    let (machines, proxy) = proxy();
    machines.set("a", GUEST_PORT, echo_server("one").await);
    proxy.apply(vec![listener("ssh", nat("a"))]).await;
    let bound = proxy.bound();
    assert_eq!(bound[0].healthy_machines, ["a"]);
    let (mut stream, name) = greeted(bound[0].bound.expect("open")).await;
    assert_eq!(name, "one");
    // One direction ends before the other: what is on its way still arrives.
    stream.write_all(b"last words").await.expect("sent");
    stream.shutdown().await.expect("half closed");
    assert_eq!(end_of(&mut stream).await.expect("a proper end"), b"last words");
    proxy.shut_down().await;
    assert!(proxy.bound().is_empty());
    assert!(TcpStream::connect(bound[0].bound.expect("open")).await.is_err());
}

#[tokio::test]
async fn connections_go_to_every_healthy_member_and_to_no_other() {
    let (machines, proxy) = proxy();
    machines.set("a", GUEST_PORT, echo_server("one").await);
    machines.set("b", GUEST_PORT, echo_server("two").await);
    machines.set("c", GUEST_PORT, closing_server().await);
    proxy.apply(vec![listener("web", pool(&["a", "b", "c", "d"], Some(tcp_probe())))]).await;
    healthy(&proxy, "web", &["a", "b"]).await;
    let address = proxy.bound()[0].bound.expect("open");
    let mut seen = std::collections::BTreeSet::new();
    timeout(DEADLINE, async {
        while seen.len() < 2 {
            seen.insert(greeted(address).await.1);
        }
    })
    .await
    .expect("both members get connections");

    let (mut established, _) = greeted(address).await;
    machines.unset("a", GUEST_PORT);
    machines.unset("b", GUEST_PORT);
    healthy(&proxy, "web", &[]).await;
    // No member is left for new connections; the established one goes on.
    let mut refused = TcpStream::connect(address).await.expect("accepted");
    assert_eq!(end_of(&mut refused).await.expect_err("a reset").kind(), io::ErrorKind::ConnectionReset);
    echoes(&mut established).await;

    machines.set("d", GUEST_PORT, echo_server("new").await);
    healthy(&proxy, "web", &["d"]).await;
    assert_eq!(greeted(address).await.1, "new");
    proxy.shut_down().await;
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_passed_over() {
    let (machines, proxy) = proxy();
    machines.set("b", GUEST_PORT, closing_server().await);
    machines.set("c", GUEST_PORT, echo_server("yes").await);
    proxy.apply(vec![listener("web", pool(&["a", "b", "c"], None))]).await;
    for _ in 0..20 {
        assert_eq!(greeted(proxy.bound()[0].bound.expect("open")).await.1, "yes");
    }
    proxy.shut_down().await;
}

#[tokio::test]
async fn an_http_probe_wants_200() {
    let (machines, proxy) = proxy();
    let status = Arc::new(Mutex::new("503 Service Unavailable"));
    machines.set("a", 8080, http_server(Arc::clone(&status)).await);
    machines.set("a", GUEST_PORT, echo_server("one").await);
    let check = Check::Http { path: "/health-check".to_owned() };
    let probe = Probe { check, port: 8080, interval: Duration::from_millis(50), threshold: 2 };
    proxy.apply(vec![listener("web", pool(&["a"], Some(probe)))]).await;
    healthy(&proxy, "web", &[]).await;
    *status.lock().expect("a lock") = "200 OK";
    healthy(&proxy, "web", &["a"]).await;
    *status.lock().expect("a lock") = "204 No Content";
    healthy(&proxy, "web", &[]).await;
    proxy.shut_down().await;
}

#[tokio::test]
async fn changes_leave_what_stays_alone() {
    let (machines, proxy) = proxy();
    machines.set("a", GUEST_PORT, echo_server("one").await);
    machines.set("b", GUEST_PORT, echo_server("two").await);
    proxy.apply(vec![listener("web", pool(&["a"], None)), listener("ssh", nat("a"))]).await;
    let before = proxy.bound();
    let (mut web, _) = greeted(before[0].bound.expect("open")).await;
    let (mut ssh, _) = greeted(before[1].bound.expect("open")).await;

    proxy.apply(vec![listener("web", pool(&["b"], None))]).await;
    let after = proxy.bound();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].bound.expect("open"), before[0].bound.expect("open"));
    echoes(&mut web).await;
    assert_eq!(greeted(after[0].bound.expect("open")).await.1, "two");
    // The removed rule's connection has ended, one way or the other.
    if let Ok(rest) = end_of(&mut ssh).await {
        assert!(rest.is_empty());
    }
    proxy.shut_down().await;
}

#[tokio::test]
async fn a_port_that_is_taken_gets_a_substitute() {
    let (machines, proxy) = proxy();
    machines.set("a", GUEST_PORT, echo_server("one").await);
    let address = Ipv4Addr::new(127, 0, 0, 9);
    let taken = TcpListener::bind((address, 0)).await.expect("bound");
    let port = taken.local_addr().expect("an address").port();
    proxy.apply(vec![Listener { port, ..listener("ssh", nat("a")) }]).await;
    let bound = proxy.bound().remove(0);
    assert_eq!(bound.public, SocketAddr::from((address, port)));
    assert_eq!(bound.bound.expect("open").ip(), address);
    assert_ne!(bound.bound.expect("open").port(), port);
    assert_eq!(greeted(bound.bound.expect("open")).await.1, "one");
    proxy.shut_down().await;
}

#[tokio::test]
async fn silence_ends_a_connection_and_traffic_keeps_it() {
    let (machines, proxy) = proxy();
    machines.set("a", GUEST_PORT, echo_server("one").await);
    let short = |rule, reset_when_idle| Listener {
        idle_timeout: Duration::from_millis(300),
        reset_when_idle,
        ..listener(rule, nat("a"))
    };
    proxy.apply(vec![short("reset", true), short("quiet", false)]).await;
    let bound = proxy.bound();
    let (mut reset, _) = greeted(bound[0].bound.expect("open")).await;
    assert_eq!(end_of(&mut reset).await.expect_err("a reset").kind(), io::ErrorKind::ConnectionReset);
    let (mut quiet, _) = greeted(bound[1].bound.expect("open")).await;
    assert_eq!(end_of(&mut quiet).await.expect("a proper end"), b"");
    proxy.shut_down().await;
}
