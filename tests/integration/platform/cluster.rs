//! A cluster of three machines: commands to it, requests through its load balancer, power cuts.

use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox, platformctl, wait_for_some};

/// Its name, and its resource group's.
pub(super) const NAME: &str = "acropolis";
/// The platform's domain.
pub(super) const DOMAIN: &str = "example.test";

/// A cluster in its sandbox, whose emulator runs.
pub(super) struct Cluster {
    pub sandbox: Sandbox,
    pub inventory: Value,
}

impl Cluster {
    /// `platformctl` to its end.
    pub(super) fn ctl(&self, arguments: &[&str]) -> Ended {
        self.sandbox.platformctl(arguments)
    }

    /// A machine's name, 0 to 2.
    pub(super) fn node(&self, index: usize) -> String {
        self.inventory["nodes"][index]["name"].as_str().unwrap().to_owned()
    }

    /// Where the load balancer listens for a port of that name.
    pub(super) fn endpoint(&self, port: &str) -> SocketAddr {
        let ports = self.inventory["ports"].as_array().unwrap();
        let endpoint = &ports.iter().find(|found| found["name"] == port).unwrap()["endpoint"];
        format!("{}:{}", endpoint["host"].as_str().unwrap(), endpoint["port"]).parse().unwrap()
    }

    /// Status and body of a request for a host through the load balancer's port 80.
    pub(super) fn get(&self, host: &str, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://{}{path}", self.endpoint("web"));
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        let mut response = agent.get(url).header("host", host).call().map_err(|error| error.to_string())?;
        let body = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), body))
    }

    /// What is answered through the load balancer, as soon as something is: a connection that is lost while routers take on
    /// their routes is made again.
    pub(super) fn answered(&self, host: &str, path: &str) -> (u16, String) {
        wait_for_some("an answer", || self.get(host, path).ok())
    }

    /// Runs a command that refuses clocks which differ, until they do not: machines that go on after a while have the time of
    /// before until their clocks have been set.
    pub(super) fn ctl_when_clocks_agree(&self, arguments: &[&str]) -> Ended {
        wait_for_some("clocks that agree", || {
            let ended = self.ctl(arguments);
            (!ended.stderr.contains("error: the clocks of ")).then_some(ended)
        })
    }

    /// Ends a machine as a power cut does.
    pub(super) fn cut_power(&self, name: &str) {
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
    pub(super) fn start_machine(&self, name: &str) {
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/{NAME}/providers/Microsoft.Compute/virtualMachines/{name}/start\
             ?api-version=2024-07-01"
        );
        let (status, answer) = self.sandbox.request("POST", &path, None);
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    /// Runs `platformctl`, kills it as soon as it has said `words`, and demands that it was killed and not done.
    pub(super) fn kill_at(&self, arguments: &[&str], words: &str) {
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

    /// Each component's name, state, and how many of its tasks run and should.
    pub(super) fn services(&self) -> Vec<(String, String, u64, u64)> {
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

/// Machines on which tasks of an app run; none when nobody can say.
pub(super) fn machines_of(cluster: &Cluster, app: &str) -> Vec<String> {
    let info = cluster.ctl(&["apps", "info", app, "-o", "json"]);
    if info.status != Some(0) {
        return Vec::new();
    }
    let info = info.json();
    let running = info["processes"].as_array().unwrap().iter().filter(|process| process["state"] == "running");
    running.map(|process| process["machine"].as_str().unwrap().to_owned()).collect()
}
