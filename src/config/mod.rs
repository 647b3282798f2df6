//! Turns what the user wrote, and what an earlier run settled, into a [`ClusterSpec`]; finds every mistake at once.
//!
//! Precedence: default < earlier run of the same cluster < flag. Pure: files were read by the caller.

mod input;
mod ports;
pub mod yaml;

pub use input::{ClusterInput, InputFile};

use crate::spec::{
    AVAILABILITY_SET_MACHINES, ClusterName, ClusterSpec, Image, Origin, Problems, QUORUM_NODES, SshPublicKey,
    etcd_member_count,
};
use crate::userdata::Overlay;

/// Number of nodes when nothing is said.
pub const DEFAULT_NODE_COUNT: u32 = 3;
/// Region when nothing is said.
pub const DEFAULT_LOCATION: &str = "westeurope";
/// Machine name prefix when nothing is said.
pub const DEFAULT_MACHINE_PREFIX: &str = "coreos";
/// First SSH port when nothing is said.
pub const DEFAULT_FIRST_SSH_PORT: u16 = 22001;
/// Data disk in GiB when `--data-disk` stands alone.
pub const DEFAULT_DATA_DISK_GIB: u32 = 100;
/// Sizes that a managed data disk can have, in GiB.
/// <https://learn.microsoft.com/azure/virtual-machines/disks-types>
const DATA_DISK_GIB: std::ops::RangeInclusive<u32> = 4..=32_767;

/// The validated spec, or every mistake.
///
/// `operator_key` is used when the user names no key and no earlier run settled one.
pub fn resolve(
    input: &ClusterInput,
    earlier: Option<&ClusterSpec>,
    operator_key: &SshPublicKey,
) -> Result<ClusterSpec, Problems> {
    let mut problems = Problems::new();
    let name = problems.take(Origin::Flag("NAME"), input.name.parse());
    let node_count = node_count(input, earlier, &mut problems);

    let resource_group = match (&input.resource_group, earlier) {
        (Some(text), _) => problems.take(Origin::Flag("--resource-group"), text.parse()),
        (None, Some(earlier)) => Some(earlier.resource_group.clone()),
        (None, None) => name.as_ref().and_then(|name: &ClusterName| name.as_str().parse().ok()),
    };
    let location =
        parse_or(&input.location, "--location", earlier.map(|e| &e.location), DEFAULT_LOCATION, &mut problems);
    let machine_prefix = parse_or(
        &input.vm_name_prefix,
        "--vm-name-prefix",
        earlier.map(|e| &e.machine_prefix),
        DEFAULT_MACHINE_PREFIX,
        &mut problems,
    );
    let vm_size = match &input.vm_size {
        Some(text) => problems.take(Origin::Flag("--vm-size"), text.parse()),
        None => Some(earlier.map(|earlier| earlier.vm_size.clone()).unwrap_or_default()),
    };
    let image = match &input.coreos_image {
        Some(text) => problems.take(Origin::Flag("--coreos-image"), text.parse()),
        None => Some(earlier.map_or_else(Image::default, |earlier| earlier.image.clone())),
    };
    let ssh_public_key = match (&input.ssh_key, earlier) {
        (Some(file), _) => ssh_key(file, &mut problems),
        (None, Some(earlier)) => Some(earlier.ssh_public_key.clone()),
        (None, None) => Some(operator_key.clone()),
    };
    let custom_data = match &input.custom_data {
        Some(file) => overlay(file, &mut problems),
        None => earlier.and_then(|earlier| earlier.custom_data.clone()),
    };
    let open_ports = ports::open(input, earlier, &mut problems);
    let first_ssh_port = input.ssh.or(earlier.map(|earlier| earlier.first_ssh_port)).unwrap_or(DEFAULT_FIRST_SSH_PORT);
    ports::check_ssh(first_ssh_port, node_count, &open_ports, &mut problems);
    let data_disk_gib = input.data_disk.or(earlier.and_then(|earlier| earlier.data_disk_gib));
    if let Some(size) = data_disk_gib.filter(|size| !DATA_DISK_GIB.contains(size)) {
        let (least, most) = (DATA_DISK_GIB.start(), DATA_DISK_GIB.end());
        problems.add(Origin::Flag("--data-disk"), format!("must be {least} to {most} GiB, found {size}"));
    }
    let ntp_servers = match (input.ntp_servers.is_empty(), earlier) {
        (true, Some(earlier)) => earlier.ntp_servers.clone(),
        _ => input.ntp_servers.clone(),
    };
    for server in ntp_servers.iter().filter(|server| !is_host(server)) {
        problems.add(Origin::Flag("--ntp-server"), format!("`{server}` is neither a host name nor an address"));
    }
    if let (Some(earlier), Some(location), Some(prefix)) = (earlier, &location, &machine_prefix) {
        let mut fixed = |flag, what: &str, was: &str, is: &str| {
            if was != is {
                let message = format!("the cluster's {what} is `{was}` and cannot become `{is}`");
                problems.add_with_hint(
                    Origin::Flag(flag),
                    message,
                    format!("azure-coreos-cluster destroy {}", earlier.name),
                );
            }
        };
        fixed("--location", "location", earlier.location.as_str(), location.as_str());
        fixed("--vm-name-prefix", "machine name prefix", earlier.machine_prefix.as_str(), prefix.as_str());
        let group = resource_group.as_ref().map_or(earlier.resource_group.as_str(), |group| group.as_str());
        fixed("--resource-group", "resource group", earlier.resource_group.as_str(), group);
        let key = ssh_public_key.as_ref().unwrap_or(&earlier.ssh_public_key);
        fixed("--ssh-key", "SSH key", earlier.ssh_public_key.as_str(), key.as_str());
        let disk = |size: Option<u32>| size.map_or("none".to_owned(), |size| format!("{size} GiB"));
        fixed("--data-disk", "data disk", &disk(earlier.data_disk_gib), &disk(data_disk_gib));
        fixed("--ssh", "first SSH port", &earlier.first_ssh_port.to_string(), &first_ssh_port.to_string());
    }

    match (name, resource_group, location, machine_prefix, vm_size, image, ssh_public_key) {
        (
            Some(name),
            Some(resource_group),
            Some(location),
            Some(machine_prefix),
            Some(vm_size),
            Some(image),
            Some(ssh_public_key),
        ) if problems.is_empty() => Ok(ClusterSpec {
            name,
            resource_group,
            location,
            node_count,
            etcd_member_count: earlier
                .map_or_else(|| etcd_member_count(node_count), |earlier| earlier.etcd_member_count),
            vm_size,
            machine_prefix,
            first_ssh_port,
            ssh_public_key,
            closed_ports: ports::closed(&open_ports, earlier),
            open_ports,
            data_disk_gib,
            image,
            ntp_servers,
            custom_data,
            data_disk_count: earlier.map_or(1, |earlier| earlier.data_disk_count),
            custom_data_only: false,
            user_data_format: earlier.map(|earlier| earlier.user_data_format).unwrap_or_default(),
            templates: earlier.map(|earlier| earlier.templates.clone()).unwrap_or_default(),
        }),
        _ => Err(problems),
    }
}

