//! A platform on a cluster of real machines: real swarm, real containers, requests through the real load balancer.
//! The machines take minutes, so one cluster walks through everything.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::images::{image_archives, own_images};
use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox, platformctl, wait_for};

const NAME: &str = "acropolis";
const DOMAIN: &str = "example.test";

struct Cluster {
    sandbox: Sandbox,
    inventory: Value,
}

impl Cluster {
    fn create() -> Self {
        // `install` finds them by itself.
        own_images();
        let mut sandbox = Sandbox::without_emulator();
        sandbox.start_emulator_with_machines();
        let created = sandbox.succeed(&[NAME, "--deis", "--data-disk", "8", "--local", "-o", "json"]);
        Self { inventory: created.json(), sandbox }
    }

    fn ctl(&self, arguments: &[&str]) -> Ended {
        self.sandbox.platformctl(arguments)
    }

    fn node(&self, index: usize) -> String {
        self.inventory["nodes"][index]["name"].as_str().unwrap().to_owned()
    }

    /// Status and body of a request for a host through the load balancer's port 80.
    fn get(&self, host: &str, path: &str) -> Result<(u16, String), String> {
        let ports = self.inventory["ports"].as_array().unwrap();
        let endpoint = &ports.iter().find(|port| port["name"] == "web").unwrap()["endpoint"];
        let url = format!("http://{}:{}{path}", endpoint["host"].as_str().unwrap(), endpoint["port"]);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let mut response = agent.get(url).header("host", host).call().map_err(|error| error.to_string())?;
        let body = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), body))
    }

    /// Ends a machine as a power cut does.
    fn cut_power(&self, name: &str) {
        let folder = self.sandbox.path("azure-local").display().to_string();
        let machine = format!("-{name}-");
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.starts_with("qemu-system") && line.contains(&folder) && line.contains(&machine) {
                let pid = entry.file_name().into_string().unwrap();
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
                return;
            }
        }
        panic!("no machine `{name}` runs");
    }

    /// Starts a machine again through Azure's API.
    fn start_machine(&self, name: &str) {
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/{NAME}/providers/Microsoft.Compute/virtualMachines/{name}/start\
             ?api-version=2024-07-01"
        );
        let (status, answer) = self.sandbox.request("POST", &path, None);
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    /// Runs `platformctl`, kills it as soon as it has said `words`, and demands that it was killed and not done.
    fn kill_at(&self, arguments: &[&str], words: &str) {
        let mut command = self.sandbox.command(platformctl(), arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (mut said, mut buffer) = (String::new(), [0; 1024]);
        while !said.contains(words) {
            let count = stderr.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "it ended before it said `{words}`:\n{said}");
            said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    fn services(&self) -> Vec<(String, String, u64, u64)> {
        let states = self.ctl(&["status", "-o", "json"]);
        let states = states.json();
        let text = |state: &Value, key: &str| state[key].as_str().unwrap().to_owned();
        states
            .as_array()
            .unwrap()
            .iter()
            .map(|state| {
                let active = format!("{}/{}", text(state, "active"), text(state, "sub"));
                (
                    text(state, "component"),
                    active,
                    state["running"].as_u64().unwrap(),
                    state["wanted"].as_u64().unwrap(),
                )
            })
            .collect()
    }
}

#[test]
fn a_platform_is_installed_and_started_and_serves_an_app() {
    let cluster = Cluster::create();
    what_is_missing_is_told(&cluster);
    settings_are_kept(&cluster);
    install_goes_on_after_a_kill(&cluster);
    start_goes_on_after_a_kill(&cluster);
    an_app_is_reached(&cluster);
}

#[test]
#[ignore = "takes most of an hour on emulated machines: cargo test --test integration -- --ignored"]
fn a_platform_lives_through_everything() {
    let cluster = Cluster::create();
    settings_are_kept(&cluster);
    install_goes_on_after_a_kill(&cluster);
    start_goes_on_after_a_kill(&cluster);
    crate::apps::walk(&cluster.sandbox, &|host, path| cluster.get(host, path));
    no_request_is_lost_while_an_app_changes(&cluster);
    routes_outlive_the_controllers(&cluster);
    requests_survive_the_loss_of_a_machine(&cluster);
    a_broken_upgrade_goes_back(&cluster);
    a_good_upgrade_is_rolled_out(&cluster);
    nothing_is_left(&cluster);
}

fn an_app_is_reached(cluster: &Cluster) {
    let apps = image_archives().join("apps.tar").display().to_string();
    cluster.ctl(&["apps", "create", "hello"]).demand(0);
    cluster.ctl(&["apps", "deploy", "hello", "--image", "hello:1", "--archive", &apps]).demand(0);
    let host = format!("hello.{DOMAIN}");
    wait_for("the router to find the app", || {
        cluster.get(&host, "/").is_ok_and(|(status, body)| status == 200 && body.starts_with("hello 1\n"))
    });
}

fn what_is_missing_is_told(cluster: &Cluster) {
    cluster.ctl(&["start", "platform"]).demand(8).says(&["no platform is installed", "platformctl install platform"]);
    cluster.ctl(&["status"]).demand(8).says(&["no platform is installed"]);
    let ended = cluster.ctl(&["install", "platform"]).demand(3);
    ended.says(&["missing platform domain", "platformctl config platform set domain="]);
    cluster.ctl(&["install", "ruoter"]).demand(2).says(&["did you mean `router`?"]);
    cluster.ctl(&["machines", "--identity", "/nowhere"]).demand(2).says(&["/nowhere"]);
}

fn settings_are_kept(cluster: &Cluster) {
    let wrong = cluster.ctl(&["config", "platform", "set", "domian=x", "domain=not a domain"]).demand(3);
    wrong.says(&["domian", "did you mean `platform/domain`?", "not a domain"]);
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, "\n", "nothing was written");

    let set = cluster.ctl(&["config", "platform", "set", &format!("domain={DOMAIN}")]).demand(0);
    assert_eq!(set.stdout, format!("platform/domain: {DOMAIN}\n"));
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, format!("{DOMAIN}\n"));
    let directory = "https://acme.example.com/directory?a=b=c";
    cluster.ctl(&["config", "router", "set", &format!("acmeDirectory={directory}")]).demand(0);
    assert_eq!(cluster.ctl(&["config", "router", "get", "acmeDirectory"]).demand(0).stdout, format!("{directory}\n"));
    cluster.ctl(&["config", "router", "rm", "acmeDirectory"]).demand(0);
    let listed = cluster.ctl(&["config", "logger", "list", "-o", "json"]).demand(0).json();
    assert_eq!(listed[0]["is_set"], json!(false), "{listed}");
}

