//! Asks everybody everything at once, each question with a deadline, and hands the answers to those who judge.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::SystemInfo;
use futures::future::join_all;

use super::installed::Installed;
use super::probe::{self, Answers};
use super::swarm::Expected;
use super::{
    CLUSTER, Finding, certificate, clock, disk, docker, domain_certificate, etcd, machine, mesh, routes, service,
    setting, swarm,
};
use crate::Platform;
use crate::bundle::{Bundle, Values};
use crate::certificates::{Certificates, KnownCertificate};
use crate::settings::Settings;
use crate::swarm::{BUNDLE_LABEL, COMPONENT_LABEL, Member, Service, Task};
use nodes::cluster::{Cluster, DockerError, Node};
use report::Failure;
use routing::Refusal;

/// For one line of questions from its first to its last; machines under emulation are slow.
const DEADLINE: Duration = Duration::from_secs(60);
/// What etcd knows of the platform; when it does not answer, the rest is judged without.
const STORE_DEADLINE: Duration = Duration::from_secs(30);
const CLOCK_DEADLINE: Duration = Duration::from_secs(15);

/// All checks of one run.
pub(super) struct Examination<'a> {
    /// All nodes, those that do not answer among them.
    pub cluster: &'a Cluster,
    /// What is left of it.
    pub answering: &'a Platform,
}

/// What the swarm's managers know.
pub(super) struct Swarm {
    pub members: Vec<Member>,
    pub services: Vec<Service>,
    pub tasks: Vec<Task>,
}

impl Examination<'_> {
    /// Everything that was found.
    pub(super) async fn all(&self) -> Vec<Finding> {
        // Alone, because nodes that are busy answering other questions blur it.
        let clocks = within("clocks", self.clocks()).await;
        let (machines, swarm, overlay) =
            tokio::join!(self.machines(), self.swarm_and_platform(), within("overlay", mesh::examine(self.nodes())));
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
        let answered: Vec<(&str, &Answers)> = versions.iter().map(|(name, answers, _)| (*name, *answers)).collect();
        let is_complete = self.cluster.members().all(|member| answered.iter().any(|(name, _)| *name == member.name()));
        findings.extend(routes::judge(&answered, is_complete));
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
            let measured = tokio::time::timeout(CLOCK_DEADLINE, nodes::clock::offset(node)).await;
            measured.ok()?.ok()
        };
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
            Ok(Ok(Stored { bundle, values, certificates, paused })) => {
                findings.extend(domain_certificate::judge(&certificates, paused.as_ref(), now()));
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
                let (cluster, nodes, swarm) = (self.cluster, self.nodes(), swarm.as_ref());
                let installed = Installed { cluster, nodes, bundle, values: &known, swarm };
                findings.extend(within("health", installed.all()).await);
            }
            (None, None) => {}
        }
        if let Some(swarm) = &swarm {
            let of_service = |service: &Service| {
                swarm.tasks.iter().filter(|task| task.service_id == service.id).collect::<Vec<&Task>>()
            };
            let judge = |service: &Service| {
                let is_component = service.label(COMPONENT_LABEL).is_some() && service.label(BUNDLE_LABEL).is_some();
                service::judge(&service::State::of(service, &of_service(service), &swarm.members, is_component))
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
        let text = |error: DockerError| error.to_string();
        let Some(members) = swarm.members().await.map_err(text)? else { return Ok((None, None)) };
        let (services, object) = tokio::join!(
            swarm.services(None),
            swarm.ask("reading the swarm's settings", |docker| async move { docker.inspect_swarm().await }),
        );
        let services = services.map_err(text)?;
        let tasks = swarm.tasks(&services.iter().collect::<Vec<_>>(), &members).await.map_err(text)?;
        let autolock = object.map_err(text)?.spec.and_then(|spec| spec.encryption_config?.auto_lock_managers);
        Ok((Some(Swarm { members, services, tasks }), autolock))
    }

    /// The installed bundle, the settings and the certificates.
    async fn ask_store(&self) -> Result<Stored, String> {
        let text = |failure: Failure| {
            let text = failure.to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        };
        let (settings, certificates) = (Settings::new(self.answering), Certificates::new(self.answering));
        let (installation, values, all, paused) =
            tokio::join!(self.answering.installation(), settings.load(), certificates.all(), certificates.paused());
        Ok(Stored {
            bundle: installation.map_err(text)?.map(|installation| installation.bundle),
            values: values.map_err(text)?,
            certificates: all.map_err(text)?,
            paused: paused.map_err(text)?,
        })
    }
}

/// What etcd keeps of the platform.
struct Stored {
    bundle: Option<Bundle>,
    values: Values,
    certificates: Vec<KnownCertificate>,
    paused: Option<Refusal>,
}

/// A node's answers to all questions that a shell answers.
async fn answers(node: &Node) -> Result<Answers, String> {
    let of_etcd = node.is_etcd_member().then(|| etcd::questions(&node.private_address().to_string()));
    let of_etcd = of_etcd.iter().flatten().map(|(name, command)| (*name, command.as_str()));
    let of_all =
        [&machine::QUESTIONS[..], &disk::QUESTIONS, &clock::QUESTIONS, &certificate::QUESTIONS, &routes::QUESTIONS]
            .concat();
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

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}