/// A flag's value, else the earlier run's, else the default.
fn parse_or<T>(
    flag: &Option<String>,
    name: &'static str,
    earlier: Option<&T>,
    default: &str,
    problems: &mut Problems,
) -> Option<T>
where
    T: std::str::FromStr + Clone,
    T::Err: std::fmt::Display,
{
    match (flag, earlier) {
        (Some(text), _) => problems.take(Origin::Flag(name), text.parse()),
        (None, Some(earlier)) => Some(earlier.clone()),
        (None, None) => problems.take(Origin::Flag(name), default.parse()),
    }
}

fn node_count(input: &ClusterInput, earlier: Option<&ClusterSpec>, problems: &mut Problems) -> u32 {
    let count = input.num_nodes.or(earlier.map(|earlier| earlier.node_count)).unwrap_or(DEFAULT_NODE_COUNT);
    let origin = Origin::Flag("--num-nodes");
    if count == 0 {
        problems.add(origin, "a cluster has at least one node");
        return DEFAULT_NODE_COUNT;
    }
    let small_before = earlier.is_some_and(|earlier| earlier.node_count < QUORUM_NODES);
    if count < QUORUM_NODES && !input.allow_small && !small_before {
        let message = format!(
            "must be at least {QUORUM_NODES}, found {count}: etcd stays available while more than half of its members answer, \
             so one or two members survive the loss of none"
        );
        problems.add_with_hint(origin, message, "add `--allow-small` for a cluster with a single etcd member");
    } else if count > AVAILABILITY_SET_MACHINES {
        let message = format!("must be at most {AVAILABILITY_SET_MACHINES} (one availability set), found {count}");
        problems.add(origin, message);
        return DEFAULT_NODE_COUNT;
    } else if let Some(earlier) = earlier.filter(|earlier| count < earlier.node_count) {
        let message =
            format!("the cluster has {} nodes; taking nodes away ({count} asked) is not supported", earlier.node_count);
        problems.add(origin, message);
    }
    count
}

fn ssh_key(file: &InputFile, problems: &mut Problems) -> Option<SshPublicKey> {
    let origin = Origin::Flag("--ssh-key");
    match &file.content {
        Err(reason) => {
            problems.add(origin, format!("reading `{}`: {reason}", file.path));
            None
        }
        Ok(text) => match text.parse() {
            Ok(key) => Some(key),
            Err(error) => {
                let message = format!("`{}`: {error}", file.path);
                problems.add_with_hint(origin, message, "ssh-keygen -t ed25519 makes a key that Azure takes");
                None
            }
        },
    }
}

