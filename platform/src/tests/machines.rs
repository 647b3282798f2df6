//! A cluster's machines in memory: what `nodes` sends over SSH is answered by an [`Engine`] and its etcd, by the same bytes,
//! and one call of a run goes wrong when that is wished.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nodes::cluster::{Cluster, ClusterFacts};
use nodes::inventory::{InventoryNode, SocketEndpoint};
use nodes::ssh::Output;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::engine::Engine;
use super::wires::Wires;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The other side says that it failed, and did nothing.
    Refused,
    /// It says that it failed, and has done it: its own wait for the rest of the swarm was over.
    RefusedAfter,
    /// The connection breaks before the question is heard.
    LostBefore,
    /// It breaks before the answer is.
    LostAfter,
    /// Our process ends before the question is heard.
    KilledBefore,
    /// It ends before the answer is.
    KilledAfter,
    /// Nothing answers from this call on.
    CutOff,
    /// The lock's lease ends at this call, which is answered.
    LockLost,
}

impl Fault {
    /// Whether it is another one than those before it at this call: of a question that changes nothing, before and after are
    /// the same.
    pub(super) fn differs_at(self, call: &str) -> bool {
        let changes = ["POST", "DELETE", " txn ", "lock: take", "ALTER ROLE"].iter().any(|word| call.contains(word));
        changes || !matches!(self, Self::RefusedAfter | Self::LostAfter | Self::KilledAfter)
    }

    pub(super) const ALL: [Self; 8] = [
        Self::Refused,
        Self::RefusedAfter,
        Self::LostBefore,
        Self::LostAfter,
        Self::KilledBefore,
        Self::KilledAfter,
        Self::CutOff,
        Self::LockLost,
    ];
}

/// What becomes of one call.
pub(super) enum Fate {
    Answered,
    Refused { done: bool },
    Lost { done: bool },
    Killed { done: bool },
}

/// Machines, and what is wished of the next run.
pub(super) struct Machines {
    state: Mutex<State>,
    /// Told when the process is to end.
    pub killed: Notify,
}

pub(super) struct State {
    engine: Engine,
    /// When the engine's time was `Engine::now` of the beginning.
    since: Instant,
    base: Duration,
    calls: Vec<String>,
    /// At which call, counted from 0.
    wish: Option<(usize, Fault)>,
    has_fired: bool,
    pub is_cut_off: bool,
}

impl State {
    pub(super) fn engine(&mut self) -> &mut Engine {
        let now = self.base + self.since.elapsed();
        self.engine.advance(now);
        &mut self.engine
    }

    fn fate(&mut self, call: String) -> Fate {
        let number = self.calls.len();
        self.calls.push(call);
        if self.is_cut_off {
            return Fate::Lost { done: false };
        }
        let Some((_, fault)) = self.wish.filter(|(at, _)| *at == number) else { return Fate::Answered };
        self.has_fired = true;
        match fault {
            Fault::Refused => Fate::Refused { done: false },
            Fault::RefusedAfter => Fate::Refused { done: true },
            Fault::LostBefore => Fate::Lost { done: false },
            Fault::LostAfter => Fate::Lost { done: true },
            Fault::KilledBefore => Fate::Killed { done: false },
            Fault::KilledAfter => Fate::Killed { done: true },
            Fault::CutOff => {
                self.is_cut_off = true;
                Fate::Lost { done: false }
            }
            Fault::LockLost => {
                self.engine().etcd.revoke_all();
                Fate::Answered
            }
        }
    }
}

impl Machines {
    /// The machines of `engine`, whose time goes on from where it stands; the call `wish` goes wrong.
    pub(super) fn new(engine: Engine, wish: Option<(usize, Fault)>) -> Arc<Self> {
        let base = engine.now;
        let state =
            State { engine, since: Instant::now(), base, calls: Vec::new(), wish, has_fired: false, is_cut_off: false };
        Arc::new(Self { state: Mutex::new(state), killed: Notify::new() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked until now.
    pub(super) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Whether the fault that was wished happened.
    pub(super) fn has_fired(&self) -> bool {
        self.state().has_fired
    }

    /// The engine after `later`, as a copy.
    pub(super) fn engine_after(&self, later: Duration) -> Engine {
        let mut engine = self.state().engine().clone();
        let then = engine.now + later;
        engine.advance(then);
        engine
    }

    /// A cluster of these machines.
    pub(super) fn cluster(self: &Arc<Self>) -> Cluster {
        let state = self.state();
        let nodes = state.engine.nodes.iter().map(|node| InventoryNode {
            name: node.name.clone(),
            private_address: node.address.parse().expect("an address"),
            etcd_member: true,
            data_disk: false,
            ssh: SocketEndpoint { host: node.address.clone(), port: 22 },
            host_key: String::new(),
        });
        let facts = ClusterFacts {
            name: "memory".into(),
            nodes: nodes.collect(),
            public_address: "192.0.2.1".parse().expect("an address"),
            ports: Vec::new(),
        };
        drop(state);
        Cluster::over(facts, Arc::new(Wires(self.clone())), Duration::from_secs(120))
    }

    /// Tells what the run does at its end, and ends a call accordingly: `done` says whether it is to take effect.
    pub(super) async fn meet(&self, call: String) -> Fate {
        let fate = self.state().fate(call);
        if let Fate::Killed { .. } = fate {
            self.killed.notify_one();
        }
        fate
    }

    pub(super) fn run(&self, node: usize, command: &str, input: Option<&str>) -> Output {
        let output = |text: &str| Output { status: 0, stdout: text.to_owned(), stderr: String::new() };
        if command.starts_with("etcdctl ") {
            self.state().engine().etcd.etcdctl(command, input)
        } else if command.contains("/etc/os-release") {
            output("os=Memory 1\nkernel=6.12\ndocker=28.0.4\ndocker_ok=yes\ndisk=9000\nmemory=900\n")
        } else if command == "ip -4 route" {
            output("default via 10.0.0.1 dev eth0\n10.0.0.0/24 dev eth0 scope link\n")
        } else if command.starts_with("docker ps ") || command.contains("exec psql ") {
            self.state().engine().database(node, command, input)
        } else {
            panic!("machines are not asked so: {command}")
        }
    }

    /// Whether a service that runs is reached on a port of a node.
    pub(super) fn listens(&self, node: usize, port: u16) -> bool {
        let mut state = self.state();
        let engine = state.engine();
        engine.services.iter().any(|service| {
            let ports = service.spec["EndpointSpec"]["Ports"].as_array().cloned().unwrap_or_default();
            let published = ports.into_iter().find(|one| one["PublishedPort"] == port);
            let Some(published) = published else { return false };
            let mut running = engine.tasks.iter().filter(|task| task.service == service.id && task.state == "running");
            running.any(|task| published["PublishMode"] != "host" || task.node == node)
        })
    }
}
