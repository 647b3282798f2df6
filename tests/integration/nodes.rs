//! Nodes that are reached over SSH: connections that are lost, and the cluster's lock with a real etcd.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ::nodes::cluster::{Cluster, ClusterFacts, ClusterLock, Holder, LOCK_KEY, Node, Route, Taken, Timeouts};
use ::nodes::etcd::{Store, StoreError, Transaction};
use ::nodes::inventory::{InventoryNode, SocketEndpoint};
use ::nodes::ssh::Identity;
use report::Reporter;

use crate::sandbox::{Sandbox, platformctl};
use crate::ssh_server::SshServer;

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real etcd of one member; its address.
fn etcd(folder: &Path) -> (Process, String) {
    let ports = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [client, peer] = ports.map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    let mut command = Command::new("etcd");
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client, "--listen-peer-urls", &peer]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process(command.spawn().expect("etcd starts: Debian's package `etcd-server`"));
    wait_for("etcd", || etcdctl(&client, &["endpoint", "health"]).is_some());
    (process, client)
}

/// What etcdctl prints; none when it fails.
fn etcdctl(endpoints: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoints]).args(arguments);
    let output = command.output().expect("etcdctl starts: Debian's package `etcd-client`");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waiting for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn facts(server: &SshServer) -> ClusterFacts {
    let node = InventoryNode {
        name: "node-0".into(),
        private_address: "127.0.0.1".parse().unwrap(),
        etcd_member: true,
        data_disk: false,
        ssh: SocketEndpoint { host: server.address.ip().to_string(), port: server.address.port() },
        host_key: server.host_key.clone(),
    };
    ClusterFacts {
        name: "mycluster".into(),
        nodes: vec![node],
        public_address: "127.0.0.1".parse().unwrap(),
        ports: Vec::new(),
    }
}

/// A cluster of the one node, and the file of a key that may sign in.
fn cluster(sandbox: &Sandbox, server: &SshServer) -> (Cluster, std::path::PathBuf) {
    let file = sandbox.path("key");
    let key = coreos_cluster::pki::generate_ssh_key_pair("operator").unwrap();
    std::fs::write(&file, &key.private).unwrap();
    let identity = Identity::load(Some(&file)).unwrap();
    (Cluster::new(facts(server), identity, Route::Direct, Timeouts::default()), file)
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

fn holder(command: &str) -> Holder {
    Holder::here("ann".into(), command)
}

#[test]
fn a_connection_that_breaks_under_a_command_is_made_again() {
    let sandbox = Sandbox::without_emulator();
    let server = SshServer::start(&[]);
    let (cluster, _) = cluster(&sandbox, &server);
    run(lose_and_ask_again(&cluster.nodes()[0], &server));
}

async fn lose_and_ask_again(node: &Node, server: &SshServer) {
    let output = node.run("echo lose-the-connection", None, Duration::from_secs(30)).await.unwrap();
    assert_eq!((output.status, output.stdout.trim()), (0, "lose-the-connection"));
    assert_eq!(server.connected(), 2, "the first connection was lost");
    node.run("true", None, Duration::from_secs(30)).await.unwrap();
    assert_eq!(server.connected(), 2, "one connection a node");
    node.disconnect().await;
    node.run("true", None, Duration::from_secs(30)).await.unwrap();
    assert_eq!(server.connected(), 3);
}

#[test]
fn writes_are_made_by_the_holder_of_the_lock_alone() {
    let sandbox = Sandbox::without_emulator();
    let (_etcd, endpoint) = etcd(&sandbox.path(""));
    let server = SshServer::start(&[("ETCDCTL_ENDPOINTS", &endpoint), ("ETCDCTL_API", "3")]);
    let (cluster, _) = cluster(&sandbox, &server);
    run(hold_and_lose(&cluster, &endpoint));
}

async fn hold_and_lose(cluster: &Cluster, endpoint: &str) {
    let store = Store::new(cluster.clone());
    let put = Transaction::new().put("/platform/web/color", "it's \"red\"\n");
    assert!(matches!(store.commit(&put).await, Err(StoreError::NotLocked)));

    let take = async |command: &str| {
        let never = std::future::pending::<()>();
        tokio::pin!(never);
        match ClusterLock::take(cluster, &holder(command), &Reporter::silent(), never).await.unwrap() {
            Taken::Held(lock) => lock,
            Taken::GivenUp => panic!("nobody gave up"),
        }
    };
    let lock = take("platformctl start platform").await;
    let mine = store.clone().fenced(lock.fence());
    assert!(mine.commit(&put).await.unwrap());
    assert_eq!(store.get("/platform/web/color").await.unwrap().unwrap().value, "it's \"red\"\n");
    let stale = Transaction::new().expect_revision("/platform/web/color", 1).put("/platform/web/color", "blue");
    assert!(!mine.commit(&stale).await.unwrap(), "a comparison of its own, while the lock holds");

    // Who wants it meanwhile may give up, and leaves nothing behind.
    let soon = tokio::time::sleep(Duration::from_millis(300));
    tokio::pin!(soon);
    let given_up = ClusterLock::take(cluster, &holder("platformctl stop router"), &Reporter::silent(), soon).await;
    assert!(matches!(given_up.unwrap(), Taken::GivenUp));

    // The lease ends behind our back: the holder hears of it, and writes nothing from then on.
    etcdctl(endpoint, &["del", LOCK_KEY]).unwrap();
    assert!(matches!(mine.commit(&put).await, Err(StoreError::LockLost)));
    let next = take("platformctl stop router").await;
    assert!(matches!(mine.commit(&put).await, Err(StoreError::LockLost)), "nor when someone else holds it");
    let leases = etcdctl(endpoint, &["lease", "list"]).unwrap();
    for lease in leases.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        etcdctl(endpoint, &["lease", "revoke", lease.trim()]).unwrap();
    }
    let failure = tokio::time::timeout(Duration::from_secs(60), next.lost()).await.expect("the loss is told");
    assert_eq!(failure.exit_code(), 8);
    assert!(failure.to_string().contains("the cluster's lock was lost"), "{failure}");
    next.release().await;
    lock.release().await;

    let last = take("platformctl start platform").await;
    last.release().await;
    assert_eq!(etcdctl(endpoint, &["get", LOCK_KEY]).unwrap(), "", "let go at once");
    assert!(etcdctl(endpoint, &["lease", "list"]).unwrap().starts_with("found 0 leases"));
}

