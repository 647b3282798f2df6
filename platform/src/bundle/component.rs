//! What a platform consists of.

use super::SettingKey;

/// Components that start together, when all tasks of the subsystem before them run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// As people read it: `Storage subsystem`.
    pub name: String,
    pub components: Vec<Component>,
}

/// One part of a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Of a service, also its key in `stack.yaml`.
    pub name: String,
    pub kind: ComponentKind,
    /// Runs only when this setting is true or, if it is not a boolean, set.
    pub when: Option<SettingKey>,
    pub health: Health,
    /// How long it may take from its start until it is well.
    pub deadline_seconds: u32,
    /// Whether the number of its tasks is the user's choice.
    pub scalable: bool,
    /// More than one task is safe only when this setting is true or, if it is not a boolean, set.
    pub scalable_when: Option<SettingKey>,
    /// TCP ports of the nodes that services publish which the component makes itself.
    pub publishes: Vec<u16>,
}

/// What runs a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentKind {
    /// Swarm.
    Service,
    /// The nodes themselves; it is looked at and never started.
    Host,
}

/// How a component's health is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Docker's own: a container's health check says healthy; without a check, it runs.
    Container,
    /// `GET` on each node that runs a task.
    Http { port: u16, path: String, status: u16 },
    /// More than half of etcd's members agree.
    EtcdQuorum,
}
