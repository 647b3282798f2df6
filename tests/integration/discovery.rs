//! etcd's discovery: the service with real etcd members, and what creation asks of a service.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::sandbox::{CREATOR, Process, Sandbox, wait_for};

/// A running discovery service.
struct Service {
    process: Process,
    /// `http://127.0.0.1:<port>`.
    base: String,
}

impl Service {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(CREATOR, &["discovery", "serve"]);
        let log = std::fs::File::create(sandbox.path("service.log")).unwrap();
        let command = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut process = Process(command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("discovery service: ").unwrap_or_else(|| panic!("{line:?}"));
        let base = url.strip_suffix("/new?size=3").unwrap().to_owned();
        Self { process, base }
    }

    fn at_any_port(sandbox: &Sandbox) -> Self {
        Self::start(sandbox, &["--address", "127.0.0.1:0"])
    }

    /// Asks it to end, and demands that it does so in good order.
    fn stop(mut self) {
        let asked = Command::new("kill").arg(self.process.0.id().to_string()).status().unwrap();
        assert!(asked.success() && self.process.0.wait().unwrap().success());
    }

    /// A new token's URL.
    fn token(&self, size: u32) -> String {
        let (status, url) = request("GET", &format!("{}/new?size={size}", self.base), "");
        assert_eq!(status, 200, "{url}");
        url
    }
}

fn send(method: &str, url: &str, body: &str) -> ureq::http::Response<ureq::Body> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    agent.run(request.body(body.to_owned()).unwrap()).unwrap()
}

