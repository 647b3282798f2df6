//! A router, a controller and what they look at, on free ports of this machine; all of it ends with the test.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bollard::models::TaskSpecContainerSpec;
use platform::bundle::{Bundle, Values};
use platform::compose::Rendered;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::authority::{Authority, Pair};
use super::etcd::Etcd;
use super::pebble::Pebble;
use super::swarm::Swarm;
use crate::sandbox::program;

/// What names of the bundle's labels begin with.
pub(super) const PREFIX: &str = "platform.route";
/// How long the router says that it ends before it does; the bundle's own time would only make the tests longer.
const SHUTDOWN_DELAY: &str = "3s";
/// Below it are those of well-known services.
const FIRST_PORT: u16 = 10_000;
const MOST_TRIES: u32 = 1000;
/// Where the authority writes.
const EMAIL: &str = "operator@example.test";

/// Which of the bundle's settings there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RouterSettings {
    Plain,
    /// `router/sslCert` and `router/sslKey`.
    WithCertificate,
    /// `router/acmeEmail`.
    Ordering,
}

/// The real program; the first caller on a machine fetches it, others wait.
pub(crate) fn caddy() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fetch-caddy");
            let output = Command::new(script).stdin(Stdio::null()).output().expect("scripts/fetch-caddy starts");
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "scripts/fetch-caddy ended with {}:\n{says}", output.status);
            PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end())
        })
        .clone()
}

