//! Asks everybody everything at once, each question with a deadline, and hands the answers to those who judge.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::SystemInfo;
use bollard::query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder};
use futures::future::join_all;

use super::health::Question;
use super::overlay::{End, Entry};
use super::probe::{self, Answers};
use super::swarm::Expected;
use super::{
    CLUSTER, Finding, certificate, clock, disk, docker, etcd, health, machine, name, overlay, public, service,
};
use super::{setting, swarm};
use crate::outputs::InventoryPort;
use crate::platform::Platform;
use crate::platform::bundle::{Bundle, Health, Values};
use crate::platform::cluster::{Cluster, Node};
use crate::platform::lifecycle::BUNDLE_LABEL;
use crate::platform::settings::Settings;
use crate::platform::swarm::{COMPONENT_LABEL, Member, Service, Task};
use crate::readiness;
use crate::spec::PortProbe;

/// For one line of questions from its first to its last; machines under emulation are slow.
const DEADLINE: Duration = Duration::from_secs(60);
/// What etcd knows of the platform; when it does not answer, the rest is judged without.
const STORE_DEADLINE: Duration = Duration::from_secs(30);
const CLOCK_DEADLINE: Duration = Duration::from_secs(15);
const RESOLVE_DEADLINE: Duration = Duration::from_secs(8);
/// Any name below the domain must lead to the load balancer; nobody has this one.
const ANY_NAME: &str = "platformctl-doctor";
/// A network of the bundle that has the most ends is tried besides the ingress network.
const MOST_ENDS_LISTED: usize = 64;

/// All checks of one run.
pub struct Examination<'a> {
    /// All nodes, those that do not answer among them.
    pub cluster: &'a Cluster,
    /// What is left of it.
    pub answering: &'a Platform,
}

/// What the swarm's managers know.
struct Swarm {
    members: Vec<Member>,
    services: Vec<Service>,
    tasks: Vec<Task>,
}

