//! Where machines are reached, and by whom.

use super::parameter::{ADDRESS_SPACE, SSH, SSH_CERT, SSH_SOURCES, SSH_THUMB, SUBNET_NAMES, VIRTUAL_NETWORK_NAME};
use super::resolver::Resolver;
use crate::spec::{
    AddressSource, AddressSpace, ExistingNetwork, SshCertificate, SshPublicKey, VirtualNetworkName, everybody,
};

/// First SSH port when nothing is said.
const DEFAULT_FIRST_SSH_PORT: u16 = 22001;

pub(super) fn ssh_public_key(resolver: &mut Resolver, operator_key: &SshPublicKey) -> SshPublicKey {
    let thumbprint = resolver.given(&SSH_THUMB).and_then(|given| given.texts.first());
    let Some(file) = resolver.input.file(&SSH_CERT) else {
        if thumbprint.is_some() {
            resolver.problem(&SSH_THUMB, "is checked against a certificate, so it needs `--ssh-cert`");
        }
        return resolver.earlier.map_or(operator_key, |earlier| &earlier.ssh_public_key).clone();
    };
    let read = match &file.content {
        Ok(bytes) => SshCertificate::read(bytes).map_err(|error| format!("`{}`: {error}", file.path)),
        Err(reason) => Err(format!("reading `{}`: {reason}", file.path)),
    };
    match read {
        Ok(certificate) => {
            if let Some(Err(message)) = thumbprint.map(|thumbprint| certificate.check(thumbprint)) {
                resolver.problem(&SSH_THUMB, message);
            }
            certificate.key
        }
        Err(message) => {
            resolver.problem_with_hint(&SSH_CERT, message, "ssh-keygen -t ed25519 makes a key that Azure takes");
            operator_key.clone()
        }
    }
}

pub(super) fn first_ssh_port(resolver: &mut Resolver) -> u16 {
    let port = resolver.integer(&SSH).and_then(|port| u16::try_from(port).ok());
    port.or(resolver.earlier.map(|earlier| earlier.first_ssh_port)).unwrap_or(DEFAULT_FIRST_SSH_PORT)
}

/// Who may reach SSH; somebody must.
pub(super) fn ssh_sources(resolver: &mut Resolver) -> Vec<AddressSource> {
    let earlier = resolver.earlier.map(|earlier| earlier.ssh_sources.clone());
    let given: Option<Vec<AddressSource>> = resolver.list(&SSH_SOURCES);
    if given.as_ref().is_some_and(Vec::is_empty)
        && resolver.given(&SSH_SOURCES).is_some_and(|given| given.texts.iter().all(String::is_empty))
    {
        resolver.problem(&SSH_SOURCES, "names nobody, so that nobody could reach the machines; `*` is everybody");
    }
    given.or(earlier).unwrap_or_else(everybody)
}

pub(super) fn address_space(resolver: &mut Resolver, node_count: u32) -> AddressSpace {
    let space = resolver.settle(&ADDRESS_SPACE, |earlier| earlier.address_space, AddressSpace::default);
    if space.nodes() < node_count {
        let message = format!("`{}` has room for {} machines, {node_count} are asked", space.subnet(), space.nodes());
        resolver.problem(&ADDRESS_SPACE, message);
    }
    space
}

/// The network that exists, with the addresses that an earlier run found in it.
pub(super) fn existing_network(resolver: &mut Resolver) -> Option<ExistingNetwork> {
    let earlier = resolver.earlier.and_then(|earlier| earlier.existing_network.clone());
    let network: Option<VirtualNetworkName> = resolver.parsed(&VIRTUAL_NETWORK_NAME);
    let subnets: Option<Vec<String>> = resolver.list(&SUBNET_NAMES);
    if network.is_some() && resolver.given(&ADDRESS_SPACE).is_some() {
        resolver
            .problem(&ADDRESS_SPACE, "is of a network of the cluster's own; `--virtual-network-name` names another");
    }
    match (network, subnets, earlier) {
        (Some(network), Some(subnets), earlier) if !subnets.is_empty() => {
            let same = earlier.filter(|earlier| earlier.network == network && earlier.subnets == subnets);
            Some(same.unwrap_or(ExistingNetwork { network, subnets, addresses: Vec::new() }))
        }
        (Some(network), None, Some(earlier)) if earlier.network == network => Some(earlier),
        (Some(_), ..) => {
            resolver.problem(&VIRTUAL_NETWORK_NAME, "needs `--subnet-names`: whose addresses the nodes take");
            None
        }
        (None, Some(subnets), Some(earlier)) => Some(ExistingNetwork { subnets, ..earlier }),
        (None, Some(_), None) => {
            resolver.problem(&SUBNET_NAMES, "are of a network that exists, so they need `--virtual-network-name`");
            None
        }
        (None, None, earlier) => earlier,
    }
}