/// The status and the text of an answer.
fn request(method: &str, url: &str, body: &str) -> (u16, String) {
    let mut response = send(method, url, body);
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn document(method: &str, url: &str, body: &str) -> (u16, Value) {
    let (status, text) = request(method, url, body);
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// Ports that were free just now.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A real etcd that finds its peers by `token`.
struct Etcd {
    process: Process,
    client_url: String,
    log: PathBuf,
}

impl Etcd {
    fn start(folder: &Path, name: &str, token: &str) -> Self {
        let [client, peer] = free_ports();
        let (client_url, peer_url) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let log = folder.join(format!("{name}.log"));
        let output = std::fs::File::create(&log).unwrap();
        let mut command = Command::new("etcd");
        command.args(["--name", name, "--discovery", token, "--discovery-fallback=exit"]);
        command.arg("--data-dir").arg(folder.join(name));
        command.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        command.args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url]);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let process = Process(command.spawn().expect("etcd starts: Debian's package `etcd-server`"));
        Self { process, client_url, log }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Whether it succeeds, and what it prints.
fn etcdctl(endpoints: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("etcdctl");
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoints]).args(arguments);
    let output = command.output().expect("etcdctl starts: Debian's package `etcd-client`");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn three_real_members_find_each_other_over_a_restart_and_a_fourth_is_too_many() {
    let sandbox = Sandbox::without_emulator();
    let service = Service::start(&sandbox, &["--address", "127.0.0.1:0", "--state", "state.json"]);
    let token = service.token(3);
    let etcd = |name| Etcd::start(&sandbox.path(""), name, &token);
    let registered = || document("GET", &token, "").1["node"]["nodes"].as_array().map_or(0, Vec::len);
    let (one, two) = (etcd("one"), etcd("two"));
    wait_for("two registrations", || registered() == 2);
    // Those who wait are let go, come back, and are told of the third.
    let address = service.base.strip_prefix("http://").unwrap().to_owned();
    service.stop();
    let _service = Service::start(&sandbox, &["--address", &address, "--state", "state.json"]);
    let mut members = [one, two, etcd("three")];
    let endpoints = members.iter().map(|member| member.client_url.as_str()).collect::<Vec<_>>().join(",");
    wait_for("etcd's health", || {
        for member in &mut members {
            let ended = member.process.0.try_wait().unwrap();
            assert!(ended.is_none(), "etcd ended with {ended:?}:\n{}", std::fs::read_to_string(&member.log).unwrap());
        }
        etcdctl(&endpoints, &["endpoint", "health"]).0
    });
    let (_, list) = etcdctl(&endpoints, &["member", "list"]);
    let mut names: Vec<&str> = list.lines().filter_map(|line| line.split(", ").nth(2)).collect();
    names.sort_unstable();
    assert_eq!(names, ["one", "three", "two"], "{list}");
    assert_eq!(list.matches("started").count(), 3, "{list}");

    let mut fourth = etcd("four");
    let mut ended = None;
    wait_for("the fourth's end", || {
        ended = fourth.process.0.try_wait().unwrap();
        ended.is_some()
    });
    assert!(!ended.unwrap().success() && fourth.log().contains("cluster is full"), "{}", fourth.log());
    assert_eq!(registered(), 3);
}

#[test]
fn the_protocol() {
    let sandbox = Sandbox::without_emulator();
    let service = Service::at_any_port(&sandbox);
    let token = service.token(2);
    assert_eq!(request("GET", &format!("{}/health", service.base), ""), (200, "OK".into()));
    let (status, size) = document("GET", &format!("{token}/_config/size?quorum=false"), "");
    assert_eq!((status, &size["action"], &size["node"]["value"]), (200, &"get".into(), &"2".into()));
    assert!(size["node"]["createdIndex"].as_u64().unwrap() >= 2, "{size}");

    // A wait for what is to come ends when it comes.
    let response = send("GET", &format!("{token}/"), "");
    let index: u64 = response.headers()["x-etcd-index"].to_str().unwrap().parse().unwrap();
    let url = format!("{token}?wait=true&recursive=true&waitIndex={}", index + 1);
    let waiting = std::thread::spawn(move || document("GET", &url, ""));
    let (status, made) = document("PUT", &format!("{token}/1f?prevExist=false"), "value=a%3Dhttp%3A%2F%2Fa%3A2380");
    assert_eq!((status, &made["action"]), (201, &"create".into()));
    let (status, seen) = waiting.join().unwrap();
    assert_eq!((status, &seen["node"]), (200, &made["node"]));
    assert_eq!(seen["node"]["value"], "a=http://a:2380");

    // A wait for what was is answered at once.
    let created = made["node"]["createdIndex"].as_u64().unwrap();
    let (_, seen) = document("GET", &format!("{token}/1f?wait=true&waitIndex={created}"), "");
    assert_eq!(seen["node"], made["node"]);

    for (method, url, body, status, code) in [
        ("PUT", format!("{token}/1f?prevExist=false"), "value=b", 412, 105),
        ("PUT", token.clone(), "value=b", 403, 102),
        ("GET", format!("{token}/2f"), "", 404, 100),
        ("DELETE", format!("{token}/2f"), "", 404, 100),
        ("GET", format!("{}/0123456789abcdef0123456789abcdef", service.base), "", 404, 100),
        ("GET", format!("{}/short/_config/size", service.base), "", 404, 100),
        ("GET", format!("{}/a/b/c", service.base), "", 404, 100),
    ] {
        let (found, answer) = document(method, &url, body);
        assert_eq!((found, &answer["errorCode"]), (status, &code.into()), "{method} {url}: {answer}");
        assert!(answer["message"].is_string() && answer["index"].is_u64(), "{answer}");
    }
    for size in ["0", "100", "many"] {
        assert_eq!(request("GET", &format!("{}/new?size={size}", service.base), "").0, 400, "{size}");
    }
    assert_eq!(document("DELETE", &format!("{token}/1f"), "").0, 200);
    assert_eq!(document("GET", &token, "").1["node"].get("nodes"), None);
}

#[test]
fn a_service_remembers_over_restarts() {
    let sandbox = Sandbox::without_emulator();
    let state = ["--address", "127.0.0.1:0", "--state", "state.json"];
    let service = Service::start(&sandbox, &state);
    let token = service.token(3);
    document("PUT", &format!("{token}/1f?prevExist=false"), "value=a%3Dhttp%3A%2F%2Fa");

    service.stop();
    let path = token.rsplit('/').next().unwrap();
    {
        let service = Service::start(&sandbox, &state);
        let (_, directory) = document("GET", &format!("{}/{path}", service.base), "");
        assert_eq!(directory["node"]["nodes"][0]["value"], "a=http://a", "{directory}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = sandbox.run(&["discovery", "serve", "--address", &address]).demand(2);
    ended.says(&["`--address`: listening on 127.0.0.1:", "Address already in use", "port 0 takes a free one"]);
    let public = Service::start(&sandbox, &[&state[..], &["--public-url", "https://discovery.example.test/"]].concat());
    assert_eq!(public.base, "https://discovery.example.test");
    drop(public);
    std::fs::write(sandbox.path("state.json"), "{").unwrap();
    let damaged = sandbox.run(&[&["discovery", "serve"], &state[..]].concat()).demand(3);
    damaged.says(&["state.json`: is damaged: ", "name another file, or `rm '"]);
    sandbox
        .run(&["discovery", "serve", "--public-url", "ftp://host"])
        .demand(2)
        .says(&["`--public-url` must be like https://discovery.example.com, found `ftp://host/`"]);
}

/// A service that answers every request with this status, until the tests end.
fn stub(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        }
    });
    base
}

