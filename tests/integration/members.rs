//! Members that come to etcd and leave it: real members with the settings, keys and certificates that nodes are given, each on an
//! address of the loopback.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use coreos_cluster::config::parameter::{NUM_NODES, Parameter, SUBNET_NAMES, VIRTUAL_NETWORK_NAME};
use coreos_cluster::config::{ClusterInput, resolve};
use coreos_cluster::pki::{Authority, Material, NodeMaterial};
use coreos_cluster::spec::{Answers, ClusterSpec, Node, SettledSpec, settle};
use coreos_cluster::userdata::etcd_member_files;
use nodes::cluster::{Cluster, ClusterFacts, Route, Timeouts};
use nodes::etcd::{Members, Store, StoreError};
use nodes::inventory::{InventoryNode, SocketEndpoint};
use nodes::ssh::Identity;

use crate::sandbox::{Sandbox, fixture, wait_for};
use crate::ssh_server::SshServer;

/// A member that is started again when it ends, as systemd does.
struct Member {
    process: Child,
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

impl Member {
    fn start(folder: &Path, spec: &SettledSpec, node: &Node, material: &Material) -> Self {
        let folder = folder.join(&node.name);
        std::fs::create_dir_all(&folder).unwrap();
        let files = etcd_member_files(spec, node, material).unwrap();
        let text = |end: &str| files.iter().find(|file| file.path.ends_with(end)).unwrap().content.clone();
        for name in ["member.crt", "member.key"] {
            std::fs::write(folder.join(name), text(name)).unwrap();
        }
        std::fs::write(folder.join("ca.crt"), &material.authority.certificate).unwrap();
        let here = folder.display().to_string();
        let drop_in = text("20-cluster.conf");
        let settings = drop_in.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
        // In the container of the unit, files have another place; and every member has this host's addresses.
        let on_this_host = |value: &str| {
            value.replace("/etc/ssl/certs", &here).replace("://0.0.0.0:", &format!("://{}:", node.address))
        };
        let settings: Vec<(String, String)> =
            settings.map(|(name, value)| (name.to_owned(), on_this_host(value))).collect();
        let process = spawn(&folder, &settings);
        Self { process, folder, settings }
    }

