//! A user of their own: state folder, emulator and commands, all of which end with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const CREATOR: &str = env!("CARGO_BIN_EXE_azure-coreos-cluster");
/// The emulator's one subscription.
pub(crate) const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";
/// Generous: machines that run tests are shared and slow.
const DEADLINE: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The one certificate that programs trust: the system's hundreds cost an unoptimised program most of a command's time.
const TRUSTED: &str = "trusted.pem";
static AUTHORITY: LazyLock<String> =
    LazyLock::new(|| coreos_cluster::pki::Authority::generate("nobody").expect("a certificate").certificate);

/// `platformctl` under test.
pub(crate) fn platformctl() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| program("platformctl"));
    &BINARY
}

/// Another binary under test: another member's, so cargo is asked to bring them up to date once. Of the whole workspace,
/// because crates have other features, and would be built anew, for one member alone.
pub(crate) fn program(name: &str) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let profile_folder = Path::new(CREATOR).parent().expect("the binary lies in a folder");
        let target_folder = profile_folder.parent().expect("the profile's folder lies in cargo's");
        let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "--offline", "--quiet", "--workspace"])
            .args(["--bin", "platformctl", "--bin", "platform-controller"])
            .args(["--profile", profile, "--target-dir"])
            .arg(target_folder)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "the workspace's programs are built");
        profile_folder.to_owned()
    });
    FOLDER.join(name)
}

/// An isolated user with a running emulator.
pub(crate) struct Sandbox {
    folder: PathBuf,
    /// Removes the folder in the end, unless it is somebody else's.
    own: Option<TempDir>,
    daemon: Option<Child>,
    /// Real machines fill a small computer: one cluster of them at a time.
    machines_turn: Option<MutexGuard<'static, ()>>,
}