#[test]
fn what_does_not_suit_is_found_before_anything_is_made() {
    let sandbox = Sandbox::with_emulator(&[]);
    let service = Service::at_any_port(&sandbox);
    let used = service.token(3);
    document("PUT", &format!("{used}/1f?prevExist=false"), "value=one%3Dhttp%3A%2F%2Fa");
    let [closed] = free_ports();
    let closed = format!("http://127.0.0.1:{closed}");
    let unavailable = stub("503 Service Unavailable", "down for good");
    let page = stub("200 OK", "<html>");
    for (url, status, parts) in [
        (
            service.token(5),
            3,
            vec!["`--discovery-service-url`: `http", "is for 5 members, and this cluster has 3 etcd"],
        ),
        (used, 3, vec!["is used already: 1 registered with it (one)", "hint: a token serves one cluster once; curl"]),
        (format!("{}/0123456789abcdef0123456789abcdef", service.base), 3, vec!["is not known to its service"]),
        (format!("{page}/0123"), 3, vec!["is no discovery token", "HTTP status 200: `<html>`"]),
        (page, 3, vec!["gives no discovery token: it answered HTTP status 200: `<html>`"]),
        ("nowhere".into(), 3, vec!["discovery URL `nowhere` is no URL"]),
        (format!("{closed}/0123"), 6, vec!["error: reading discovery token", "cause: ", "hint: leave --discovery"]),
        (format!("{unavailable}/0123"), 6, vec!["HTTP status 503: `down for good`", "discovery serve"]),
        (unavailable, 6, vec!["error: asking `http", "for a discovery token", "HTTP status 503"]),
    ] {
        let ended = sandbox.run(&["mycluster", "--local", "--no-wait", "--discovery-service-url", &url]);
        ended.demand(status).says(&parts);
        let puts = sandbox.writes().into_iter().filter(|(method, _, _)| method == "PUT").count();
        assert_eq!(puts, 0, "{url}");
        assert!(!sandbox.path("state").exists(), "{url} left a file");
    }
}

