//! A cluster of real machines: real Ignition, sshd, etcd, Docker. The image is built by `local image build`, once.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::sandbox::{Ended, Sandbox, wait_for};

/// Processes whose command line names this folder.
fn processes_of(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let text = lines.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    text.filter(|line| line.contains(folder) && line.contains("qemu")).collect()
}

struct Cluster {
    sandbox: Sandbox,
    inventory: Value,
}

impl Cluster {
    fn ssh(&self, node: usize, command: &str) -> Ended {
        let config = self.sandbox.cluster("real").join("ssh_config");
        let name = self.inventory["nodes"][node]["name"].as_str().unwrap();
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(config).args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=60", name, command]);
        Ended::from(ssh.stdin(Stdio::null()).output().expect("`ssh` is installed"))
    }

    /// What the load balancer's port for `name` answers to a GET, or why not.
    fn get(&self, name: &str, path: &str) -> Result<String, String> {
        let ports = self.inventory["ports"].as_array().unwrap();
        let endpoint = &ports.iter().find(|port| port["name"] == name).unwrap()["endpoint"];
        let url = format!("http://{}:{}{path}", endpoint["host"].as_str().unwrap(), endpoint["port"]);
        let mut response = ureq::get(url).call().map_err(|error| error.to_string())?;
        response.body_mut().read_to_string().map_err(|error| error.to_string())
    }

    fn boot_id(&self, node: usize) -> Option<String> {
        let ended = self.ssh(node, "cat /proc/sys/kernel/random/boot_id");
        (ended.status == Some(0)).then_some(ended.stdout)
    }
}

#[test]
fn three_machines_from_nothing_to_nothing() {
    let mut sandbox = Sandbox::without_emulator();
    sandbox.start_emulator_with_machines();
    let folder = sandbox.path("azure-local").display().to_string();
    // The members find each other by the service that runs beside the emulator.
    let discovery = || std::fs::read_to_string(sandbox.path("azure-local/discovery")).unwrap_or_default();
    wait_for("the discovery service", || discovery().ends_with('\n'));
    let file = "name: real\ndeis: true\ndata_disk: 4\ndata_disk_count: 2\nntp_servers: [192.0.2.1]\n\
                address_space: 10.48.0.0/20\ncustom_data: mine.yaml\n";
    let file = format!("{file}discovery_service_url: {}", discovery());
    std::fs::write(sandbox.path("cluster.yaml"), file).unwrap();
    let mine = "#cloud-config\nwrite_files:\n- {path: /etc/mine, content: $private_ipv4}\n";
    std::fs::write(sandbox.path("mine.yaml"), mine).unwrap();
    let create = ["-f", "cluster.yaml", "--local", "-o", "json"];
    let ended = sandbox.succeed(&create);
    for node in 0..3 {
        let name = format!("real-coreos-{node}");
        for check in [
            "ssh: answers with its own host key",
            "system: ",
            "data disk: /dev/",
            "docker: ",
            "etcd: healthy, 3 members",
        ] {
            assert!(ended.stderr.contains(&format!("● {name} {check}")), "{name} {check}\n{}", ended.stderr);
        }
    }
    assert!(ended.stderr.contains("● all nodes clocks: differ by"), "{}", ended.stderr);
    assert!(ended.stderr.contains("● discovery: http://198.18.0.2:"), "{}", ended.stderr);
    let cluster = Cluster { inventory: ended.json(), sandbox };

    what_the_user_data_asked_for_is_there(&cluster);
    the_load_balancer_follows_its_probe(&cluster);
    the_host_key_is_pinned(&cluster);

    let machines = cluster.sandbox.platformctl(&["machines", "-o", "json"]).demand(0).json();
    let states: Vec<&str> =
        machines.as_array().unwrap().iter().map(|machine| machine["etcd"].as_str().unwrap()).collect();
    assert_eq!(states, ["active"; 3]);

    a_restart_is_another_boot_and_keeps_what_etcd_has(&cluster);
    a_stopped_cluster_comes_back(&cluster, &folder);
    cluster.sandbox.succeed(&create).says(&["plan: nothing to do, 12 resources are as they should be"]);

    assert_eq!(processes_of(&folder).len(), 3);
    cluster.sandbox.succeed(&["destroy", "real", "--yes"]);
    assert_eq!(processes_of(&folder), Vec::<String>::new());
    let machines = std::fs::read_dir(PathBuf::from(&folder).join("machines")).unwrap().flatten();
    let disks: Vec<PathBuf> = machines.map(|entry| entry.path()).filter(|path| has_files(path)).collect();
    assert_eq!(disks, Vec::<PathBuf>::new(), "no disk is left");
    assert!(cluster.get("web", "/").is_err(), "no socket is left");
}