fn install_goes_on_after_a_kill(cluster: &Cluster) {
    let images = image_archives().display().to_string();
    let without = cluster.ctl(&["install", "platform"]).demand(8);
    without.says(&["image `caddy:2.11.7`", "cannot be had on", "--images DIR"]);

    let install = ["install", "platform", "--images", &images];
    cluster.kill_at(&install, "swarm: forming");
    cluster.kill_at(&install, "logger: loaded");
    let installed = cluster.ctl(&install).demand(0);
    let said = installed.stderr.clone();
    installed.says(&["router: loaded", "Please run `platformctl start platform`"]);
    assert!(!said.contains("● load "), "images are loaded once:\n{said}");
    for (component, state, ..) in cluster.services() {
        assert_eq!(state, if component == "store" { "active/running" } else { "inactive/dead" }, "{component}");
    }
    let nodes = cluster.ctl(&["ssh", &cluster.node(0), "docker", "node", "ls", "--format", "{{.ManagerStatus}}"]);
    let nodes = nodes.demand(0).stdout;
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    assert_eq!(nodes.matches("Leader").count() + nodes.matches("Reachable").count(), 3, "{nodes}");
}

fn start_goes_on_after_a_kill(cluster: &Cluster) {
    cluster.kill_at(&["start", "platform"], "Control plane...");
    let started = cluster.ctl(&["start", "platform"]).demand(0);
    started.says(&[
        "Storage subsystem...",
        "● store: active/running 3/3",
        "● logger: active/running 3/3",
        "● registry: active/running 1/1",
        "● controller: active/running 3/3",
        "● router: active/running 3/3",
        "Done.",
    ]);
    for (component, state, running, wanted) in cluster.services() {
        assert_eq!((state.as_str(), running), ("active/running", wanted), "{component}");
    }
    wait_for("the load balancer to find the routers", || {
        cluster.get("unknown.example.test", "/").is_ok_and(|(status, _)| status == 404)
    });
    assert_eq!(cluster.get(DOMAIN, "/health-check").unwrap().0, 200);
    let version = ["ssh", &cluster.node(0), "docker exec $(docker ps -q --filter name=platform_router) caddy version"];
    assert!(cluster.ctl(&version).demand(0).stdout.starts_with("v2.11.7"));
}

/// A client that asks again when a request fails, as browsers do, for as long as it is told to.
fn keep_asking(cluster: &Cluster, host: &str, path: &str, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut last_good = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if cluster.get(host, path).is_ok_and(|(status, _)| status == 200) {
            longest = longest.max(last_good.elapsed());
            last_good = Instant::now();
        }
    }
    longest.max(last_good.elapsed())
}

