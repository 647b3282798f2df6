//! A real etcd of one member, over mutual TLS as on nodes, and a node with an SSH server by which `platformctl` reaches it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use coreos_cluster::pki::Authority;

use super::mesh::{ends_with_us, free_port};
use crate::sandbox::{Ended, Sandbox, platformctl, wait_for};
use crate::ssh_server::SshServer;

pub(crate) struct Etcd {
    sandbox: Sandbox,
    ssh: SshServer,
    member: Child,
    variables: Vec<(&'static str, String)>,
}

impl Etcd {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more variables for what runs on the node.
    pub(crate) fn start_with(more: &[(&str, &str)]) -> Self {
        let sandbox = Sandbox::without_emulator();
        let path = |name: &str| sandbox.path(name).display().to_string();
        let authority = Authority::generate("mycluster").unwrap();
        let member = authority.issue_member("node-0", "127.0.0.1".parse().unwrap()).unwrap();
        let client = authority.issue_client("node-0").unwrap();
        for (name, text) in [
            ("ca.crt", &authority.certificate),
            ("member.crt", &member.certificate),
            ("member.key", &member.key),
            ("client.crt", &client.certificate),
            ("client.key", &client.key),
        ] {
            std::fs::write(sandbox.path(name), text).unwrap();
        }
        let (address, peer) =
            (format!("https://127.0.0.1:{}", free_port()), format!("http://127.0.0.1:{}", free_port()));
        let log = std::fs::File::create(sandbox.path("etcd.log")).unwrap();
        let mut command = ends_with_us(Path::new("etcd"));
        command.args(["--data-dir", &path("etcd"), "--listen-peer-urls", &peer, "--client-cert-auth"]);
        command.args(["--listen-client-urls", &address, "--advertise-client-urls", &address]);
        command.args(["--cert-file", &path("member.crt"), "--key-file", &path("member.key")]);
        command.args(["--trusted-ca-file", &path("ca.crt")]);
        // Disks of machines that run tests are shared and slow: leases must not end by that.
        command.arg("--unsafe-no-fsync");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let member = command.spawn().expect("etcd starts: Debian's package `etcd-server`");
        let variables = vec![
            ("ETCDCTL_API", "3".to_owned()),
            ("ETCDCTL_ENDPOINTS", address),
            ("ETCDCTL_CACERT", path("ca.crt")),
            ("ETCDCTL_CERT", path("client.crt")),
            ("ETCDCTL_KEY", path("client.key")),
        ];
        let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        std::fs::write(sandbox.path("environment"), lines).unwrap();
        let shown = variables.iter().map(|(name, value)| (*name, value.as_str()));
        let shown: Vec<(&str, &str)> = shown.chain(more.iter().copied()).collect();
        let ssh = SshServer::start(&shown);
        let key = coreos_cluster::pki::generate_ssh_key_pair("operator").unwrap();
        std::fs::write(sandbox.path("key"), &key.private).unwrap();
        let endpoint = serde_json::json!({"host": ssh.address.ip().to_string(), "port": ssh.address.port()});
        let node = serde_json::json!({
            "name": "node-0", "private_address": "127.0.0.1", "etcd_member": true, "data_disk": false, "ssh": endpoint,
            "host_key": ssh.host_key,
        });
        let inventory = serde_json::json!({
            "name": "mycluster", "cloud": "local", "subscription": "s", "resource_group": "g", "location": "l",
            "public_address": "127.0.0.1", "fqdn": null, "dns_records": [], "ports": [], "nodes": [node],
            "ssh": {"user": "core", "identity": null, "config": "ssh_config", "known_hosts": "known_hosts"},
        });
        std::fs::create_dir_all(sandbox.path("state/mycluster")).unwrap();
        std::fs::write(sandbox.path("state/mycluster/inventory.json"), inventory.to_string()).unwrap();
        let etcd = Self { sandbox, ssh, member, variables };
        wait_for("etcd", || etcd.ctl(&["endpoint", "health"]).is_some());
        etcd
    }

    /// The file that says how it is reached.
    pub(crate) fn environment(&self) -> PathBuf {
        self.sandbox.path("environment")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path(name)
    }

    /// What etcdctl prints; none when it fails.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("etcdctl");
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).args(arguments);
        let output = command.output().expect("etcdctl starts: Debian's package `etcd-client`");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `platformctl` on the cluster of this one node.
    pub(crate) fn platformctl(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).stdin(Stdio::null()).output().expect("the program starts"))
    }

    /// The same before it starts.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        assert!(self.ssh.address.port() > 0);
        let (state, key) = (self.path("state").display().to_string(), self.path("key").display().to_string());
        let connection = ["--cluster", "mycluster", "--state-dir", &state, "--identity", &key];
        self.sandbox.command(platformctl(), &[&connection, arguments].concat())
    }

    /// Answers nothing until [`Etcd::go_on`].
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.member.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill starts").success());
    }
}

/// What a command that succeeds prints, each of the parts among it.
pub(crate) fn printed(ended: Ended, parts: &[&str]) -> String {
    let stdout = ended.demand(0).stdout;
    for part in parts {
        assert!(stdout.contains(part), "`{part}` is missing in\n{stdout}");
    }
    stdout
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.member.kill();
        let _ = self.member.wait();
    }
}
