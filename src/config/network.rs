//! Where machines are reached, and by whom.

use super::parameter::{ADDRESS_SPACE, SSH, SSH_CERT, SSH_SOURCES, SSH_THUMB, SUBNET_NAMES, VIRTUAL_NETWORK_NAME};
use super::resolver::Resolver;
use crate::spec::{
    AddressSource, AddressSpace, ExistingNetwork, ResourceGroupName, SshCertificate, SshPublicKey, SubnetName,
    VirtualNetworkName, everybody,
};

/// First SSH port when nothing is said.
pub(super) const DEFAULT_FIRST_SSH_PORT: u16 = 22001;

/// Of a file that is not there, or none.
const NAME_A_FILE: &str = "name a certificate's or public key's file, such as ~/.ssh/id_ed25519.pub";

pub(super) fn ssh_public_key(resolver: &mut Resolver, operator_key: &SshPublicKey) -> SshPublicKey {
    let thumbprint = resolver.given(&SSH_THUMB).and_then(|given| given.texts.first());
    let Some(file) = resolver.input.file(&SSH_CERT) else {
        if thumbprint.is_some() {
            resolver.problem(&SSH_THUMB, "is checked against a certificate, so it needs `--ssh-cert`");
        }
        return resolver.earlier.map_or(operator_key, |earlier| &earlier.ssh_public_key).clone();
    };
    let read = match &file.content {
        Ok(bytes) => {
            SshCertificate::read(bytes).map_err(|error| (format!("`{}`: {error}", file.path), error.remedy(&file.path)))
        }
        Err(reason) => Err((format!("reading `{}`: {reason}", file.path), NAME_A_FILE.into())),
    };
    match read {
        Ok(certificate) => {
            if let Some(Err(message)) = thumbprint.map(|thumbprint| certificate.check(thumbprint)) {
                resolver.problem(&SSH_THUMB, message);
            }
            match resolver.earlier {
                Some(earlier) if earlier.ssh_public_key.is_same(&certificate.key) => earlier.ssh_public_key.clone(),
                _ => certificate.key,
            }
        }
        Err((message, remedy)) => {
            resolver.mark_unreadable(&SSH_CERT);
            resolver.problem_with_hint(&SSH_CERT, message, remedy);
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
    let sources = given.or(earlier).unwrap_or_else(everybody);
    for message in AddressSource::conflicts(&sources) {
        resolver.problem(&SSH_SOURCES, message);
    }
    sources
}

pub(super) fn address_space(resolver: &mut Resolver, node_count: u32) -> AddressSpace {
    let space = resolver.settle(&ADDRESS_SPACE, |earlier| earlier.address_space, AddressSpace::default);
    if space.nodes() < node_count {
        let message = format!("`{}` has room for {} machines, {node_count} are asked", space.subnet(), space.nodes());
        resolver.problem(&ADDRESS_SPACE, message);
    }
    space
}

/// The network that exists, with the addresses that an earlier run found in it. Its group is the cluster's, `group`,
/// where none is named.
pub(super) fn existing_network(resolver: &mut Resolver, group: Option<&ResourceGroupName>) -> Option<ExistingNetwork> {
    let earlier = resolver.earlier.and_then(|earlier| earlier.existing_network.clone());
    let network: Option<VirtualNetworkName> = resolver.parsed(&VIRTUAL_NETWORK_NAME);
    let subnets: Option<Vec<SubnetName>> = resolver.list(&SUBNET_NAMES);
    if network.is_some() && resolver.given(&ADDRESS_SPACE).is_some() {
        resolver
            .problem(&ADDRESS_SPACE, "is of a network of the cluster's own; `--virtual-network-name` names another");
    }
    for name in repeated(subnets.as_deref().unwrap_or_default()) {
        let message = format!("subnet `{name}` is named twice (case makes no difference)");
        resolver.problem(&SUBNET_NAMES, message);
    }
    let is_same = |one: &VirtualNetworkName, other: &VirtualNetworkName| {
        group.map_or(one == other, |group| one.is_same(other, group))
    };
    match (network, subnets, earlier) {
        (Some(network), Some(subnets), earlier) if !subnets.is_empty() => {
            let same = earlier.filter(|earlier| is_same(&earlier.network, &network) && earlier.has_subnets(&subnets));
            Some(same.unwrap_or(ExistingNetwork { network, subnets, addresses: Vec::new() }))
        }
        (Some(network), None, Some(earlier)) if is_same(&earlier.network, &network) => Some(earlier),
        // What is wrong with the names is told already.
        (Some(_), Some(_), earlier) if resolver.is_unreadable(&SUBNET_NAMES) => earlier,
        (Some(_), ..) => {
            resolver.problem(&VIRTUAL_NETWORK_NAME, "needs `--subnet-names`: whose addresses the nodes take");
            None
        }
        (None, Some(subnets), Some(earlier)) if earlier.has_subnets(&subnets) => Some(earlier),
        (None, Some(subnets), Some(earlier)) => Some(ExistingNetwork { subnets, ..earlier }),
        (None, Some(_), None) if resolver.is_unreadable(&VIRTUAL_NETWORK_NAME) => None,
        (None, Some(_), None) => {
            resolver.problem(&SUBNET_NAMES, "are of a network that exists, so they need `--virtual-network-name`");
            None
        }
        (None, None, earlier) => earlier,
    }
}

/// The names that stand there for a second time.
fn repeated(names: &[SubnetName]) -> impl Iterator<Item = &SubnetName> {
    let stood_before = |index: usize, name: &SubnetName| names[..index].iter().any(|other| other.is_same(name));
    names.iter().enumerate().filter(move |(index, name)| stood_before(*index, name)).map(|(_, name)| name)
}