/// The other dialect, whose reader the image does not have: a program of ours takes its reader's steps, at each boot. The
/// cluster is a small one that grows: of the two that come to etcd, one runs already and one is new.
#[test]
fn machines_are_set_up_by_cloud_config_and_become_more_and_fewer() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrnh6AwMZjSrSsF6gJVYgsGCk3JhOLpHoAhlTZQmTmE ann";
    const LAST_WORDS: &str =
        "journalctl --boot --unit azure-local-user-data.service --output cat | grep ^user-data: | tail -n 1";
    const ALL_DONE: &str = "user-data: all steps are done\n";
    let mut sandbox = Sandbox::without_emulator();
    sandbox.start_emulator_with_machines();
    let mine = format!(
        "#cloud-config
users:
- {{name: ann, gecos: Ann, groups: [docker], ssh_authorized_keys: ['{KEY}']}}
write_files:
- {{path: /etc/mine, content: $private_ipv4, permissions: '0640', owner: 'root:core'}}
- path: /srv/packed
  encoding: gzip+base64
  content: {}
coreos:
  units:
  - name: mine.service
    command: start
    content: |
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/bin/sh -c 'echo $GREETING >> /srv/greetings'
      [Install]
      WantedBy=multi-user.target
    drop_ins:
    - {{name: 10-greeting.conf, content: \"[Service]\\nEnvironment=GREETING=hello\\n\"}}
",
        packed("packed\n")
    );
    std::fs::write(sandbox.path("mine.yaml"), mine).unwrap();
    let create = ["real", "--local", "--user-data-format", "cloud-config"];
    let two = ["--num-nodes", "2", "--allow-small", "--deis", "--data-disk", "8", "--custom-data", "mine.yaml"];
    let ended = sandbox.succeed(&[&create[..], &two, &["-o", "json"]].concat());
    let ended = ended.says(&[
        "● real-coreos-0 ssh: answers with its own host key",
        "● real-coreos-0 data disk: /dev/",
        "● real-coreos-0 docker: ",
        "● real-coreos-0 etcd: healthy, 1 members",
    ]);
    let mut cluster = Cluster { inventory: ended.json(), sandbox };
    let checks = [
        ("hostname", "real-coreos-0\n"),
        ("sudo cat /etc/mine", "10.32.0.4"),
        ("stat --format '%a %U:%G' /etc/mine", "640 root:core\n"),
        ("cat /srv/packed", "packed\n"),
        ("cat /srv/greetings", "hello\n"),
        ("systemctl show --property=ActiveState --value mine.service etcd-member.service | xargs", "active active\n"),
        ("sudo cat ~ann/.ssh/authorized_keys", KEY),
        ("id --name --groups ann | grep -o docker", "docker\n"),
        // As coreos-cloudinit has it.
        ("getent passwd ann | cut -d: -f5", "\"Ann\"\n"),
        ("cat /proc/sys/net/netfilter/nf_conntrack_max", "262144\n"),
        ("cat /etc/flatcar/update.conf", "REBOOT_STRATEGY=off\n"),
        ("etcdctl put /mine kept && etcdctl member list | cut -d, -f2 | xargs", "OK\nstarted\n"),
        ("findmnt --noheadings --output FSTYPE,LABEL /var/lib/docker | xargs", "ext4 docker\n"),
        (
            "docker swarm init --advertise-addr 10.32.0.4 > /dev/null; docker info --format '{{.Swarm.LocalNodeState}}'",
            "active\n",
        ),
        (LAST_WORDS, ALL_DONE),
    ];
    assert_found(&cluster, &checks);
    // What was changed on the machine changes back in the next boot, and what runs at each boot runs again.
    let before = cluster.boot_id(0).expect("the node answers");
    cluster.ssh(0, "echo theirs | sudo tee /srv/packed; sudo systemctl reboot");
    wait_for("the node to come back", || cluster.boot_id(0).is_some_and(|id| id != before));
    wait_for("all to be done again", || cluster.ssh(0, LAST_WORDS).stdout == ALL_DONE);
    let checks = [
        ("cat /srv/packed", "packed"),
        ("cat /srv/greetings", "hello\nhello"),
        ("systemctl is-active etcd-member.service", "active"),
        ("findmnt --noheadings --output FSTYPE,LABEL /var/lib/docker | xargs", "ext4 docker"),
        ("docker info --format '{{.Swarm.LocalNodeState}}'", "active"),
    ];
    assert_found(&cluster, &checks);
    let machines = std::fs::read_dir(cluster.sandbox.path("azure-local/machines")).unwrap().flatten();
    let consoles = machines.filter_map(|entry| std::fs::read_to_string(entry.path().join("console.log")).ok());
    let told: usize = consoles.map(|text| text.matches(ALL_DONE.trim_end()).count()).sum();
    assert_eq!(told, 3, "the console tells of each boot");
    let shown = cluster.sandbox.succeed(&["status", "real", "--console"]).stdout;
    assert!(shown.contains("    [  OK  ] Started docker.service"), "{shown}");

    let ended = cluster.sandbox.succeed(&["scale", "real", "--num-nodes", "3", "-o", "json"]);
    let ended = ended.says(&[
        "● etcd: real-coreos-1 joined",
        "● etcd: real-coreos-2 joined",
        "● real-coreos-2 etcd: healthy, 3 members",
    ]);
    cluster.inventory = ended.json();
    // The swarm is not a platform's: who comes to it is its owner's to say.
    let token = cluster.ssh(0, "docker swarm join-token --quiet manager").demand(0).stdout;
    cluster.ssh(2, &format!("docker swarm join --token {} 10.32.0.4", token.trim())).demand(0);
    assert_membership(&cluster, 3, "Leader Reachable");
    let smaller = ["scale", "real", "--num-nodes", "2", "--allow-small"];
    // What somebody keeps on a node is not given up by who says yes to the node's going.
    cluster.ssh(2, "docker volume create precious").demand(0);
    cluster.sandbox.run(&[&smaller[..], &["--yes"]].concat()).demand(8).says(&[
        "error: node `real-coreos-2` holds what is nowhere else: volume `precious`",
        "`azure-coreos-cluster scale real --num-nodes 2 --allow-small --lose real-coreos-2` gives it up",
    ]);
    assert_membership(&cluster, 3, "Leader Reachable");
    let ended = cluster.sandbox.succeed(&[&smaller[..], &["--lose", "real-coreos-2", "--yes", "-o", "json"]].concat());
    let ended = ended.says(&[
        "etcd is to have 2 members then, 3 now",
        "lost with real-coreos-2: volume `precious`",
        "● swarm: real-coreos-2 drained",
        "● swarm: real-coreos-2 left",
        "● etcd: real-coreos-2 left",
        "● real-coreos-1 etcd: healthy, 2 members",
    ]);
    cluster.inventory = ended.json();
    assert_membership(&cluster, 2, "Leader");
    cluster.sandbox.succeed(&["destroy", "real", "--yes"]);
}

/// So many nodes are all there are, also in etcd, which has what it had; the swarm has these managers.
fn assert_membership(cluster: &Cluster, count: usize, managers: &str) {
    assert_eq!(cluster.inventory["nodes"].as_array().unwrap().len(), count);
    let endpoints: Vec<String> = (4..4 + count).map(|last| format!("https://10.32.0.{last}:2379")).collect();
    let endpoints = format!("ETCDCTL_ENDPOINTS={}", endpoints.join(","));
    let checks = [
        ("etcdctl get --print-value-only /mine", "kept"),
        ("etcdctl member list | cut -d, -f2,6 | sort | uniq -c | xargs", &format!("{count} started, false")),
        ("docker node ls --format '{{.ManagerStatus}}' | sort | xargs", managers),
        ("grep ENDPOINTS /etc/environment", &endpoints),
    ];
    assert_found(cluster, &checks);
}

/// Runs commands on the first node, all in one connection, and compares what each prints.
fn assert_found(cluster: &Cluster, checks: &[(&str, &str)]) {
    let script: String = checks.iter().map(|(command, _)| format!("{command}; printf '\\n--\\n'\n")).collect();
    let printed = cluster.ssh(0, &script).demand(0).stdout;
    let found: Vec<&str> = printed.split("\n--\n").map(str::trim).collect();
    for ((command, expected), found) in checks.iter().zip(&found) {
        assert_eq!(*found, expected.trim(), "{command}");
    }
    assert_eq!(found.len(), checks.len() + 1, "{printed}");
}

/// Compressed with gzip, in base64.
fn packed(text: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

fn has_files(path: &std::path::Path) -> bool {
    if path.is_file() {
        return true;
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().any(|entry| has_files(&entry.path()))
}

fn what_the_user_data_asked_for_is_there(cluster: &Cluster) {
    for (command, expected) in [
        ("hostname", "real-coreos-1\n"),
        ("cat /proc/sys/net/netfilter/nf_conntrack_max", "262144\n"),
        ("cat /etc/flatcar/update.conf", "REBOOT_STRATEGY=off\n"),
        ("cat /etc/chrony/sources.d/azure-coreos-cluster.sources", "server 192.0.2.1 iburst\n"),
        ("findmnt --noheadings --output FSTYPE /var/lib/docker", "ext4\n"),
        (
            "systemctl show --property=Requires --value docker.service | tr ' ' '\\n' | grep var-lib-docker",
            "var-lib-docker.mount\n",
        ),
        ("findmnt --noheadings --output FSTYPE,LABEL /var/lib/data1 | xargs", "ext4 data1\n"),
        ("cat /etc/mine", "10.48.0.5"),
        ("ip -4 -brief address show | grep -o '10[.]48[.]0[.]5/20'", "10.48.0.5/20\n"),
        ("etcdctl member list | cut -d, -f2 | sort -u", " started\n"),
    ] {
        assert_eq!(cluster.ssh(1, command).demand(0).stdout, expected, "{command}");
    }
    cluster.ssh(0, "etcdctl put greeting hello").demand(0);
    assert_eq!(cluster.ssh(2, "etcdctl get greeting --print-value-only").demand(0).stdout, "hello\n");
    let without_certificate = "ETCDCTL_CERT= ETCDCTL_KEY= etcdctl --command-timeout=5s get greeting";
    assert_ne!(cluster.ssh(0, without_certificate).status, Some(0), "etcd asks clients for a certificate");
}

fn the_load_balancer_follows_its_probe(cluster: &Cluster) {
    assert!(cluster.get("web", "/").is_err(), "nothing listens yet");
    let serve = "sudo mkdir -p /srv/www && echo ok | sudo tee /srv/www/health-check && hostname | sudo tee /srv/www/name && \
                 sudo systemd-run --unit=www busybox httpd -f -p 80 -h /srv/www";
    cluster.ssh(1, serve).demand(0);
    wait_for("the probe to find node 1", || cluster.get("web", "/name").as_deref() == Ok("real-coreos-1\n"));
    cluster.ssh(1, "sudo rm /srv/www/health-check").demand(0);
    wait_for("the probe to lose node 1", || cluster.get("web", "/name").is_err());
}

fn the_host_key_is_pinned(cluster: &Cluster) {
    let file = cluster.sandbox.cluster("real").join("inventory.json");
    let original = std::fs::read_to_string(&file).unwrap();
    let mut changed: Value = serde_json::from_str(&original).unwrap();
    changed["nodes"][0]["host_key"] = changed["nodes"][1]["host_key"].clone();
    std::fs::write(&file, changed.to_string()).unwrap();
    let ended = cluster.sandbox.platformctl(&["machines"]).demand(7);
    ended.says(&[
        "reaching node `real-coreos-0` over SSH",
        "is not the one that was given to the machine; it offers SHA256:",
    ]);
    std::fs::write(&file, original).unwrap();
}

fn a_restart_is_another_boot_and_keeps_what_etcd_has(cluster: &Cluster) {
    let before = cluster.boot_id(2).expect("node 2 answers");
    let restarted = cluster.sandbox.succeed(&["restart", "real", "--node", "2"]);
    restarted.says(&["● real-coreos-2 restart: another boot than before", "● real-coreos-2 etcd: healthy, 3 members"]);
    assert_ne!(cluster.boot_id(2), Some(before));
    assert_eq!(cluster.ssh(2, "etcdctl get greeting --print-value-only").demand(0).stdout, "hello\n");
    assert_eq!(cluster.ssh(2, "hostname").demand(0).stdout, "real-coreos-2\n");
}

/// All members of etcd go and come at the same time.
fn a_stopped_cluster_comes_back(cluster: &Cluster, folder: &str) {
    let stopped = cluster.sandbox.succeed(&["stop", "real", "--yes"]);
    assert!(stopped.stdout.starts_with("cluster real is stopped"), "{stopped:?}");
    assert_eq!(processes_of(folder), Vec::<String>::new());
    let machines = std::fs::read_dir(cluster.sandbox.path("azure-local/machines")).unwrap().flatten();
    let consoles = machines.filter_map(|entry| std::fs::read_to_string(entry.path().join("console.log")).ok());
    assert_eq!(consoles.filter(|console| console.contains("reboot: Power down")).count(), 3, "each ended by itself");
    cluster.sandbox.succeed(&["start", "real"]).says(&["● real-coreos-0 etcd: healthy, 3 members"]);
    assert_eq!(cluster.ssh(1, "etcdctl get greeting --print-value-only").demand(0).stdout, "hello\n");
}
