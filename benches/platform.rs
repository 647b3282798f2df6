//! How long `platformctl` takes to install and start the shipped platform, against `docker stack deploy` of the same services from
//! the same images on the same three machines, in turn in the same run. Prints each and their ratio; judges nothing.
//!
//! `cargo bench --profile dev --bench platform`, after `azure-coreos-cluster local image build`. Takes a quarter of an hour where
//! machines are emulated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diagnostics::yaml;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

const CREATOR: &str = env!("CARGO_BIN_EXE_azure-coreos-cluster");
const NAME: &str = "bench";
const DOMAIN: &str = "example.test";
/// Each of both is the first one to find what the machines have in memory once.
const ROUNDS: u32 = 2;
const DEADLINE: Duration = Duration::from_secs(20 * 60);
/// Components whose settings the stack is rendered with.
const COMPONENTS: [&str; 5] = ["platform", "logger", "database", "registry", "router"];
/// Until each service has all of its tasks; without any it has not begun.
const UNTIL_ALL_RUN: &str = "for second in $(seq 1200); do \
    docker service ls --format '{{.Replicas}}' | awk -F '[/ ]' '$1 != $2 || $2 == 0 { wait = 1 } END { exit wait || NR == 0 }' \
    && exit 0; sleep 1; done; docker service ls; exit 1";
/// Until nothing of the last platform is left that a name could clash with.
const UNTIL_NOTHING_RUNS: &str = "for second in $(seq 600); do [ -z \"$(docker ps -q; docker network ls -q --filter label=com.docker.stack.namespace)\" ] \
    && exit 0; sleep 1; done; exit 1";
const LABELLED: &str = "for node in $(docker node ls -q); do \
    docker node update --label-add routerMesh=true --label-add controlPlane=true $node > /dev/null || exit 1; done";

fn main() {
    let bench = Bench::start();
    bench.create();
    let (mut by_us, mut by_docker) = (0.0, 0.0);
    for round in 1..=ROUNDS {
        let (ours, dockers) = (bench.install_and_start(), bench.stack_deploy());
        println!("{round}: platformctl install and start {ours:.1} s, docker stack deploy {dockers:.1} s");
        by_us += ours;
        by_docker += dockers;
    }
    println!("ratio {:.2}", by_us / by_docker);
}

struct Bench {
    folder: tempfile::TempDir,
    _emulator: Emulator,
}

/// Ends with the bench; its machines end with it.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bench {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let mut command = Command::new(CREATOR);
        command.args(["local", "serve", "--vms", "qemu"]);
        let command = in_folder(&mut command, folder.path());
        let emulator = Emulator(command.stdout(Stdio::null()).stderr(log).spawn().expect("the emulator starts"));
        let endpoint = folder.path().join("local/endpoint");
        let deadline = Instant::now() + DEADLINE;
        while !endpoint.exists() {
            assert!(Instant::now() < deadline, "the emulator does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { folder, _emulator: emulator }
    }

    /// Machines with the images, and with nothing that runs.
    fn create(&self) {
        self.run(CREATOR, &[NAME, "--deis", "--data-disk", "8", "--local"]);
        let images = output(Command::new(source("tests/images/build")));
        self.ctl(&["config", "platform", "set", &format!("domain={DOMAIN}")]);
        self.ctl(&["install", "platform", "--images", images.trim()]);
        self.ctl(&["uninstall", "platform"]);
    }

    fn install_and_start(&self) -> f64 {
        let start = Instant::now();
        self.ctl(&["install", "platform"]);
        self.ctl(&["start", "platform"]);
        let seconds = start.elapsed().as_secs_f64();
        self.ctl(&["stop", "platform"]);
        seconds
    }

    fn stack_deploy(&self) -> f64 {
        let (stack, files) = self.stack();
        self.ctl(&["uninstall", "platform"]);
        self.on_first_node(UNTIL_NOTHING_RUNS, b"");
        self.on_first_node(LABELLED, b"");
        self.on_first_node("mkdir -p stack", b"");
        for (name, content) in files.iter().map(|(name, content)| (name.as_str(), content.as_str())) {
            self.on_first_node(&format!("cat > stack/{name}"), content.as_bytes());
        }
        self.on_first_node("cat > stack/stack.yaml", stack.to_string().as_bytes());
        let start = Instant::now();
        let deploy = "cd stack && docker stack deploy --resolve-image never --compose-file stack.yaml platform";
        self.on_first_node(&format!("{deploy} && {UNTIL_ALL_RUN}"), b"");
        let seconds = start.elapsed().as_secs_f64();
        self.on_first_node("docker stack rm platform", b"");
        self.on_first_node(UNTIL_NOTHING_RUNS, b"");
        seconds
    }

    /// The platform's services as a Compose file that Docker's own command takes, and the files that it names.
    fn stack(&self) -> (Value, Vec<(String, String)>) {
        let mut targets: BTreeMap<&str, minijinja::Value> = BTreeMap::new();
        for component in COMPONENTS {
            let listed = self.ctl(&["config", component, "list", "-o", "json"]);
            let listed: Vec<Value> = serde_json::from_str(&listed).expect("a list");
            let keys =
                listed.iter().map(|setting| (setting["key"].as_str().expect("a key"), in_template(&setting["value"])));
            targets.insert(component, minijinja::Value::from_pairs(keys));
        }
        targets.insert("bundle", minijinja::Value::from_pairs([("labels", "platform.route")]));
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.add_filter("url", |text: String| text);
        let template = std::fs::read_to_string(source("platforms/platform/stack.yaml")).expect("the bundle");
        let text =
            environment.render_str(&template, minijinja::Value::from_pairs(targets)).expect("the template renders");
        let mut stack: Value = yaml::from_str(&text).expect("YAML");
        stack["version"] = json!("3.8");
        stack["services"].as_object_mut().expect("services").remove("database");
        let mut files = Vec::new();
        for (name, config) in stack["configs"].as_object_mut().expect("configs") {
            // In a Compose file `$$` stands for `$`; a file is taken as it is.
            files.push((name.clone(), config["content"].as_str().expect("a text").replace("$$", "$")));
            *config = json!({"file": format!("./{name}")});
        }
        (stack, files)
    }

    fn ctl(&self, arguments: &[&str]) -> String {
        let program = Path::new(CREATOR).with_file_name("platformctl");
        self.run(program.to_str().expect("text"), arguments)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments);
        in_folder(&mut command, self.folder.path());
        output(command)
    }

    fn on_first_node(&self, script: &str, input: &[u8]) {
        let config = self.folder.path().join("azure-coreos-cluster").join(NAME).join("ssh_config");
        let mut command = Command::new("ssh");
        command.arg("-F").arg(config).args(["-o", "BatchMode=yes", &format!("{NAME}-coreos-0"), script]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("`ssh` starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("written");
        assert!(child.wait().is_ok_and(|status| status.success()), "{script}");
    }
}

/// A setting's value as a template sees it.
fn in_template(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => ().into(),
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => value.as_i64().expect("a whole number").into(),
        Value::String(value) => value.into(),
        Value::Array(_) | Value::Object(_) => panic!("a setting is one value: {value}"),
    }
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn in_folder<'c>(command: &'c mut Command, folder: &Path) -> &'c mut Command {
    command.env("AZURE_LOCAL_DIR", folder.join("local")).env("XDG_STATE_HOME", folder).stdin(Stdio::null())
}

/// What a command prints; it must succeed.
fn output(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = write!(said, "{}", output.status);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
