//! The router against nginx: requests per second and the slowest of a hundred, in front of the same app, on loopback, one
//! after the other in the same run. The router is the bundle's own configuration with the controller's route in it, and the
//! real Caddy. Prints both and their ratio; judges nothing.
//!
//! `cargo bench --profile dev --bench router [-- SECONDS]`, with nginx on the path (`apt-get install nginx-light`).

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::routing::get;
use controller::caddy::Base;
use controller::site::Site;
use platform::bundle::{Bundle, Values};
use routing::{Route, Rules, Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Of each measurement.
const SECONDS: u64 = 5;
/// Each asks for the next answer when it has the last one.
const CONNECTIONS: usize = 32;
/// The two take turns, so that whatever else the machine does meets both.
const ROUNDS: usize = 3;
const DEADLINE: Duration = Duration::from_secs(20);
const HOST: &str = "hello.example.test";
const ANSWER: &str = "hello\n";

/// What one measurement found.
#[derive(Clone, Copy)]
struct Found {
    per_second: f64,
    p99_milliseconds: f64,
}

/// A program that ends with the bench, in order, so that it ends its own children too.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let [app, router, nginx] = [free_address(), free_address(), free_address()];
    runtime.spawn(serve(app));
    let _router = start_router(folder.path(), router, app);
    let second = start_nginx(folder.path(), nginx, app);
    let measure = |address| runtime.block_on(load(address, Duration::from_secs(seconds)));
    for address in [Some(app), Some(router), second.is_some().then_some(nginx)].into_iter().flatten() {
        runtime.block_on(wait_for(address));
    }
    tell("the app alone", measure(app));
    let (mut of_router, mut of_nginx) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_router.push(measure(router));
        if second.is_some() {
            of_nginx.push(measure(nginx));
        }
    }
    let of_router = middle(of_router);
    tell("through the router", of_router);
    if second.is_none() {
        println!("SKIPPED: no nginx on the path, so there is nothing to compare with: apt-get install nginx-light");
        return;
    }
    let of_nginx = middle(of_nginx);
    tell("through nginx", of_nginx);
    println!(
        "ratio router to nginx: {:.2} (requests per second), {:.2} (p99)",
        of_router.per_second / of_nginx.per_second,
        of_router.p99_milliseconds / of_nginx.p99_milliseconds
    );
}

fn tell(what: &str, found: Found) {
    println!("{what:<20} {:>8.0} requests per second, p99 {:>7.2} ms", found.per_second, found.p99_milliseconds);
}

/// The measurement in the middle by requests per second.
fn middle(mut found: Vec<Found>) -> Found {
    found.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
    found[found.len() / 2]
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port")
}

async fn serve(address: SocketAddr) {
    let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
    axum::serve(listener, axum::Router::new().route("/", get(async || ANSWER))).await.expect("the app serves");
}

/// Caddy as the bundle starts it, but for ports, folders and who tells it routes: they stand in it already.
fn start_router(folder: &Path, address: SocketAddr, app: SocketAddr) -> Running {
    let fetched = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-caddy"))
        .stderr(Stdio::inherit())
        .output()
        .expect("scripts/fetch-caddy starts");
    assert!(fetched.status.success(), "scripts/fetch-caddy ended with {}", fetched.status);
    let program = String::from_utf8(fetched.stdout).expect("a path");
    let bundle = Bundle::shipped_named("platform").expect("the bundle");
    let mut values = Values::new();
    values.set("platform", "domain", "example.test");
    let configs = bundle.render(&values).unwrap_or_else(|problems| panic!("{problems}")).configs;
    let base = configs.iter().find(|config| config.content.contains("\"@id\": \"apps\"")).expect("a configuration");
    let route = Route {
        domains: vec![HOST.parse().expect("a domain")],
        upstream: Upstream::tasks_of("app-hello"),
        port: app.port(),
        rules: Rules::default(),
    };
    let site = Site { service: "app-hello_web".into(), route, is_stopped: false };
    let mut document = Base::read(&base.content).expect("a base").with(&[site], &[start_resolver()], &[]);
    document["admin"] = json!({"disabled": true});
    document["apps"]["http"]["shutdown_delay"] = json!("0s");
    let http = &mut document["apps"]["http"];
    http["http_port"] = json!(address.port());
    http["servers"]["apps"]["listen"] = json!([address.to_string()]);
    http["servers"].as_object_mut().and_then(|servers| servers.remove("health")).expect("a health check");
    let path = folder.join("caddy.json");
    std::fs::write(&path, document.to_string()).expect("written");
    let mut command = Command::new(program.trim_end());
    command.args(["run", "--config"]).arg(path).env("HOME", folder).env("XDG_CONFIG_HOME", folder);
    command.env("XDG_DATA_HOME", folder).stdin(Stdio::null()).stdout(Stdio::null());
    Running(command.spawn().expect("Caddy starts"))
}

/// Says of every name that it is this machine: <https://www.rfc-editor.org/rfc/rfc1035#section-4>.
fn start_resolver() -> SocketAddr {
    const HEAD: usize = 12;
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            let mut end = HEAD;
            while question[end] > 0 {
                end += usize::from(question[end]) + 1;
            }
            let mut answer = question[..2].to_vec();
            answer.extend([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
            answer.extend(&question[HEAD..end + 5]);
            answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// nginx as a router of the same kind would have it; none where it is not installed.
fn start_nginx(folder: &Path, address: SocketAddr, app: SocketAddr) -> Option<Running> {
    let configuration = format!(
        "daemon off; master_process on; worker_processes auto; pid {0}/nginx.pid; error_log {0}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};
  upstream app {{ server {app}; keepalive 64; }}
  server {{
    listen {address}; server_name {HOST}; keepalive_requests 100000000;
    location / {{
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }}
  }}
}}
",
        folder.display()
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, configuration).expect("written");
    let mut command = Command::new("nginx");
    command.arg("-c").arg(path).arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log"));
    match command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn() {
        Ok(child) => Some(Running(child)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("nginx does not start: {error}"),
    }
}

async fn wait_for(address: SocketAddr) {
    let deadline = Instant::now() + DEADLINE;
    let mut bytes = Vec::new();
    loop {
        if let Ok(mut stream) = TcpStream::connect(address).await
            && ask(&mut stream, &mut bytes).await.is_ok()
        {
            return;
        }
        assert!(Instant::now() < deadline, "nothing answers on {address}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As many requests as get answers in this time.
async fn load(address: SocketAddr, time: Duration) -> Found {
    let end = Instant::now() + time;
    let clients = (0..CONNECTIONS).map(|_| {
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            let (mut times, mut bytes) = (Vec::new(), Vec::new());
            while Instant::now() < end {
                let started = Instant::now();
                ask(&mut stream, &mut bytes).await.expect("an answer");
                times.push(started.elapsed());
            }
            times
        })
    });
    let mut times: Vec<Duration> = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        times.extend(client.await.expect("a client"));
    }
    times.sort();
    let p99 = times[times.len() * 99 / 100];
    Found { per_second: times.len() as f64 / time.as_secs_f64(), p99_milliseconds: p99.as_secs_f64() * 1000.0 }
}

/// One request and its whole answer, which ends with the app's own text.
async fn ask(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
    bytes.clear();
    while !bytes.ends_with(format!("\r\n\r\n{ANSWER}").as_bytes()) {
        if stream.read_buf(bytes).await? == 0 {
            return Err(std::io::Error::other("the connection ended"));
        }
        if !bytes.starts_with(b"HTTP/1.1 200") {
            return Err(std::io::Error::other(String::from_utf8_lossy(bytes).into_owned()));
        }
    }
    Ok(())
}
