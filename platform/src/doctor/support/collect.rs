//! Asks nodes, swarm and etcd for what helps others to help: states, journals and logs, bounded in size.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;

use super::archive::Entry;
use super::redactor::looks_secret;
use super::table;
use crate::Platform;
use crate::apps::{Apps, Config};
use crate::container;
use crate::doctor::probe::{self, Answers};
use crate::doctor::{disk, etcd};
use crate::journal::{Journal, Source};
use crate::lifecycle::Installation;
use crate::settings::Settings;
use crate::swarm::BUNDLE_LABEL;
use crate::swarm::Service;
use crate::target::Instances;
use nodes::cluster::Node;
use report::Reporter;

/// For all questions to one node.
const DEADLINE: Duration = Duration::from_secs(180);
/// Of each instance's log.
const LOG_LINES: usize = 500;
/// The end of this boot's journal.
const JOURNAL: &str = "journalctl --boot --no-pager --quiet --lines 20000 --output short-iso-precise | tail -c 4194304";
/// File name and command.
const QUESTIONS: [(&str, &str); 16] = [
    ("os-release.txt", "cat /etc/os-release; uname -a; uptime"),
    ("docker-info.txt", "docker info"),
    ("docker-ps.txt", "docker ps --all --size"),
    ("docker-images.txt", "docker images --digests"),
    ("docker-networks.txt", "docker network ls"),
    ("units.txt", "systemctl list-units --all --no-pager --plain"),
    ("failed-units.txt", "systemctl --failed --no-pager --plain; systemctl is-system-running"),
    ("addresses.txt", "ip addr"),
    ("routes.txt", "ip route; ip neigh"),
    ("sockets.txt", "sudo ss -ltunp"),
    ("disks.txt", "df -h; df -i; findmnt --real; lsblk"),
    ("memory.txt", "free -m; cat /proc/pressure/memory /proc/pressure/cpu /proc/pressure/io"),
    ("processes.txt", "ps -eo pid,ppid,user,pcpu,pmem,rss,etime,stat,comm --sort=-rss"),
    ("chrony.txt", "chronyc -n tracking; chronyc -n sources -v; timedatectl"),
    ("kernel.txt", "sudo dmesg --level=err,warn | tail -n 500"),
    ("firewall.txt", "sudo iptables-save"),
];

/// What was collected; nothing has been taken out of it yet.
pub(super) struct Collected {
    pub entries: Vec<Entry>,
    /// Values that must not leave the cluster, by name.
    pub secrets: Vec<(String, String)>,
}

/// Collects from `platform`, whose nodes all answer; what does not is noted in the archive.
pub(super) async fn collect(platform: &Platform) -> Collected {
    let (nodes, logs, cluster) =
        tokio::join!(join_all(platform.cluster.nodes().iter().map(of_node)), logs(platform), of_cluster(platform));
    let mut entries = cluster.entries;
    entries.extend(nodes.into_iter().flatten());
    entries.extend(logs);
    Collected { entries, secrets: cluster.secrets }
}

async fn of_node(node: &Node) -> Vec<Entry> {
    let etcd = node.is_etcd_member().then(|| etcd::questions(&node.private_address().to_string()));
    let etcd = etcd.iter().flatten().map(|(name, command)| (*name, command.as_str()));
    let questions: Vec<(&str, &str)> = QUESTIONS.into_iter().chain(disk::QUESTIONS).chain(etcd).collect();
    let path = |file: &str| format!("nodes/{}/{}", node.name(), file.replace(' ', "-"));
    let mut entries = Vec::new();
    match node.run(&probe::script(&questions), None, DEADLINE).await {
        Ok(output) => {
            let answers = Answers::read(&output.stdout);
            for (name, command) in questions {
                let file = if name.ends_with(".txt") { name.to_owned() } else { format!("{name}.txt") };
                let status = answers.status(name).map_or_else(|| "no".to_owned(), |status| status.to_string());
                let content = format!("$ {command}\n{}\n(exit status {status})\n", answers.text(name));
                entries.push(Entry { path: path(&file), content });
            }
        }
        Err(error) => entries.push(Entry { path: path("missing.txt"), content: format!("states: {error}\n") }),
    }
    entries.push(match node.run(JOURNAL, None, DEADLINE).await {
        Ok(output) => Entry { path: path("journal.txt"), content: output.stdout },
        Err(error) => Entry { path: path("missing-journal.txt"), content: format!("{error}\n") },
    });
    entries
}