fn rendered(settings: RouterSettings) -> Rendered {
    let bundle = Bundle::shipped_named("platform").expect("the bundle");
    assert_eq!(bundle.apps.as_ref().map(|apps| apps.labels.as_str()), Some(PREFIX));
    let mut values = Values::new();
    values.set("platform", "domain", "example.test");
    if settings == RouterSettings::WithCertificate {
        values.set("router", "sslCert", "a chain");
        values.set_secret("router", "sslKey");
    }
    if settings == RouterSettings::Ordering {
        values.set("router", "acmeEmail", EMAIL);
    }
    bundle.render(&values).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What the bundle's routers start from.
pub(super) fn base_text(settings: RouterSettings) -> String {
    let configs = rendered(settings).configs;
    let found = configs.into_iter().find(|config| config.content.contains("\"@id\": \"apps\""));
    found.expect("a configuration of the router").content
}

/// The bundle's router as the swarm gets it.
pub(super) fn router_container() -> TaskSpecContainerSpec {
    let services = rendered(RouterSettings::Plain).services;
    let service = services.into_iter().find(|service| service.component == "router").expect("a router");
    service.spec.task_template.and_then(|task| task.container_spec).expect("a container")
}

/// The command by which the bundle starts its routers: a line for `sh -c`.
fn router_line() -> String {
    let container = router_container();
    assert_eq!(container.command, Some(vec!["sh".to_owned(), "-c".to_owned()]));
    container.args.and_then(|arguments| arguments.into_iter().next()).expect("a line")
}

/// A free port of the loopback addresses, which tests of one process never get twice, and which no outgoing connection takes
/// while nobody listens there, unless this machine leaves outgoing connections nearly all ports.
pub(super) fn free_port() -> u16 {
    static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("the system's ports");
    let outgoing: u16 = range.split_whitespace().next().and_then(|first| first.parse().ok()).expect("a port");
    for _ in 0..MOST_TRIES {
        let wanted = if outgoing < FIRST_PORT + 1000 { 0 } else { rand::random_range(FIRST_PORT..outgoing) };
        let Ok(listener) = TcpListener::bind((Ipv4Addr::UNSPECIFIED, wanted)) else { continue };
        let port = listener.local_addr().expect("an address").port();
        let mut taken = TAKEN.lock().unwrap();
        if !taken.contains(&port) {
            taken.push(port);
            return port;
        }
    }
    panic!("none of {MOST_TRIES} ports is free");
}

/// Addresses of this machine that one mesh has for itself.
fn address_of(network: u32, number: u8) -> Ipv4Addr {
    let [_, _, high, low] = network.to_be_bytes();
    Ipv4Addr::new(127, 100 + high, low, number)
}

/// A program that ends with the test also when the test is killed: <https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html>.
pub(super) fn ends_with_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

pub(super) struct Mesh {
    folder: TempDir,
    pub swarm: Swarm,
    pub resolver: Resolver,
    pub web: SocketAddr,
    pub secure: SocketAddr,
    pub health: SocketAddr,
    pub controller: SocketAddr,
    /// Where all tasks listen, each on an address of its own.
    pub task_port: u16,
    network: u32,
    controller_arguments: Vec<String>,
    running: BTreeMap<&'static str, Child>,
}

impl Mesh {
    pub(super) fn new(settings: RouterSettings) -> Self {
        // Each test has tasks on addresses of its own.
        static NETWORKS: AtomicU32 = AtomicU32::new(1);
        let folder = tempfile::Builder::new().prefix("router-").tempdir().expect("a folder");
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Controllers listen on addresses of their own, on one port, as tasks of a service do.
        static CONTROLLER_PORT: OnceLock<u16> = OnceLock::new();
        let network = NETWORKS.fetch_add(1, Ordering::SeqCst);
        let mesh = Self {
            swarm: Swarm::listen(&folder.path().join("docker.sock")),
            resolver: Resolver::start(),
            web: local(free_port()),
            secure: local(free_port()),
            health: local(free_port()),
            controller: SocketAddr::from((address_of(network, 1), *CONTROLLER_PORT.get_or_init(free_port))),
            task_port: free_port(),
            network,
            controller_arguments: Vec::new(),
            running: BTreeMap::new(),
            folder,
        };
        let path = |name: &str| mesh.folder.path().join(name);
        let mut base: Value = serde_json::from_str(&base_text(settings)).expect("JSON");
        base["admin"]["config"]["load"]["url"] = json!(format!("http://{}/routes.json", mesh.controller));
        let http = &mut base["apps"]["http"];
        http["http_port"] = json!(mesh.web.port());
        http["shutdown_delay"] = json!(SHUTDOWN_DELAY);
        http["servers"]["apps"]["listen"] = json!([mesh.web.to_string(), mesh.secure.to_string()]);
        http["servers"]["health"]["listen"] = json!([mesh.health.to_string()]);
        if settings == RouterSettings::Ordering {
            let routes = base["apps"]["http"]["servers"]["apps"]["routes"].as_array_mut().expect("routes");
            let mut found = routes.iter_mut().filter_map(|route| route.pointer_mut("/handle/0/dynamic_upstreams"));
            let upstreams = found.find(|upstreams| upstreams["name"] == "controller").expect("the way to controllers");
            upstreams["port"] = json!(mesh.controller.port().to_string());
            upstreams["resolver"] = json!({"addresses": [format!("udp/{}", mesh.resolver.address)]});
        }
        if settings == RouterSettings::WithCertificate {
            for name in ["certificate", "key"] {
                base["apps"]["tls"]["certificates"]["load_files"][0][name] = json!(path(name));
            }
            mesh.use_certificate(&Authority::new().issue(&["*.example.test"]));
        }
        std::fs::write(path("caddy.json"), serde_json::to_string_pretty(&base).unwrap()).expect("written");
        std::fs::create_dir(path("bin")).expect("a folder");
        std::os::unix::fs::symlink(caddy(), path("bin/caddy")).expect("a link");
        mesh
    }

    /// What `router/sslCert` and `router/sslKey` hold, for a router that starts.
    pub(super) fn use_certificate(&self, Pair { chain, key }: &Pair) {
        for (name, text) in [("certificate", chain), ("key", key)] {
            std::fs::write(self.folder.path().join(name), text).expect("written");
        }
    }

    /// The controller that is started next asks this etcd.
    pub(super) fn follow_etcd(&mut self, etcd: &Etcd) {
        self.controller_arguments.extend(["--etcd".to_owned(), etcd.environment().display().to_string()]);
    }

    /// The controller that is started next orders certificates.
    pub(super) fn order_from(&mut self, pebble: &Pebble) {
        self.controller_arguments.extend([
            format!("--acme-email={EMAIL}"),
            format!("--acme-directory={}", pebble.directory()),
            format!("--acme-trust={}", pebble.trust().display()),
        ]);
    }

    /// The address of the task with this number, 2 to 250.
    pub(super) fn task_address(&self, number: u8) -> SocketAddr {
        SocketAddr::from((address_of(self.network, number), self.task_port))
    }

    pub(super) fn start_router(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let line = router_line()
            .replace("/config/", &format!("{}/", path("config").display()))
            .replace("/etc/caddy/caddy.json", &path("caddy.json").display().to_string());
        let search = format!("{}:{}", path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = ends_with_us("sh".as_ref());
        command.args(["-c", &line]).env("PATH", search).env("HOME", self.folder.path());
        command.env("XDG_CONFIG_HOME", path("config")).env("XDG_DATA_HOME", path("data"));
        self.run("router", command);
    }

    pub(super) fn start_controller(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = ends_with_us(&program("platform-controller"));
        command.args(["serve", "--labels", PREFIX, "--listen", &self.controller.to_string()]);
        command.args(["--resolver", &self.resolver.address.to_string()]);
        command.arg("--base").arg(path("caddy.json")).arg("--docker").arg(path("docker.sock"));
        command.args(&self.controller_arguments);
        self.run("controller", command);
    }

    fn run(&mut self, name: &'static str, mut command: Command) {
        let log = self.folder.path().join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log).expect("a log");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let child = command.spawn().expect("the program starts");
        assert!(self.running.insert(name, child).is_none(), "{name} runs already");
    }

    /// What the router starts from.
    pub(super) fn base(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("caddy.json")).expect("a configuration");
        serde_json::from_str(&text).expect("JSON")
    }

    /// What the controller's own program says of one of its pages, as `doctor` has it asked.
    pub(super) fn ask_controller(&self, page: &str) -> (bool, String) {
        let mut command = Command::new(program("platform-controller"));
        command.args(["ask", page, "--of", &self.controller.to_string()]);
        let output = command.stdin(Stdio::null()).output().expect("the program starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&text).into_owned())
    }

    pub(super) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    pub(super) fn kill_router(&mut self) {
        self.kill("router");
    }

    pub(super) fn kill_controller(&mut self) {
        self.kill("controller");
    }

    fn kill(&mut self, name: &str) {
        let mut child = self.running.remove(name).expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it ended");
    }

    /// Asks the router to end, as Docker does.
    pub(super) fn end_router(&self) {
        let id = self.running["router"].id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill starts").success());
    }

    /// The most memory that the router's process has had, in bytes: <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
    pub(super) fn router_peak_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.running["router"].id());
        let status = std::fs::read_to_string(path).expect("the router runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Waits for the router's end; its status.
    pub(super) fn router_ended(&mut self) -> Option<i32> {
        self.running.remove("router").expect("it runs").wait().expect("it ends").code()
    }

    /// Half of the routes that the router keeps for its next start.
    pub(super) fn damage_kept_routes(&self) {
        let path = self.folder.path().join("config/caddy/autosave.json");
        let bytes = std::fs::read(&path).expect("routes that were kept");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for name in ["router", "controller"] {
                let log = self.log(name);
                let end: Vec<&str> = log.lines().rev().take(20).collect();
                eprintln!("the log of the {name} ends:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
        }
    }
}

/// Docker's resolver, as far as routers ask it: addresses of tasks. <https://www.rfc-editor.org/rfc/rfc1035#section-4>
pub(crate) struct Resolver {
    pub address: SocketAddr,
    known: Arc<Mutex<BTreeMap<String, Vec<Ipv4Addr>>>>,
}

impl Resolver {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = socket.local_addr().expect("an address");
        let known = Arc::new(Mutex::new(BTreeMap::new()));
        let shared = known.clone();
        std::thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                if let Some(answer) = answer(&question[..length], &shared.lock().unwrap()) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, known }
    }

    pub(crate) fn set(&self, name: &str, addresses: &[IpAddr]) {
        let addresses = addresses.iter().map(|address| match address {
            IpAddr::V4(address) => *address,
            IpAddr::V6(address) => panic!("{address}: networks of the swarm have addresses of version 4"),
        });
        self.known.lock().unwrap().insert(name.to_owned(), addresses.collect());
    }
}

fn answer(question: &[u8], known: &BTreeMap<String, Vec<Ipv4Addr>>) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    let (mut name, mut at) = (Vec::new(), HEAD);
    while let length @ 1.. = usize::from(*question.get(at)?) {
        name.push(String::from_utf8_lossy(question.get(at + 1..=at + length)?).into_owned());
        at += length + 1;
    }
    // The name's end, its type and its class.
    let asked = question.get(HEAD..at + 5)?;
    let is_address = asked.ends_with(&[0, 1, 0, 1]);
    let found = known.get(&name.join(".").to_lowercase()).filter(|addresses| !addresses.is_empty());
    let addresses = found.filter(|_| is_address).map(Vec::as_slice).unwrap_or_default();
    let code = if found.is_some() { 0 } else { 3 };
    let mut answer = question.get(..2)?.to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(addresses.len()).ok()?, 0, 0, 0, 0]);
    answer.extend(asked);
    for address in addresses {
        // The name by a pointer to the question's, address, internet, not to be kept, four bytes.
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}