impl Examination<'_> {
    /// Everything that was found.
    pub async fn all(&self) -> Vec<Finding> {
        // Alone, because nodes that are busy answering other questions blur it.
        let clocks = within("clocks", self.clocks()).await;
        let (machines, swarm, overlay) =
            tokio::join!(self.machines(), self.swarm_and_platform(), within("overlay", self.overlay()));
        [clocks, machines, swarm, overlay].concat()
    }

    fn nodes(&self) -> &[Node] {
        self.answering.cluster.nodes()
    }

    /// What shells on the nodes and their Dockers say. One shell a node: each costs a login.
    async fn machines(&self) -> Vec<Finding> {
        let ask = async |node: &Node| tokio::join!(answers(node), info(node));
        let asked = join_all(self.nodes().iter().map(ask)).await;
        let now = now();
        let mut findings = Vec::new();
        let mut versions = Vec::new();
        let mut members = Vec::new();
        for (node, (answers, info)) in self.nodes().iter().zip(&asked) {
            let name = node.name();
            match answers {
                Ok(answers) => {
                    findings.push(machine::judge_systemd(name, answers));
                    findings.push(machine::judge_memory(name, answers));
                    findings.extend(disk::judge(name, node.facts().data_disk, answers));
                    findings.push(clock::judge_source(name, answers));
                    findings.extend(certificate::judge_node(name, answers, now));
                    let version = info.as_ref().ok().and_then(|info| info.server_version.as_deref());
                    versions.push((name, answers, version));
                }
                Err(reason) => findings.push(mute("systemd", name, reason)),
            }
            findings.extend(docker::judge(name, info.as_ref().map_err(String::as_str)));
        }
        findings.extend(machine::judge_versions(&versions));
        for member in self.cluster.members() {
            let asked = self.nodes().iter().zip(&asked).find(|(node, _)| node.name() == member.name());
            let answers = asked.map(|(_, (answers, _))| answers.as_ref().map_err(String::as_str));
            members.push(etcd::Member { name: member.name(), answers });
        }
        findings.extend(etcd::judge(&members));
        findings
    }

    async fn clocks(&self) -> Vec<Finding> {
        let measure = async |node: &Node| {
            let session = node.session().await.ok()?;
            readiness::clock::offset(&session).await.ok()
        };
        let measure = async |node: &Node| tokio::time::timeout(CLOCK_DEADLINE, measure(node)).await.ok().flatten();
        let measured = join_all(self.nodes().iter().map(measure)).await;
        let offsets = self.nodes().iter().zip(measured);
        let offsets: Vec<_> = offsets.filter_map(|(node, offset)| Some((node.name(), offset?))).collect();
        clock::judge_skew(&offsets)
    }

    /// The swarm, then what it runs, then that as clients see it.
    async fn swarm_and_platform(&self) -> Vec<Finding> {
        let (asked, store) = tokio::join!(
            tokio::time::timeout(DEADLINE, self.ask_swarm()),
            tokio::time::timeout(STORE_DEADLINE, self.ask_store()),
        );
        let mut findings = Vec::new();
        let swarm = match asked {
            Ok(Ok((swarm, autolock))) => {
                let nodes = self.cluster.nodes().iter();
                let expected: Vec<Expected<'_>> =
                    nodes.map(|node| Expected { name: node.name(), etcd_member: node.is_etcd_member() }).collect();
                findings.extend(swarm::judge(
                    &expected,
                    swarm.as_ref().map(|swarm| swarm.members.as_slice()),
                    autolock,
                ));
                swarm
            }
            Ok(Err(reason)) => {
                findings.push(swarm::no_manager(&reason));
                None
            }
            Err(_) => {
                findings.push(swarm::no_manager(&format!("no answer within {} s", DEADLINE.as_secs())));
                None
            }
        };
        let (bundle, values) = match store {
            Ok(Ok((bundle, values))) => {
                if let Some(bundle) = &bundle {
                    findings.extend(setting::judge(&bundle.settings, &values));
                }
                (bundle, Some(values))
            }
            unread => {
                let reason = match unread {
                    Ok(Err(reason)) => reason,
                    _ => format!("no answer within {} s", STORE_DEADLINE.as_secs()),
                };
                let found = format!("cannot be read from etcd: {reason}");
                findings.push(Finding::fail("settings", "platform", found, "the `etcd` lines say more"));
                // What runs says which bundle it is of.
                let name = swarm.iter().flat_map(|swarm| &swarm.services).find_map(|one| one.label(BUNDLE_LABEL));
                (name.and_then(Bundle::shipped_named), None)
            }
        };
        match (&bundle, &values) {
            (None, Some(_)) => findings.push(Finding::warn(
                "services",
                "platform",
                "no platform is installed",
                "platformctl install platform",
            )),
            (Some(bundle), _) => {
                let known = values.unwrap_or_default();
                findings.extend(within("health", self.platform(bundle, &known, swarm.as_ref())).await);
            }
            (None, None) => {}
        }
        if let Some(swarm) = &swarm {
            let of_service = |service: &Service| {
                swarm.tasks.iter().filter(|task| task.service_id == service.id).collect::<Vec<&Task>>()
            };
            let judge = |service: &Service| {
                let is_component = service.label(COMPONENT_LABEL).is_some() && service.label(BUNDLE_LABEL).is_some();
                service::judge(service, &of_service(service), &swarm.members, is_component)
            };
            findings.extend(swarm.services.iter().map(judge));
        }
        findings
    }

    /// The swarm's objects, and whether its managers lock themselves; no swarm is none.
    async fn ask_swarm(&self) -> Result<(Option<Swarm>, Option<bool>), String> {
        let swarm = &self.answering.swarm;
        if swarm.cluster().members().next().is_none() {
            return Err("no node that is to be a manager can be reached".into());
        }
        let text = |error: crate::platform::cluster::DockerError| error.to_string();
        let Some(members) = swarm.members().await.map_err(text)? else { return Ok((None, None)) };
        let (services, object) = tokio::join!(
            swarm.services(None),
            swarm.ask("reading the swarm's settings", |docker| async move { docker.inspect_swarm().await }),
        );
        let services = services.map_err(text)?;
        let tasks = swarm.tasks(&services.iter().collect::<Vec<_>>(), &members).await.map_err(text)?;
        let autolock = object.ok().and_then(|object| object.spec?.encryption_config?.auto_lock_managers);
        Ok((Some(Swarm { members, services, tasks }), autolock))
    }

    /// The installed bundle and the settings.
    async fn ask_store(&self) -> Result<(Option<Bundle>, Values), String> {
        let text = |failure: crate::report::Failure| {
            let text = failure.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        };
        let settings = Settings::new(self.answering);
        let (installation, values) = tokio::join!(self.answering.installation(), settings.load());
        Ok((installation.map_err(text)?.map(|installation| installation.bundle), values.map_err(text)?))
    }

    /// What is installed, as its clients see it.
    async fn platform(&self, bundle: &Bundle, values: &Values, swarm: Option<&Swarm>) -> Vec<Finding> {
        let (health, balancer, names, certificates) = tokio::join!(
            self.health(bundle, values, swarm),
            self.balancer(bundle),
            self.names(bundle, values),
            self.public_certificate(bundle, values),
        );
        let missing = swarm.map(|swarm| service::judge_missing(bundle, values, &swarm.services)).unwrap_or_default();
        [missing, health, balancer, names, certificates].concat()
    }

    /// Each component's check on each node where a task of it should run.
    async fn health(&self, bundle: &Bundle, values: &Values, swarm: Option<&Swarm>) -> Vec<Finding> {
        let Some(swarm) = swarm else { return Vec::new() };
        let mut asked = Vec::new();
        for component in bundle.components().filter(|component| bundle.is_enabled(component, values)) {
            let Health::Http { port, path, status } = &component.health else { continue };
            let question = Question { component: &component.name, port: *port, path, status: *status };
            let service = swarm.services.iter().find(|service| service.component() == component.name);
            let Some(service) = service.filter(|service| service.is_started()) else { continue };
            let tasks = swarm.tasks.iter().filter(|task| task.service_id == service.id && task.wanted);
            let places: std::collections::BTreeSet<&str> = tasks.map(|task| task.node.as_str()).collect();
            for node in self.nodes().iter().filter(|node| places.contains(node.name())) {
                asked.push((node, question.clone()));
            }
        }
        let ask = async |(node, question): &(&Node, Question<'_>)| {
            let answer = node.get(question.port, question.path).await;
            health::judge_node(node.name(), question, answer.as_ref().copied().map_err(String::as_str))
        };
        join_all(asked.iter().map(ask)).await
    }

    /// The load balancer's ports that have a check of their own.
    async fn balancer(&self, bundle: &Bundle) -> Vec<Finding> {
        let facts = self.cluster.facts();
        let ask = async |port: &InventoryPort| {
            let probe = bundle.ports.iter().find(|known| known.port == port.port).map(|known| &known.probe);
            let Some(PortProbe::Http(path)) = probe else { return None };
            let endpoint = format!("{}:{}", port.endpoint.host, port.endpoint.port);
            let answer = public::get(&port.endpoint, path).await;
            let answer = answer.as_ref().copied().map_err(String::as_str);
            Some(health::judge_balancer(&facts.name, &port.name, &endpoint, path, answer))
        };
        let findings: Vec<Finding> = join_all(facts.ports.iter().map(ask)).await.into_iter().flatten().collect();
        match findings.is_empty() {
            true => vec![Finding::warn(
                "load balancer",
                CLUSTER,
                "opens no port that the platform's routers serve",
                format!("azure-coreos-cluster {} --deis", facts.name),
            )],
            false => findings,
        }
    }

    /// The domain and any name below it.
    async fn names(&self, bundle: &Bundle, values: &Values) -> Vec<Finding> {
        let Some(domain) = bundle.settings.value(values, "platform", "domain") else { return Vec::new() };
        let balancer = IpAddr::V4(self.cluster.facts().public_address);
        let names = [(domain.to_owned(), domain.to_owned()), (format!("*.{domain}"), format!("{ANY_NAME}.{domain}"))];
        let resolve = async |(record, name): &(String, String)| {
            let found = tokio::time::timeout(RESOLVE_DEADLINE, tokio::net::lookup_host((name.as_str(), 80))).await;
            let found: Result<Vec<IpAddr>, String> = match found {
                Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {} s", RESOLVE_DEADLINE.as_secs())),
            };
            name::judge(record, balancer, found.as_deref().map_err(String::as_str))
        };
        join_all(names.iter().map(resolve)).await
    }

    /// The certificate that browsers see.
    async fn public_certificate(&self, bundle: &Bundle, values: &Values) -> Vec<Finding> {
        let Some(domain) = bundle.settings.value(values, "platform", "domain") else { return Vec::new() };
        let is_tls = |port: &&InventoryPort| bundle.ports.iter().any(|known| known.port == port.port && known.tls);
        let name = format!("{ANY_NAME}.{domain}");
        let ask = async |port: &InventoryPort| match public::certificate(&port.endpoint, &name).await {
            Ok(certificate) => certificate::judge_public(&name, &certificate, now()),
            Err(reason) => Finding::warn(
                "certificate",
                format!("https://{name}"),
                format!("no TLS at {}:{}: {reason}", port.endpoint.host, port.endpoint.port),
                "platformctl journal router -n 100",
            ),
        };
        join_all(self.cluster.facts().ports.iter().filter(is_tls).map(ask)).await
    }

    /// The ingress network, and the one that most nodes have containers on.
    async fn overlay(&self) -> Vec<Finding> {
        let ends = join_all(self.nodes().iter().map(ends)).await;
        let mut networks: BTreeMap<String, Vec<End>> = BTreeMap::new();
        for (network, end) in ends.into_iter().flatten() {
            networks.entry(network).or_default().push(end);
        }
        let widest = networks.iter().filter(|(network, _)| *network != overlay::INGRESS);
        let widest = widest.max_by_key(|(_, ends)| ends.len()).map(|(network, _)| network.clone());
        networks.retain(|network, ends| {
            ends.len() > 1 && (network == overlay::INGRESS || Some(network) == widest.as_ref())
        });
        let judge = async |(network, ends): (&String, &Vec<End>)| {
            let connections = join_all(ends.iter().map(|end| self.connect(end, ends))).await.concat();
            overlay::judge(network, &connections)
        };
        join_all(networks.iter().map(judge)).await.concat()
    }

    async fn connect(&self, end: &End, ends: &[End]) -> Vec<overlay::Connection> {
        let others: Vec<&End> = ends.iter().filter(|other| other.node != end.node).collect();
        let Some(node) = self.answering.cluster.node(&end.node) else { return Vec::new() };
        let said = node.run(&overlay::script(end, &others), None, DEADLINE).await;
        overlay::read(&said.map(|output| output.stdout).unwrap_or_default(), end, &others)
    }
}