/// The end of each instance's log.
async fn logs(platform: &Platform) -> Vec<Entry> {
    let nodes = platform.cluster.ordered_names();
    let containers = join_all(platform.cluster.nodes().iter().map(|node| container::on_node(node, &nodes))).await;
    let names: BTreeSet<String> = containers.into_iter().flatten().flatten().map(|container| container.name).collect();
    let sources = names.into_iter().map(|name| Source::Service { name, instances: Instances::All }).collect();
    let extract = Journal::new(platform.cluster.clone(), sources, None, Some(LOG_LINES)).read().await;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for line in &extract.lines {
        let number = line.number.map(|number| format!(".{number}")).unwrap_or_default();
        let path = format!("logs/{}{number}@{}.txt", line.name.replace('/', "-"), line.machine);
        let _ = writeln!(files.entry(path).or_default(), "{} {}", line.time, line.text);
    }
    let mut entries: Vec<Entry> = files.into_iter().map(|(path, content)| Entry { path, content }).collect();
    let missing = extract.unreachable.iter().map(|(node, error)| format!("node `{node}`: {error}\n"));
    let missing: String = missing.chain(extract.missing.iter().map(|reason| format!("{reason}\n"))).collect();
    if !missing.is_empty() {
        entries.push(Entry { path: "logs/missing.txt".into(), content: missing });
    }
    entries
}

/// What the swarm's managers and etcd know, and which of it is secret.
async fn of_cluster(platform: &Platform) -> Collected {
    let swarm = &platform.swarm;
    let (values, names, installation, apps) =
        tokio::join!(async { Settings::new(platform).load().await }, swarm.secrets(), platform.installation(), async {
            Apps::new(platform.clone(), Reporter::silent()).all().await
        },);
    let (members, services) = tokio::join!(swarm.members(), swarm.services(None));
    let mut secrets = Vec::new();
    if let Ok(values) = &values {
        let hidden = values.iter().filter(|(_, key, _)| looks_secret(key));
        secrets.extend(hidden.map(|(target, key, value)| (format!("{target}/{key}"), value.to_owned())));
    }
    for app in apps.iter().flatten() {
        let configs = app.releases.iter().map(|release| &release.content.config).chain([&app.config]);
        let values = configs.flat_map(Config::iter);
        secrets.extend(values.map(|(name, value)| (format!("{} {name}", app.name), value.to_owned())));
    }
    secrets.extend(services.iter().flatten().flat_map(environment));
    let members = members.map(Option::unwrap_or_default);
    let tasks = match (&members, &services) {
        (Ok(members), Ok(services)) => swarm.tasks(&services.iter().collect::<Vec<_>>(), members).await,
        (Err(error), _) | (_, Err(error)) => Err(error.clone()),
    };
    let names: BTreeSet<String> = names.map(|names| names.into_keys().collect()).unwrap_or_default();
    let bundle = |installation: Option<Installation>| match installation {
        Some(Installation { bundle }) => format!("{} {}\n", bundle.name, bundle.version),
        None => "none is installed\n".to_owned(),
    };
    let services_table = services.as_deref().map(table::services);
    let tasks_table = tasks.map(|tasks| table::tasks(&tasks, services.as_deref().unwrap_or_default()));
    let entries = vec![
        entry("settings.txt", values.map(|values| table::settings(&values, &names))),
        entry("bundle.txt", installation.map(bundle)),
        entry("swarm/nodes.txt", members.map(|members| table::members(&members))),
        entry("swarm/services.txt", services_table),
        entry("swarm/tasks.txt", tasks_table),
    ];
    Collected { entries, secrets }
}

/// A file, or why there is nothing in it.
fn entry(path: &str, content: Result<String, impl std::fmt::Display>) -> Entry {
    let content = content.unwrap_or_else(|error| format!("cannot be told: {error}\n"));
    Entry { path: path.into(), content }
}

/// Variables of a service's containers that must not be seen: an app's all, a component's by their names.
fn environment(service: &Service) -> Vec<(String, String)> {
    let is_component = service.label(BUNDLE_LABEL).is_some();
    let task = service.spec.task_template.as_ref();
    let variables = task.and_then(|task| task.container_spec.as_ref()?.env.as_ref()).into_iter().flatten();
    let variables = variables.filter_map(|variable| variable.split_once('='));
    let secret = variables.filter(|(name, _)| !is_component || looks_secret(name));
    secret.map(|(name, value)| (format!("{} {name}", service.name), value.to_owned())).collect()
}
