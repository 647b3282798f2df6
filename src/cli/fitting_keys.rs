//! Whether the keys in a cluster's directory are those of the machines that exist: `create` and `plan` ask before the
//! first write. A directory that is a copy of an earlier time, or that has lost a file, must not lead to new keys for
//! machines that have theirs.

use std::path::Path;

use super::connection::Connection;
use super::prepare::Prepared;
use crate::arm::{ArmError, Resource, VirtualMachine};
use crate::directory::{Bound, Cloud, ClusterDirectory};
use crate::pki::KeyPart;
use crate::plan::{KEYS_TAG, Observed, ResourceNames, StepKey, is_ours};
use crate::spec::{Node, SettledSpec, SshPublicKey};
use diagnostics::{Origin, Problems};
use report::{Failure, first_few};

/// Machines that are named before the rest is counted.
const SHOWN: usize = 5;
/// What helps when this directory is not the last one that worked on the cluster.
const COPY: &str = "copy it, or the whole directory, from where the cluster was made or last grown, or name that one with \
                    --state-dir; keys cannot be asked of Azure";

/// Adds what does not fit; nothing when no machine exists. An error is that an answer says too little of a machine.
pub(super) fn check(
    connection: &Connection,
    prepared: &Prepared,
    observed: &Observed,
    problems: &mut Problems,
) -> Result<(), ArmError> {
    let machine = |node: &Node| observed.get(&StepKey::VirtualMachine(node.index));
    let nodes = prepared.spec.nodes();
    let existing: Vec<(&Node, &Resource)> = nodes.iter().filter_map(|node| Some((node, machine(node)?))).collect();
    if existing.is_empty() {
        return Ok(());
    }
    let directory = &prepared.directory;
    let none_here =
        !directory.authority().exists() && !existing.iter().any(|(node, _)| directory.node_keys(&node.name).exists());
    if none_here || (prepared.stored.is_none() && prepared.spec.custom_data_only) {
        let message = format!(
            "{} machines of this cluster exist, but their keys are not in `{}`",
            existing.len(),
            directory.root().display()
        );
        let lost = match connection.cloud {
            Cloud::Local => "azure-coreos-cluster local reset".to_owned(),
            Cloud::Azure => format!("az group delete --name '{}'", prepared.spec.resource_group),
        };
        let hint = format!(
            "copy the directory from where the cluster was created, or name it with --state-dir; when it is lost, `{lost}` removes \
             the cluster with all else that is there"
        );
        problems.add_with_hint(Origin::Flag("NAME"), message, hint);
        return Ok(());
    }
    let names = ResourceNames::new(&connection.subscription, &prepared.spec);
    let mut let_in = Vec::new();
    for (node, resource) in &existing {
        let machine: VirtualMachine = resource.decode(&names.virtual_machine(&node.name))?;
        // What is no key at all lets nobody in, and is no other key.
        let key = machine.ssh_public_key().and_then(|text| text.parse::<SshPublicKey>().ok());
        let_in.extend(key.map(|key| (*node, key)));
    }
    operator_key(prepared, &let_in, problems);
    if !prepared.spec.custom_data_only {
        node_keys(prepared, &existing, problems);
    }
    Ok(())
}