#[test]
fn a_token_is_asked_for_once_and_kept() {
    let sandbox = Sandbox::with_emulator(&[]);
    let service = Service::at_any_port(&sandbox);
    let with_service = |arguments: &[&str]| {
        let url = ["--local", "--discovery-service-url", &service.base];
        sandbox.succeed(&[arguments, &url].concat())
    };
    let state = || std::fs::read_to_string(sandbox.cluster("mycluster").join("spec.json")).unwrap();
    let tokens = || std::fs::read_to_string(sandbox.path("service.log")).unwrap().matches("a new token").count();
    for command in ["plan", "preflight"] {
        with_service(&[command, "mycluster"]).says(&["creation asks http://127.0.0.1", "a token for 3 members"]);
    }
    let ended = with_service(&["user-data", "mycluster"]).says(&["creation asks http://127.0.0.1"]);
    assert!(ended.stdout.contains(&format!("ETCD_DISCOVERY={}/new", service.base)), "{}", ended.stdout);
    assert_eq!(tokens(), 0);

    with_service(&["mycluster", "--no-wait"]).says(&["● discovery: http://127.0.0.1", "is each machine itself"]);
    let spec: Value = serde_json::from_str(&state()).unwrap();
    let token = spec["spec"]["discovery_url"].as_str().unwrap().to_owned();
    assert_eq!(document("GET", &format!("{token}/_config/size"), "").1["node"]["value"], "3");
    let printed = sandbox.succeed(&["user-data", "mycluster"]).stdout;
    assert!(printed.contains(&format!("ETCD_DISCOVERY={token}")), "{printed}");
    assert!(!printed.contains("ETCD_INITIAL_CLUSTER"), "{printed}");

    // The members have registered by now, and the service may be gone.
    document("PUT", &format!("{token}/1f?prevExist=false"), "value=one%3Dhttp%3A%2F%2Fa");
    with_service(&["mycluster", "--no-wait"]).says(&["plan: nothing to do"]);
    sandbox.succeed(&["mycluster", "--no-wait", "--discovery-service-url", &token]).says(&["plan: nothing to do"]);
    assert_eq!(tokens(), 1);
    sandbox
        .run(&["mycluster", "--no-wait", "--no-discovery-url"])
        .demand(3)
        .says(&[&format!("the cluster's discovery URL is `{token}` and cannot become `none`")]);
}

/// A first run that failed before there were machines binds no discovery URL.
#[test]
fn a_token_is_taken_after_a_run_that_made_no_machine() {
    let sandbox = Sandbox::with_emulator(&[]);
    let service = Service::at_any_port(&sandbox);
    let policies = |list: Value| sandbox.request("PUT", "/azure-local/policies", Some(&list));
    policies(serde_json::json!([{"type": "Microsoft.Network/loadBalancers", "message": "no load balancers here"}]));
    sandbox.run(&["mycluster", "--local", "--no-wait"]).demand(5).says(&["no load balancers here"]);
    policies(serde_json::json!([]));
    let stored = || -> Value {
        let text = std::fs::read_to_string(sandbox.cluster("mycluster").join("spec.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(stored()["bound"], "resources");

    let (closed, again) = (service.token(5), ["mycluster", "--local", "--no-wait", "--discovery-service-url"]);
    sandbox.run(&[&again[..], &[&closed]].concat()).demand(3).says(&["is for 5 members"]);
    let ended = sandbox.succeed(&[&again[..], &[&service.base]].concat());
    let token = stored()["spec"]["discovery_url"].as_str().unwrap().to_owned();
    assert_ne!(token, closed);
    ended.says(&[&format!("● discovery: {token}")]);
    let printed = sandbox.succeed(&["user-data", "mycluster"]).stdout;
    assert!(printed.contains(&format!("ETCD_DISCOVERY={token}")), "{printed}");
}

#[test]
fn a_fresh_token_is_taken_and_a_switch_drops_it() {
    let sandbox = Sandbox::with_emulator(&[]);
    let service = Service::at_any_port(&sandbox);
    let token = service.token(3);
    std::fs::write(sandbox.path("cluster.yaml"), format!("name: mycluster\ndiscovery_service_url: {token}\n")).unwrap();
    let create = ["-f", "cluster.yaml", "--local", "--no-wait"];
    let user_data = |arguments: &[&str]| sandbox.succeed(&[&["user-data"], arguments].concat()).stdout;
    assert!(user_data(&["-f", "cluster.yaml"]).contains(&format!("ETCD_DISCOVERY={token}")));
    let by_a_list = user_data(&["-f", "cluster.yaml", "--no-discovery-url"]);
    assert!(by_a_list.contains("ETCD_INITIAL_CLUSTER=") && !by_a_list.contains("ETCD_DISCOVERY"), "{by_a_list}");
    sandbox.succeed(&create);
    let printed = sandbox.succeed(&["config", "show", "-f", "cluster.yaml"]).stdout;
    assert!(printed.contains(&token) && printed.contains("cluster.yaml line 2"), "{printed}");
}