/// A node's ends of overlay networks, by network: Docker's own one, or its first container's.
async fn ends(node: &Node) -> Vec<(String, End)> {
    let filters = std::collections::HashMap::from([("driver", vec!["overlay"])]);
    let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
    let listed = node.ask("listing networks", |docker| {
        let options = options.clone();
        async move { docker.list_networks(Some(options)).await }
    });
    let names = listed.await.unwrap_or_default().into_iter().filter_map(|network| network.name);
    let mut ends = Vec::new();
    for network in names.take(MOST_ENDS_LISTED) {
        let inspected = node.ask("inspecting a network", |docker| {
            let network = network.clone();
            async move { docker.inspect_network(&network, None::<InspectNetworkOptions>).await }
        });
        let containers = inspected.await.ok().and_then(|network| network.containers).unwrap_or_default();
        let end = containers.into_iter().find_map(|(id, container)| {
            let address = container.ipv4_address?.split_once('/')?.0.to_owned();
            let entry = match (id.as_str(), network.as_str()) {
                ("ingress-sbox", overlay::INGRESS) => Entry::IngressSandbox,
                (_, overlay::INGRESS) => return None,
                // `lb-…` are Docker's own ends; a container's ID is hexadecimal.
                (id, _) if id.chars().all(|character| character.is_ascii_hexdigit()) => Entry::Container(id.to_owned()),
                _ => return None,
            };
            Some(End { node: node.name().to_owned(), address, entry })
        });
        ends.extend(end.map(|end| (network, end)));
    }
    ends
}