    fn keep_running(&mut self) {
        if self.process.try_wait().unwrap().is_some() {
            self.process = spawn(&self.folder, &self.settings);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, settings: &[(String, String)]) -> Child {
    let mut command = Command::new("etcd");
    command.env("ETCD_DATA_DIR", folder.join("data")).envs(settings.iter().map(|(name, value)| (name, value)));
    command.arg("--unsafe-no-fsync").current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("etcd starts: Debian's package `etcd-server`")
}

/// A cluster of so many nodes, grown from `earlier` or new.
fn spec(count: u8, earlier: Option<&ClusterSpec>, network: [u8; 2]) -> SettledSpec {
    let count_text = count.to_string();
    let flags: [(&Parameter, &str); 3] =
        [(&NUM_NODES, &count_text), (&VIRTUAL_NETWORK_NAME, "loopback"), (&SUBNET_NAMES, "nodes")];
    let key = fixture("operator.pub").parse().unwrap();
    let mut asked = resolve(&ClusterInput::flags("mycluster", &flags), earlier, &key).unwrap();
    let addresses = (0..count).map(|index| Ipv4Addr::new(127, network[0], network[1], 4 + index)).collect();
    asked.existing_network.as_mut().unwrap().addresses.clear();
    settle(asked, Answers { addresses, ..Answers::default() }).unwrap()
}

fn cluster(sandbox: &Sandbox, server: &SshServer, spec: &SettledSpec) -> Cluster {
    let file = sandbox.path("key");
    std::fs::write(&file, &coreos_cluster::pki::generate_ssh_key_pair("operator").unwrap().private).unwrap();
    // One machine plays all nodes: only its etcdctl is asked.
    let node = |node: Node| InventoryNode {
        name: node.name,
        private_address: node.address,
        etcd_member: node.etcd_member,
        data_disk: false,
        ssh: SocketEndpoint { host: server.address.ip().to_string(), port: server.address.port() },
        host_key: server.host_key.clone(),
    };
    let facts = ClusterFacts {
        name: "mycluster".into(),
        nodes: spec.nodes().into_iter().map(node).collect(),
        public_address: Ipv4Addr::LOCALHOST,
        ports: Vec::new(),
    };
    Cluster::new(facts, Identity::load(Some(&file)).unwrap(), Route::Direct, Timeouts::default())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Names of members and of learners, sorted.
fn listed(members: &Members) -> Result<Vec<(Option<String>, bool)>, StoreError> {
    let mut names: Vec<(Option<String>, bool)> =
        run(members.list())?.into_iter().map(|member| (member.name, member.is_learner)).collect();
    names.sort();
    Ok(names)
}

#[test]
fn members_come_and_go_one_after_the_other() {
    let sandbox = Sandbox::without_emulator();
    // Others that run this test have another network, as far as sixteen bits tell them apart.
    let network = [64 + (std::process::id() % 64) as u8, (std::process::id() / 64 % 250) as u8];
    let three = spec(3, None, network);
    let five = spec(5, Some(&three), network);
    let authority = Authority::generate("mycluster").unwrap();
    let keys: BTreeMap<String, NodeMaterial> = five
        .nodes()
        .iter()
        .map(|node| (node.name.clone(), NodeMaterial::generate(&authority, node).unwrap()))
        .collect();
    let material = Material::new(authority, keys);
    let folder = sandbox.path("members");
    let mut running: Vec<Member> =
        three.nodes().iter().map(|node| Member::start(&folder, &three, node, &material)).collect();

    let client = folder.join("client");
    std::fs::create_dir_all(&client).unwrap();
    let pair = &material.node("mycluster-coreos-0").client;
    let write = |name: &str, text: &str| {
        std::fs::write(client.join(name), text).unwrap();
        client.join(name).display().to_string()
    };
    let [authority, certificate, key] = [
        write("ca.crt", &material.authority.certificate),
        write("client.crt", &pair.certificate),
        write("client.key", &pair.key),
    ];
    let server = SshServer::start(&[
        ("ETCDCTL_API", "3"),
        ("ETCDCTL_CACERT", &authority),
        ("ETCDCTL_CERT", &certificate),
        ("ETCDCTL_KEY", &key),
    ]);
    let cluster = cluster(&sandbox, &server, &five);
    let founders = three.nodes().into_iter().map(|node| node.address);
    let members = Members::new(Store::new(cluster.clone()), founders);
    let named = |index: u32| Some(format!("mycluster-coreos-{index}"));
    let votes = |count: u32| (0..count).map(|index| (named(index), false)).collect::<Vec<_>>();
    wait_for("three members", || listed(&members).is_ok_and(|found| found == votes(3)));

    for node in five.nodes().into_iter().skip(3) {
        // It starts before it is expected, and fails until then.
        running.push(Member::start(&folder, &five, &node, &material));
        for _ in 0..2 {
            run(members.add_learner(&node.name, node.address)).unwrap();
        }
        wait_for("the learner's vote", || {
            running.last_mut().unwrap().keep_running();
            let all = run(members.list()).unwrap();
            let own = all.iter().find(|member| member.is_at(node.address)).unwrap();
            own.name.is_some() && run(members.promote(own)).is_ok()
        });
        assert_eq!(listed(&members).unwrap(), votes(node.index + 1));
        // Again changes nothing.
        let all = run(members.list()).unwrap();
        run(members.promote(all.iter().find(|member| member.is_at(node.address)).unwrap())).unwrap();
        run(members.add_learner(&node.name, node.address)).unwrap();
        assert_eq!(listed(&members).unwrap(), votes(node.index + 1));
    }

    let member = |index: u32| {
        let address = five.nodes()[index as usize].address;
        run(members.list()).unwrap().into_iter().find(|member| member.is_at(address)).unwrap()
    };
    let last = member(4);
    for _ in 0..2 {
        run(members.remove(&last)).unwrap();
    }
    assert_eq!(listed(&members).unwrap(), votes(4));
    run(members.remove(&member(3))).unwrap();
    assert_eq!(listed(&members).unwrap(), votes(3));
}