fn overlay(file: &InputFile, problems: &mut Problems) -> Option<Overlay> {
    match &file.content {
        Err(reason) => {
            problems.add(Origin::Flag("--custom-data"), format!("reading `{}`: {reason}", file.path));
            None
        }
        Ok(text) => match Overlay::parse(&file.path, text) {
            Ok(overlay) => Some(overlay),
            Err(found) => {
                problems.extend(found);
                None
            }
        },
    }
}

fn is_host(text: &str) -> bool {
    let is_name = !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    is_name || text.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::generate_ssh_key_pair;

    fn key() -> SshPublicKey {
        generate_ssh_key_pair("test").unwrap().public.parse().unwrap()
    }

    fn messages(input: &ClusterInput, earlier: Option<&ClusterSpec>) -> Vec<String> {
        match resolve(input, earlier, &key()) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                problems.iter().map(|problem| format!("{}: {}", problem.origin, problem.message)).collect()
            }
        }
    }

    fn input(name: &str) -> ClusterInput {
        ClusterInput { name: name.into(), ..ClusterInput::default() }
    }

    #[test]
    fn defaults() {
        let spec = resolve(&input("mycluster"), None, &key()).unwrap();
        assert_eq!((spec.node_count, spec.etcd_member_count, spec.first_ssh_port), (3, 3, 22001));
        assert_eq!((spec.resource_group.as_str(), spec.location.as_str()), ("mycluster", "westeurope"));
        assert_eq!(spec.machine_name(1), "mycluster-coreos-1");
        assert!(spec.open_ports.is_empty() && spec.data_disk_gib.is_none());
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let input = ClusterInput {
            name: "My Cluster".into(),
            num_nodes: Some(2),
            vm_size: Some("Large".into()),
            location: Some("west-europe".into()),
            resource_group: Some("group.".into()),
            vm_name_prefix: Some("-".into()),
            ssh: Some(65535),
            ssh_key: Some(InputFile { path: "missing.pub".into(), content: Err("no such file".into()) }),
            nohttps: true,
            data_disk: Some(1),
            coreos_image: Some("flatcar".into()),
            custom_data: Some(InputFile {
                path: "user.yaml".into(),
                content: Ok("#cloud-config\nhost-name: x\n".into()),
            }),
            ntp_servers: vec!["a b".into()],
            ..ClusterInput::default()
        };
        let messages = messages(&input, None);
        for part in [
            "`NAME`: cluster name `My Cluster` has `M`",
            "`--num-nodes`: must be at least 3, found 2: etcd",
            "`--resource-group`: resource group name `group.` must not end with a full stop",
            "`--location`: location `west-europe` is not",
            "`--vm-name-prefix`: machine name prefix `-`",
            "`--vm-size`: size `Large`",
            "`--coreos-image`: image `flatcar`",
            "`--ssh-key`: reading `missing.pub`: no such file",
            "`user.yaml` line 2: `host-name`: is unknown",
            "`--nohttps`: takes what carries TLS",
            "`--ssh`: 2 nodes need ports 65535 to 65536",
            "`--data-disk`: must be 4 to 32767 GiB, found 1",
            "`--ntp-server`: `a b`",
        ] {
            assert!(messages.iter().any(|message| message.starts_with(part)), "{part}\n{messages:#?}");
        }
        assert_eq!(messages.len(), 13, "{messages:#?}");
    }

    #[test]
    fn what_an_earlier_run_settled_stays() {
        let first = ClusterInput { num_nodes: Some(4), deis: Some(true), data_disk: Some(50), ..input("mycluster") };
        let earlier = resolve(&first, None, &key()).unwrap();
        let again = resolve(&input("mycluster"), Some(&earlier), &key()).unwrap();
        assert_eq!(again, earlier);
        let grown =
            resolve(&ClusterInput { num_nodes: Some(9), ..input("mycluster") }, Some(&earlier), &key()).unwrap();
        assert_eq!((grown.node_count, grown.etcd_member_count), (9, 3), "members are fixed when the cluster is made");
        let other =
            ClusterInput { num_nodes: Some(3), location: Some("eastus".into()), ssh: Some(3000), ..input("mycluster") };
        let messages = messages(&other, Some(&earlier));
        assert_eq!(messages.len(), 3, "{messages:#?}");
    }

    #[test]
    fn small_clusters_need_a_word() {
        for (nodes, allow_small, members) in
            [(1, true, Some(1)), (2, true, Some(1)), (1, false, None), (0, true, None), (201, true, None)]
        {
            let input = ClusterInput { num_nodes: Some(nodes), allow_small, ..input("mycluster") };
            let found = resolve(&input, None, &key()).ok().map(|spec| spec.etcd_member_count);
            assert_eq!(found, members, "{nodes} {allow_small}");
        }
    }
}
