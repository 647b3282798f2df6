//! A node as the swarm sees it.

use std::collections::HashMap;

use bollard::models::{Node, NodeSpec, NodeSpecAvailabilityEnum, NodeSpecRoleEnum, NodeState, Reachability};

/// What a node does in the swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Manager,
    Worker,
}

/// A node of the swarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub id: String,
    /// The host name, which is the machine's name.
    pub name: String,
    pub role: Role,
    /// Whether the managers hear from it.
    pub ready: bool,
    /// Whether it takes tasks: neither paused nor drained.
    pub available: bool,
    /// A manager's word on another manager.
    pub reachable: bool,
    pub leader: bool,
    pub labels: HashMap<String, String>,
    /// Docker's version on it.
    pub engine_version: Option<String>,
    /// Of the object, for changes.
    pub(super) version: u64,
    pub(super) spec: NodeSpec,
}

impl Member {
    /// A member from Docker's answer; none when the answer names no node.
    pub fn read(node: Node) -> Option<Self> {
        let spec = node.spec.unwrap_or_default();
        let status = node.status.unwrap_or_default();
        let manager = node.manager_status.unwrap_or_default();
        let description = node.description.unwrap_or_default();
        Some(Self {
            id: node.id?,
            name: description.hostname.unwrap_or_default(),
            role: if spec.role == Some(NodeSpecRoleEnum::MANAGER) { Role::Manager } else { Role::Worker },
            ready: status.state == Some(NodeState::READY),
            available: spec.availability.is_none_or(|availability| availability == NodeSpecAvailabilityEnum::ACTIVE),
            reachable: manager.reachability == Some(Reachability::REACHABLE),
            leader: manager.leader.unwrap_or_default(),
            labels: spec.labels.clone().unwrap_or_default(),
            engine_version: description.engine.and_then(|engine| engine.engine_version),
            version: node.version.and_then(|version| version.index).unwrap_or_default(),
            spec,
        })
    }
}