#[test]
fn an_interrupted_command_lets_go_and_who_waits_is_told_whom_for() {
    let sandbox = Sandbox::without_emulator();
    let (_etcd, endpoint) = etcd(&sandbox.path(""));
    let environment = [("ETCDCTL_ENDPOINTS", endpoint.as_str()), ("ETCDCTL_API", "3")];
    let server = SshServer::start(&environment);
    let (_, key) = cluster(&sandbox, &server);
    let folder = sandbox.path("state/mycluster");
    std::fs::create_dir_all(&folder).unwrap();
    let facts = facts(&server);
    let inventory = serde_json::json!({
        "name": "mycluster", "cloud": "local", "subscription": "s", "resource_group": "g", "location": "l",
        "public_address": "127.0.0.1", "fqdn": null, "dns_records": [], "ports": [], "nodes": facts.nodes,
        "ssh": {"user": "core", "identity": null, "config": "ssh_config", "known_hosts": "known_hosts"},
    });
    std::fs::write(folder.join("inventory.json"), inventory.to_string()).unwrap();
    let start = |arguments: &[&str], log: &str| {
        let log = std::fs::File::create(sandbox.path(log)).unwrap();
        let mut command = Command::new(platformctl());
        command.args(["--cluster", "mycluster", "--state-dir"]).arg(sandbox.path("state")).arg("--identity").arg(&key);
        command.args(arguments).env("USER", "ann").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Process(command.spawn().unwrap())
    };
    let said = |log: &str| std::fs::read_to_string(sandbox.path(log)).unwrap();
    let interrupt = |process: &Process| {
        let id = process.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    };

    let mut holding = start(&["install", "platform"], "holding");
    let held = || !etcdctl(&endpoint, &["get", LOCK_KEY]).unwrap().is_empty();
    // Under the lock it asks Docker, which never answers.
    wait_for("the work", || server.is_silent());
    assert!(held());
    let mut waiting = start(&["stop", "router"], "waiting");
    wait_for("who waits", || said("waiting").contains("waiting for the cluster's lock"));
    let expected = format!("(process {}) since 2", holding.0.id());
    for part in ["which ann on ", &expected, "for `platformctl install platform` holds"] {
        assert!(said("waiting").contains(part), "{part}: {}", said("waiting"));
    }
    interrupt(&waiting);
    assert_eq!(waiting.0.wait().unwrap().code(), Some(130), "{}", said("waiting"));
    assert!(held(), "who gives up takes nothing from who holds it");
    interrupt(&holding);
    assert_eq!(holding.0.wait().unwrap().code(), Some(130), "{}", said("holding"));
    assert!(!held(), "the lock is free when the command has ended");
}

/// The one cluster that is known is not meant when a tunnel leads elsewhere; and who is there is pinned first.
#[test]
fn a_tunnel_leads_past_a_cluster_without_machines() {
    let sandbox = Sandbox::with_emulator(&[]);
    sandbox.succeed(&["mycluster", "--local", "--no-wait"]);
    let key = sandbox.cluster("mycluster").join("id_ed25519");
    let machines = ["--tunnel", "127.0.0.1:1", "--identity", key.to_str().unwrap(), "machines"];
    sandbox.platformctl(&machines).demand(2).says(&[
        ".ssh/known_hosts`: No such file",
        "`ssh -p 1 core@127.0.0.1` asks once whether its key is right and keeps it; --known-hosts FILE names another file",
    ]);
    let named = sandbox.platformctl(&[&["--cluster", "mycluster"], &machines[..]].concat()).demand(8);
    named.says(&["cluster `mycluster` has no machines"]);
}