/// A process that ends with its test.
pub(crate) struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// With an emulator of the control plane alone; `arguments` are those of `local up`.
    pub(crate) fn with_emulator(arguments: &[&str]) -> Self {
        let mut sandbox = Self::without_emulator();
        sandbox.start_emulator(arguments);
        sandbox
    }

    /// Without any emulator.
    pub(crate) fn without_emulator() -> Self {
        let own = tempfile::Builder::new().prefix("coreos-").tempdir().expect("a folder");
        std::fs::write(own.path().join(TRUSTED), &*AUTHORITY).expect("a certificate");
        Self { folder: own.path().to_owned(), own: Some(own), daemon: None, machines_turn: None }
    }

    /// Without any emulator, in a folder that stays when the sandbox ends. Nobody else touches the folder who has not the turn.
    pub(crate) fn in_folder(folder: &Path, turn: MutexGuard<'static, ()>) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join(TRUSTED), &*AUTHORITY).expect("a certificate");
        Self { folder: folder.to_owned(), own: None, daemon: None, machines_turn: Some(turn) }
    }

    /// Starts the emulator without machines, as it would be after `local up --vms none`.
    pub(crate) fn start_emulator(&mut self, arguments: &[&str]) {
        self.serve(&[&["--vms", "none"], arguments].concat());
    }

    /// Starts the emulator with real machines.
    pub(crate) fn start_emulator_with_machines(&mut self) {
        if self.machines_turn.is_none() {
            self.machines_turn = Some(turn_of_machines());
        }
        self.serve(&["--vms", "qemu"]);
    }

    fn serve(&mut self, arguments: &[&str]) {
        let log = std::fs::File::options().create(true).append(true).open(self.path("emulator.log")).expect("a log");
        let mut command = self.command(CREATOR, &["local", "serve"]);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        self.daemon = Some(command.spawn().expect("the emulator starts"));
        wait_for("the emulator", || {
            self.try_request("GET", "/azure-local/status", None).is_some_and(|(code, _)| code == 200)
        });
    }

    /// Ends the emulator without giving it a chance to say good-bye.
    pub(crate) fn kill_emulator(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
            let _ = std::fs::remove_file(self.local_directory().join("endpoint"));
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The directory of a cluster.
    pub(crate) fn cluster(&self, name: &str) -> PathBuf {
        self.path("state/azure-coreos-cluster").join(name)
    }

    fn local_directory(&self) -> PathBuf {
        self.path("azure-local")
    }

    /// A command in this sandbox.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder);
        for variable in [
            "PLATFORMCTL_CLUSTER",
            "PLATFORMCTL_UNITS",
            "DEISCTL_UNITS",
            "AZURE_SUBSCRIPTION_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_ID",
            "AZURE_TENANT_ID",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_TOKEN_CREDENTIALS",
            "AZURE_CONFIG_DIR",
            "IDENTITY_ENDPOINT",
            "SYSTEM_OIDCREQUESTURI",
            "SSL_CERT_DIR", // Of hundreds of certificates beside the one below.
        ] {
            command.env_remove(variable);
        }
        for (variable, _) in std::env::vars().filter(|(name, _)| name.starts_with("AZURE_COREOS_CLUSTER_")) {
            command.env_remove(variable);
        }
        // Machines' images are large and the same for everybody.
        command.env("AZURE_LOCAL_IMAGE_CACHE", coreos_cluster::local::image_cache().expect("a cache folder"));
        command
            .env("HOME", &self.folder)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("AZURE_LOCAL_DIR", self.local_directory())
            .env("SSL_CERT_FILE", self.path(TRUSTED))
            // Help is wrapped to the terminal's width, which differs from machine to machine.
            .env("COLUMNS", "100")
            .env_remove("SSH_AUTH_SOCK");
        command
    }

    /// Runs `azure-coreos-cluster` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(CREATOR, arguments).stdin(Stdio::null()).output().expect("the program starts"))
    }

    /// Runs the program, and kills it once the emulator has heard so many requests; false when it ended by itself before.
    pub(crate) fn killed_after(&self, arguments: &[&str], requests: usize) -> bool {
        let mut command = self.command(CREATOR, arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut ended = false;
        wait_for("a number of requests, or the end", || {
            ended = child.try_wait().unwrap().is_some();
            ended || self.requests().len() >= requests
        });
        if !ended {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        !ended
    }

    /// Runs `azure-coreos-cluster` with more variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(CREATOR, arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        Ended::from(command.output().expect("the program starts"))
    }

    /// Runs `platformctl` to its end.
    pub(crate) fn platformctl(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(platformctl(), arguments).stdin(Stdio::null()).output().expect("the program starts"))
    }

    /// Runs `platformctl` with more variables.
    pub(crate) fn platformctl_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.command(platformctl(), arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::null());
        Ended::from(command.output().expect("the program starts"))
    }

    /// Runs `azure-coreos-cluster` and demands success.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Ended {
        self.run(arguments).demand(0)
    }

    /// Asks the emulator, with its token; the answer's status and document.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_request(method, path, body).expect("the emulator answers")
    }

    fn try_request(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let read = |file: &str| std::fs::read_to_string(self.local_directory().join(file)).ok();
        let url = format!("{}{path}", read("endpoint")?.trim());
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let builder = ureq::http::Request::builder().method(method).uri(url);
        let builder = builder.header("authorization", format!("Bearer {}", read("token")?.trim()));
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = builder.header("content-type", "application/json").body(text).ok()?;
        let mut response = agent.run(request).ok()?;
        let text = response.body_mut().read_to_string().ok()?;
        Some((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Sets faults.
    pub(crate) fn faults(&self, faults: Value) {
        let (status, answer) = self.request("POST", "/azure-local/faults", Some(&faults));
        assert_eq!(status, 200, "{answer}");
    }

    /// Takes faults away.
    pub(crate) fn no_faults(&self) {
        self.request("DELETE", "/azure-local/faults", None);
    }

    /// Method, path and status of each ARM request so far.
    pub(crate) fn requests(&self) -> Vec<(String, String, u64)> {
        let (_, journal) = self.request("GET", "/azure-local/journal", None);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let requests = journal["requests"].as_array().cloned().unwrap_or_default();
        let all =
            requests.iter().map(|one| (text(&one["method"]), text(&one["path"]), one["status"].as_u64().unwrap_or(0)));
        all.filter(|(_, path, _)| !path.starts_with("/azure-local")).collect()
    }

    /// Requests so far that write.
    pub(crate) fn writes(&self) -> Vec<(String, String, u64)> {
        self.requests().into_iter().filter(|(method, _, _)| method != "GET").collect()
    }

    /// Forgets the requests so far.
    pub(crate) fn clear_journal(&self) {
        self.request("DELETE", "/azure-local/journal", None);
    }

    /// Sorted ids of all resources of a group, without the group's own; none when there is no group.
    pub(crate) fn resources(&self, group: &str) -> Vec<String> {
        let path = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/resources?api-version=2021-04-01");
        let answered = || match self.request("GET", &path, None) {
            (200, list) => Some(list["value"].as_array().cloned().unwrap_or_else(|| panic!("no list: {list}"))),
            (404, _) => Some(Vec::new()),
            // Commands before have asked for so much that there is no room just now.
            (429, _) => None,
            other => panic!("{other:?}"),
        };
        let resources = wait_for_some("the group's list", answered);
        let mut ids: Vec<String> =
            resources.iter().filter_map(|resource| resource["id"].as_str().map(str::to_owned)).collect();
        ids.sort();
        ids
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill_emulator();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.path("emulator.log")).unwrap_or_default();
            eprintln!("the emulator's log ends:\n{}", log.lines().rev().take(20).collect::<Vec<_>>().join("\n"));
        }
        drop(self.own.take());
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// Demands an exit code; shows everything when it is another.
    #[track_caller]
    pub(crate) fn demand(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Demands that stderr has each of these parts; reports all that are missing.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let missing: Vec<&&str> = parts.iter().filter(|part| !self.stderr.contains(**part)).collect();
        assert!(missing.is_empty(), "missing {missing:#?} in\n{}", self.stderr);
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Waits until no other test has machines; until the end of what this gives, none gets any.
pub(crate) fn turn_of_machines() -> MutexGuard<'static, ()> {
    static MACHINES: Mutex<()> = Mutex::new(());
    MACHINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Polls until the condition holds.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {} s", DEADLINE.as_secs());
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Polls until there is something; that.
#[track_caller]
pub(crate) fn wait_for_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_for(what, || {
        found = look();
        found.is_some()
    });
    found.expect("it was found")
}

/// A file of the tests.
pub(crate) fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Text of a file of the tests.
pub(crate) fn fixture(name: &str) -> String {
    let path = fixture_path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