/// Says how long nothing was answered, and demands that it was shorter than `bound`: far more than it takes, since machines here
/// may be emulated and share their processors with other tests.
fn silent_at_most(longest: Duration, when: &str, bound: Duration) {
    eprintln!("longest time without an answer {when}: {:.1} s", longest.as_secs_f64());
    assert!(longest < bound, "nothing was answered for {longest:?} {when}; {bound:?} is the most");
}

/// A client that asks once for each answer that it wants; how many requests it sent, and which of them failed.
fn count(cluster: &Cluster, host: &str, stop: &AtomicBool) -> (usize, Vec<String>) {
    let (mut asked, mut failed) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        match cluster.get(host, "/") {
            Ok((200, _)) => {}
            other => failed.push(format!("request {asked}: {other:?}")),
        }
    }
    (asked, failed)
}

/// Does something while two clients ask, and demands that each of their requests was answered.
fn nothing_is_lost_while(cluster: &Cluster, host: &str, what: &str, change: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| count(cluster, host, &stop)));
        change();
        stop.store(true, Ordering::Relaxed);
        let counted = clients.map(|client| client.join().unwrap());
        let asked: usize = counted.iter().map(|(asked, _)| asked).sum();
        let failed: Vec<&String> = counted.iter().flat_map(|(_, failed)| failed).collect();
        eprintln!("while {what}: {asked} requests, {} failed", failed.len());
        assert!(asked > 0 && failed.is_empty(), "while {what}: {failed:?}");
    });
}

fn no_request_is_lost_while_an_app_changes(cluster: &Cluster) {
    let apps = image_archives().join("apps.tar").display().to_string();
    let host = format!("busy.{DOMAIN}");
    cluster.ctl(&["apps", "create", "busy"]).demand(0);
    cluster.ctl(&["apps", "deploy", "busy", "--image", "hello:1", "--archive", &apps]).demand(0);
    cluster.ctl(&["apps", "scale", "busy", "3"]).demand(0);
    wait_for("the app", || cluster.get(&host, "/").is_ok_and(|(status, _)| status == 200));

    let deploy = ["apps", "deploy", "busy", "--image", "hello:2", "--archive", &apps];
    nothing_is_lost_while(cluster, &host, "another release is deployed", || drop(cluster.ctl(&deploy).demand(0)));
    nothing_is_lost_while(cluster, &host, "tasks go", || drop(cluster.ctl(&["apps", "scale", "busy", "2"]).demand(0)));
    let drained = machines_of(cluster, "busy").pop().expect("the app runs");
    let availability = |wanted: &str| {
        let command = ["ssh", &cluster.node(0), "docker", "node", "update", "--availability", wanted, &drained];
        cluster.ctl(&command).demand(0);
    };
    nothing_is_lost_while(cluster, &host, "a node is drained", || {
        availability("drain");
        wait_for("the app to run elsewhere", || {
            let machines = machines_of(cluster, "busy");
            machines.len() == 2 && !machines.contains(&drained)
        });
    });
    availability("active");
    wait_for("the node's own tasks to be back", || cluster.ctl(&["status"]).status == Some(0));
    cluster.ctl(&["apps", "destroy", "busy", "--yes"]).demand(0);
}

fn routes_outlive_the_controllers(cluster: &Cluster) {
    let host = format!("hello.{DOMAIN}");
    an_app_is_reached(cluster);
    cluster.ctl(&["stop", "controller"]).demand(0).says(&["● controller: inactive/dead"]);
    assert_eq!(cluster.get(&host, "/").map(|(status, _)| status), Ok(200));
    for index in 0..3 {
        let kill = ["ssh", &cluster.node(index), "docker kill $(docker ps -q --filter name=platform_router)"];
        cluster.ctl(&kill).demand(0);
    }
    wait_for("the routers to be back", || cluster.ctl(&["status", "router"]).status == Some(0));
    wait_for("the load balancer to find them", || cluster.get(&host, "/").is_ok_and(|(status, _)| status == 200));
    // Each router has the routes of before, and each is asked in turn.
    for _ in 0..12 {
        assert_eq!(cluster.get(&host, "/").map(|(status, _)| status), Ok(200));
    }
    cluster.ctl(&["start", "controller"]).demand(0);

    let started = Instant::now();
    cluster.ctl(&["apps", "domains", "hello", "add", "new.example.test"]).demand(0);
    let told = Instant::now();
    wait_for("every router to know the domain", || {
        (0..12).all(|_| cluster.get("new.example.test", "/").is_ok_and(|(status, _)| status == 200))
    });
    let (command, routers) = (told - started, told.elapsed());
    eprintln!("a domain was added in {command:.1?}; every router knew it {routers:.1?} after that");
    assert!(routers < Duration::from_secs(60), "{routers:?}");
    cluster.ctl(&["apps", "destroy", "hello", "--yes"]).demand(0);
}