/// Without asking Azure: every file that an earlier run wrote must be there. For a command that shows keys.
pub(super) fn check_files(prepared: &Prepared) -> Result<(), Failure> {
    let mut problems = Problems::new();
    let Some(stored) = prepared.stored.as_ref().filter(|stored| stored.bound == Bound::Machines) else { return Ok(()) };
    if stored.spec.custom_data_only {
        return Ok(());
    }
    let directory = &prepared.directory;
    let nodes = stored.spec.nodes();
    let files = std::iter::once(directory.authority()).chain(nodes.iter().map(|node| directory.node_keys(&node.name)));
    for file in files.filter(|file| !file.exists()).take(SHOWN) {
        problems.add_with_hint(of_file(&file), "is missing, and the cluster was made with the keys in it", COPY);
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

/// The key that signs in must be the one that the machines let in.
fn operator_key(prepared: &Prepared, let_in: &[(&Node, SshPublicKey)], problems: &mut Problems) {
    let own = &prepared.spec.ssh_public_key;
    let file = prepared.directory.identity();
    match prepared.directory.read(&file.with_extension("pub")) {
        Err(error) => problems.add(of_file(&file.with_extension("pub")), format!("{error:#}")),
        Ok(Some(public)) if !file.exists() && public.trim() == own.as_str() => {
            problems.add_with_hint(of_file(&file), "is missing: it is the key that the machines let in", COPY);
            return;
        }
        Ok(_) => {}
    }
    let other = let_in.iter().filter(|(_, known)| !same_key(known, own));
    let names: Vec<&str> = other.map(|(node, _)| node.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    if prepared.uses_operator_key() {
        let message = format!("is not the key that {} let in", some(&names));
        problems.add_with_hint(of_file(&file), message, COPY);
    } else {
        let message = format!("{} let another SSH key in than this one", some(&names));
        problems.add_with_hint(
            prepared.origin(&crate::config::parameter::SSH_CERT),
            message,
            "--ssh-key with the key of the first time",
        );
    }
}

/// Type and key; comments differ.
fn same_key(one: &SshPublicKey, other: &SshPublicKey) -> bool {
    let key = |key: &SshPublicKey| key.as_str().split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    key(one) == key(other)
}

/// By their fingerprints on the machine; a machine without them by whether there are keys at all, signed by the authority.
fn node_keys(prepared: &Prepared, existing: &[(&Node, &Resource)], problems: &mut Problems) {
    let directory = &prepared.directory;
    let authority_is_here = directory.authority().exists();
    let (mut lost, mut other, mut of_other_authority, mut of_other_role) = (vec![], vec![], vec![], vec![]);
    for (node, resource) in existing {
        let name = node.name.as_str();
        let keys_are_here = directory.node_keys(name).exists();
        let parts = match resource.tags.get(KEYS_TAG) {
            Some(keys) => prepared.fingerprints(node).map(|own| own.differences(keys)),
            None if keys_are_here => {
                let keys = prepared.material.node(name);
                let signed = prepared.material.authority.has_signed(&keys.client);
                signed.map(|signed| if signed { vec![] } else { vec![KeyPart::Authority] })
            }
            None => Ok(if authority_is_here { vec![] } else { vec![KeyPart::Authority] }),
        };
        // What cannot be read was told when it was read.
        let parts = parts.unwrap_or_else(|_| vec![KeyPart::Certificates]);
        if parts.contains(&KeyPart::Authority) {
            of_other_authority.push(name);
        }
        // Whoever joins etcd later may have been made as a client.
        if parts.contains(&KeyPart::EtcdRole) && !node.etcd_joins {
            of_other_role.push(name);
        }
        if !keys_are_here {
            lost.push(name);
        } else if parts.iter().any(|part| matches!(part, KeyPart::HostKey | KeyPart::Certificates)) {
            other.push(name);
        }
    }
    if !of_other_authority.is_empty() {
        let message = another_authority(authority_is_here, &some(&of_other_authority));
        problems.add_with_hint(of_file(&directory.authority()), message, COPY);
    }
    for name in lost.iter().take(SHOWN) {
        let message = format!("is missing, but virtual machine `{name}` exists and has its keys");
        problems.add_with_hint(of_file(&directory.node_keys(name)), message, COPY);
    }
    for name in other.iter().take(SHOWN) {
        let message = format!("holds other keys than virtual machine `{name}` was given");
        problems.add_with_hint(of_file(&directory.node_keys(name)), message, COPY);
    }
    for (names, what) in [(lost, "are missing"), (other, "hold other keys than their machines")] {
        if names.len() > SHOWN {
            let message = format!("the keys of {} more machines {what}", names.len() - SHOWN);
            problems.add_with_hint(of_file(&directory.path("nodes")), message, COPY);
        }
    }
    if !of_other_role.is_empty() {
        let (members, is, was) =
            match existing.iter().any(|(node, _)| of_other_role.contains(&node.name.as_str()) && node.etcd_member) {
                true => (prepared.spec.etcd_member_count, "members", "clients"),
                false => (prepared.spec.etcd_member_count, "clients", "members"),
            };
        let message = format!(
            "with {members} etcd members, {} would be {is}, and were made as {was}: the cluster began with another number of nodes",
            some(&of_other_role)
        );
        problems.add_with_hint(of_file(&directory.spec()), message, COPY);
    }
}

/// What is wrong with the authority's file when `machines` trust another one.
pub(super) fn another_authority(is_here: bool, machines: &str) -> String {
    let what = if is_here { "is not the authority that" } else { "is missing: it is what" };
    format!("{what} {machines} trust")
}

pub(super) fn of_file(file: &Path) -> Origin {
    Origin::File { path: file.display().to_string(), line: None }
}

/// The first few machines in words.
fn some(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    first_few(&names, SHOWN)
}

/// A machine beyond the last one that this directory knows: the cluster was grown from elsewhere, and a run from here
/// would take it off the load balancer.
pub(super) async fn check_for_later_machines(
    connection: &Connection,
    spec: &SettledSpec,
    directory: &ClusterDirectory,
) -> Result<(), Failure> {
    let names = ResourceNames::new(&connection.subscription, spec);
    let next = names.virtual_machine(&spec.machine_name(spec.node_count));
    let again = format!("azure-coreos-cluster {}", spec.name);
    let found = connection.arm.get(&next).await.map_err(|error| Failure::azure(error, again))?;
    if !found.is_some_and(|machine| is_ours(spec, &machine)) {
        return Ok(());
    }
    let mut problems = Problems::new();
    let message = format!(
        "knows {} nodes, but {next} exists: the cluster was grown from another directory since",
        spec.node_count
    );
    problems.add_with_hint(of_file(&directory.spec()), message, COPY);
    Err(problems.into())
}