/// A node's answers to all questions that a shell answers.
async fn answers(node: &Node) -> Result<Answers, String> {
    let of_etcd = node.is_etcd_member().then(|| etcd::questions(&node.private_address().to_string()));
    let of_etcd = of_etcd.iter().flatten().map(|(name, command)| (*name, command.as_str()));
    let of_all = [&machine::QUESTIONS[..], &disk::QUESTIONS, &clock::QUESTIONS, &certificate::QUESTIONS].concat();
    let questions: Vec<(&str, &str)> = of_all.into_iter().chain(of_etcd).collect();
    let output = node.run(&probe::script(&questions), None, DEADLINE).await.map_err(|error| error.to_string())?;
    Ok(Answers::read(&output.stdout))
}

async fn info(node: &Node) -> Result<SystemInfo, String> {
    let asked = node.ask("reading its state", |docker| async move { docker.info().await });
    match tokio::time::timeout(DEADLINE, asked).await {
        Ok(answer) => answer.map_err(|error| error.message()),
        Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}

/// A node whose SSH server answers, but whose shell does not.
fn mute(check: &'static str, node: &str, reason: &str) -> Finding {
    let remedy = format!("platformctl ssh {node} uptime; a machine that hangs is restarted from Azure's side");
    Finding::fail(check, node, format!("does not answer questions: {reason}"), remedy)
}

async fn within(check: &'static str, findings: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    tokio::time::timeout(DEADLINE, findings).await.unwrap_or_else(|_| {
        let found = format!("no answer within {} s", DEADLINE.as_secs());
        vec![Finding::fail(check, CLUSTER, found, "platformctl machines; run platformctl doctor again")]
    })
}

fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}