/// Machines on which tasks of an app run; none when nobody can say.
fn machines_of(cluster: &Cluster, app: &str) -> Vec<String> {
    let info = cluster.ctl(&["apps", "info", app, "-o", "json"]);
    if info.status != Some(0) {
        return Vec::new();
    }
    let info = info.json();
    let running = info["processes"].as_array().unwrap().iter().filter(|process| process["state"] == "running");
    running.map(|process| process["machine"].as_str().unwrap().to_owned()).collect()
}

fn requests_survive_the_loss_of_a_machine(cluster: &Cluster) {
    cluster.ctl(&["apps", "create", "steady"]).demand(0);
    let apps = image_archives().join("apps.tar").display().to_string();
    cluster.ctl(&["apps", "deploy", "steady", "--image", "hello:1", "--archive", &apps]).demand(0);
    cluster.ctl(&["apps", "scale", "steady", "web=2"]).demand(0);
    let host = format!("steady.{DOMAIN}");
    wait_for("the app", || cluster.get(&host, "/").is_ok_and(|(status, _)| status == 200));

    let lost = machines_of(cluster, "steady").pop().expect("the app runs");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| keep_asking(cluster, &host, "/", &stop));
        cluster.cut_power(&lost);
        wait_for("the app to run on the machines that are left", || {
            let machines = machines_of(cluster, "steady");
            machines.len() == 2 && !machines.contains(&lost)
        });
        stop.store(true, Ordering::Relaxed);
        let longest = asking.join().unwrap();
        silent_at_most(longest, "while a machine was lost", Duration::from_secs(120));
        assert_eq!(cluster.get(&host, "/").map(|(status, _)| status), Ok(200));
    });
    let doctor = cluster.ctl(&["doctor"]).demand(7);
    assert!(doctor.stdout.contains(&format!("FAIL  ssh           {lost}")), "{}", doctor.stdout);

    cluster.start_machine(&lost);
    wait_for("the machine to join again by itself", || {
        let states = cluster.ctl(&["status"]);
        states.status == Some(0) && states.stdout.contains("router: active/running 3/3")
    });
    cluster.ctl(&["apps", "destroy", "steady", "--yes"]).demand(0);
}

/// The shipped bundle as version 2.1.0, with `from` in its stack replaced.
fn changed_bundle(cluster: &Cluster, from: &str, to: &str) -> String {
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

fn a_broken_upgrade_goes_back(cluster: &Cluster) {
    let images = image_archives().display().to_string();
    let missing = changed_bundle(cluster, "image: registry:2.8.3", "image: registry:none");
    cluster
        .ctl(&["upgrade", "--bundle", &missing, "--images", &images])
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
fn a_good_upgrade_is_rolled_out(cluster: &Cluster) {
    let good = changed_bundle(cluster, r#"net.ipv4.tcp_retries2: "5""#, r#"net.ipv4.tcp_retries2: "6""#);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| keep_asking(cluster, DOMAIN, "/health-check", &stop));
        let ended = cluster.ctl(&["upgrade", "--bundle", &good]);
        stop.store(true, Ordering::Relaxed);
        let longest = asking.join().unwrap();
        silent_at_most(longest, "during an upgrade", Duration::from_secs(60));
        ended.demand(0).says(&["● router: active/running 3/3", "● platform: version 2.1.0 (was 2.0.0)"]);
    });
    let format = "{{.Spec.TaskTemplate.ContainerSpec.Sysctls}}";
    let inspect = ["ssh", &cluster.node(0), "docker", "service", "inspect", "--format", format, "platform_router"];
    let found = cluster.ctl(&inspect).demand(0).stdout;
    assert!(found.contains("net.ipv4.tcp_retries2:6"), "{found}");
    for (component, state, running, wanted) in cluster.services() {
        assert_eq!((state.as_str(), running), ("active/running", wanted), "{component}");
    }
}

fn nothing_is_left(cluster: &Cluster) {
    cluster.ctl(&["stop", "router"]).demand(0).says(&["● router: inactive/dead"]);
    wait_for("the load balancer to lose the routers", || cluster.get(DOMAIN, "/").is_err());
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["● router: removed", "settings stay"]);
    cluster.ctl(&["uninstall", "platform"]).demand(0).says(&["nothing is installed"]);
    let left = cluster.ctl(&["ssh", &cluster.node(0), "docker", "service", "ls", "-q"]).demand(0);
    assert_eq!(left.stdout, "");
    assert_eq!(cluster.ctl(&["config", "platform", "get", "domain"]).demand(0).stdout, format!("{DOMAIN}\n"));
}
