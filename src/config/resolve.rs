//! From values to a spec.

use std::collections::BTreeMap;

use super::input::ClusterInput;
use super::parameter::{
    ACCELERATED_NETWORKING, ALLOW_SMALL, CLIENT_ID, CLOUD, DATA_DISK, LOCATION, NAME, NUM_NODES, OS_DISK_SIZE, PIP,
    RESOURCE_GROUP, SUBSCRIPTION, TAGS, TENANT, USER_DATA_FORMAT, VM_NAME_PREFIX, VM_SIZE,
};
use super::resolver::Resolver;
use super::settled::{as_before, refuse_changes};
use super::{availability, discovery, machine, network, ports, user_data};
use crate::spec::Dialect;
use crate::spec::{
    Availability, AzureCloud, ClientId, ClusterName, ClusterSpec, Location, MOST_TAGS, MachinePrefix, QUORUM_NODES,
    ResourceGroupName, SshPublicKey, SubscriptionId, Tag, TenantId, VmSize, etcd_member_count, too_few_nodes,
};
use diagnostics::Problems;

/// Number of nodes when nothing is said.
const DEFAULT_NODE_COUNT: u32 = 3;

/// The validated spec, or every mistake.
///
/// `operator_key` is used when the user names no key and no earlier run settled one.
pub fn resolve(
    input: &ClusterInput,
    earlier: Option<&ClusterSpec>,
    operator_key: &SshPublicKey,
) -> Result<ClusterSpec, Problems> {
    resolve_with(Resolver::new(input, earlier), operator_key)
}

/// Like [`resolve`], after a run that made resources but no machine: what nothing depends on yet can be another value.
pub fn resolve_before_machines(
    input: &ClusterInput,
    earlier: &ClusterSpec,
    operator_key: &SshPublicKey,
) -> Result<ClusterSpec, Problems> {
    let mut resolver = Resolver::new(input, Some(earlier));
    resolver.has_machines = false;
    resolve_with(resolver, operator_key)
}

fn resolve_with(mut resolver: Resolver, operator_key: &SshPublicKey) -> Result<ClusterSpec, Problems> {
    let (input, earlier) = (resolver.input, resolver.earlier);
    resolver.problems.extend(input.problems.clone());
    let name = name(&mut resolver);
    let availability = availability::availability(&mut resolver);
    let availability = match earlier {
        Some(earlier) => as_before(&earlier.availability, availability),
        None => availability,
    };
    let node_count = node_count(&mut resolver, &availability);
    let resource_group = resource_group(&mut resolver, name.as_ref());
    let cloud = resolver.settle(&CLOUD, |earlier| earlier.cloud, AzureCloud::default);
    check_sign_in(&mut resolver);
    let location = resolver.settle(&LOCATION, |earlier| earlier.location.clone(), Location::default);
    let machine_prefix =
        resolver.settle(&VM_NAME_PREFIX, |earlier| earlier.machine_prefix.clone(), MachinePrefix::default);
    let vm_size = resolver.settle(&VM_SIZE, |earlier| earlier.vm_size.clone(), VmSize::default);
    let image = machine::image(&mut resolver);
    let ssh_public_key = network::ssh_public_key(&mut resolver, operator_key);
    let user_data_format = resolver.choice(&USER_DATA_FORMAT).map(|word| match word {
        "cloud-config" => Dialect::CloudConfig,
        _ => Dialect::Ignition,
    });
    let user_data_format = user_data_format.or(earlier.map(|earlier| earlier.user_data_format)).unwrap_or_default();
    let (custom_data, custom_data_only) = user_data::custom_data(&mut resolver, &image, user_data_format);
    let templates = user_data::templates(&mut resolver);
    let (open_ports, without_tls) = ports::open(&mut resolver);
    let first_ssh_port = network::first_ssh_port(&mut resolver);
    ports::check_ssh(&mut resolver, first_ssh_port, node_count, &open_ports);
    let data_disk_gib = resolver.integer(&DATA_DISK).or(earlier.and_then(|earlier| earlier.data_disk_gib));
    let data_disk_count = machine::data_disk_count(&mut resolver, data_disk_gib);
    let data_disk_type = machine::data_disk_type(&mut resolver, &vm_size, data_disk_gib);
    let os_disk_gib = resolver.integer(&OS_DISK_SIZE).or(earlier.and_then(|earlier| earlier.os_disk_gib));
    let spot = availability::spot(&mut resolver, &availability);
    let proximity_placement_group = availability::proximity(&mut resolver, &availability);
    let accelerated_networking = resolver
        .switch(&ACCELERATED_NETWORKING)
        .unwrap_or_else(|| earlier.is_some_and(|earlier| earlier.accelerated_networking));
    let identities = machine::identities(&mut resolver);
    let public_ip_per_node =
        resolver.switch(&PIP).unwrap_or_else(|| earlier.is_some_and(|earlier| earlier.public_ip_per_node));
    let ssh_sources = network::ssh_sources(&mut resolver);
    let address_space = network::address_space(&mut resolver, node_count);
    let existing_network = network::existing_network(&mut resolver, resource_group.as_ref());
    let tags = tags(&mut resolver);
    let ntp_servers = user_data::ntp_servers(&mut resolver);
    user_data::check_image(&mut resolver, &image, user_data_format, &ntp_servers);
    user_data::check_alone(&mut resolver, custom_data_only);
    let began = earlier.filter(|_| resolver.has_machines);
    let etcd_member_count = match began {
        // Nothing of ours is on such machines; and a run that adds none changes nothing else.
        Some(earlier) if custom_data_only || node_count <= earlier.node_count => earlier.etcd_member_count,
        Some(earlier) => earlier.etcd_member_count.max(etcd_member_count(node_count)),
        None => etcd_member_count(node_count),
    };
    let founders = began.map_or(etcd_member_count, ClusterSpec::etcd_founders);
    let discovery_url = discovery::url(&mut resolver, founders, custom_data_only, &templates);
    let spec = match (name, resource_group) {
        (Some(name), Some(resource_group)) => ClusterSpec {
            name,
            resource_group,
            cloud,
            location,
            node_count,
            etcd_member_count,
            etcd_founder_count: Some(founders).filter(|founders| *founders < etcd_member_count),
            discovery_url,
            vm_size,
            machine_prefix,
            first_ssh_port,
            ssh_public_key,
            closed_ports: ports::closed(&open_ports, earlier),
            open_ports,
            without_tls,
            data_disk_gib,
            data_disk_count,
            // What Azure says of another image is asked anew.
            image_plan: earlier.filter(|earlier| earlier.image == image).and_then(|earlier| earlier.image_plan.clone()),
            image,
            os_disk_gib,
            data_disk_type,
            availability,
            proximity_placement_group,
            accelerated_networking,
            spot,
            identities,
            public_ip_per_node,
            ssh_sources,
            tags,
            address_space,
            existing_network,
            ntp_servers,
            custom_data,
            custom_data_only,
            user_data_format,
            templates,
        },
        _ => return Err(resolver.problems.by_line()),
    };
    if let Some(earlier) = earlier {
        refuse_changes(&mut resolver, earlier, &spec);
    }
    if resolver.problems.is_empty() { Ok(spec) } else { Err(resolver.problems.by_line()) }
}

/// Who signs in is no part of a spec, and becomes a part of URLs: whoever reads parameters says of a mistake.
fn check_sign_in(resolver: &mut Resolver) {
    resolver.parsed::<SubscriptionId>(&SUBSCRIPTION);
    resolver.parsed::<TenantId>(&TENANT);
    resolver.parsed::<ClientId>(&CLIENT_ID);
}

fn name(resolver: &mut Resolver) -> Option<ClusterName> {
    match resolver.given(&NAME) {
        Some(_) => resolver.parsed(&NAME),
        // That the file cannot be read is told already, and the name may stand in it.
        None if resolver.input.file_is_unread => None,
        None => {
            resolver.problem(&NAME, "a cluster needs a name");
            None
        }
    }
}

fn resource_group(resolver: &mut Resolver, name: Option<&ClusterName>) -> Option<ResourceGroupName> {
    match (resolver.given(&RESOURCE_GROUP), resolver.earlier) {
        (Some(_), Some(earlier)) => {
            resolver.parsed(&RESOURCE_GROUP).map(|group| as_before(&earlier.resource_group, group))
        }
        (Some(_), None) => resolver.parsed(&RESOURCE_GROUP),
        (None, Some(earlier)) => Some(earlier.resource_group.clone()),
        (None, None) => name?.as_str().parse().ok(),
    }
}

fn node_count(resolver: &mut Resolver, availability: &Availability) -> u32 {
    let earlier = resolver.earlier;
    let before = earlier.map(|earlier| earlier.node_count);
    let count = resolver.integer(&NUM_NODES).or(before).unwrap_or(DEFAULT_NODE_COUNT);
    let allow_small = resolver.switch(&ALLOW_SMALL) == Some(true);
    let small_before = before.is_some_and(|before| before < QUORUM_NODES);
    if count < QUORUM_NODES && !allow_small && !small_before {
        let message = too_few_nodes(count);
        let hint = "add `--allow-small` for a cluster with a single etcd member";
        resolver.problem_with_hint(&NUM_NODES, message, hint);
    } else if count > availability.most_machines() {
        let most = availability.most_machines();
        let message = format!("must be at most {most} (one availability set), found {count}");
        resolver.problem_with_hint(&NUM_NODES, message, "add `--scale-set` or `--zones 1,2,3`");
        return DEFAULT_NODE_COUNT;
    } else if let Some(earlier) = earlier.filter(|earlier| resolver.has_machines && count < earlier.node_count) {
        let before = earlier.node_count;
        let message = format!("the cluster has {before} nodes, and creating takes none away ({count} asked)");
        let hint = format!("azure-coreos-cluster scale {} --num-nodes {count}", earlier.name);
        resolver.problem_with_hint(&NUM_NODES, message, hint);
    }
    count
}

fn tags(resolver: &mut Resolver) -> BTreeMap<String, String> {
    let Some(tags) = resolver.list::<Tag>(&TAGS) else {
        return resolver.earlier.map(|earlier| earlier.tags.clone()).unwrap_or_default();
    };
    if tags.len() > MOST_TAGS {
        resolver.problem(&TAGS, format!("{} tags are more than the {MOST_TAGS} that fit", tags.len()));
    }
    let mut unique: BTreeMap<String, String> = BTreeMap::new();
    for Tag { name, value } in tags {
        if let Some(same) = unique.keys().find(|known| known.eq_ignore_ascii_case(&name)) {
            resolver.problem(&TAGS, format!("`{name}` and `{same}` are one name: Azure makes no difference of case"));
        }
        unique.insert(name, value);
    }
    unique
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::InputFile;
    use crate::config::parameter::{
        BLOB_CONTAINER_URL, COREOS_IMAGE, CUSTOM_DATA, DATA_DISK_COUNT, DATA_DISK_TYPE, DISCOVERY_SERVICE_URL, NOHTTPS,
        NTP_SERVERS, OPEN, Parameter, SSH, SSH_CERT, SSH_SOURCES, SUBNET_NAMES, VIRTUAL_NETWORK_NAME, ZONES,
    };
    use crate::pki::generate_ssh_key_pair;
    use diagnostics::Origin;

    pub(in crate::config) fn key() -> SshPublicKey {
        generate_ssh_key_pair("test").unwrap().public.parse().unwrap()
    }

    pub(in crate::config) fn messages(input: &ClusterInput, earlier: Option<&ClusterSpec>) -> Vec<String> {
        match resolve(input, earlier, &key()) {
            Ok(_) => Vec::new(),
            Err(problems) => {
                problems.iter().map(|problem| format!("{}: {}", problem.origin, problem.message)).collect()
            }
        }
    }

    pub(in crate::config) fn input(flags: &[(&Parameter, &str)]) -> ClusterInput {
        ClusterInput::flags("mycluster", flags)
    }

    #[test]
    fn defaults() {
        let spec = resolve(&input(&[]), None, &key()).unwrap();
        assert_eq!((spec.node_count, spec.etcd_member_count, spec.first_ssh_port), (3, 3, 22001));
        assert_eq!((spec.resource_group.as_str(), spec.location.as_str()), ("mycluster", "westeurope"));
        assert_eq!(spec.machine_name(1), "mycluster-coreos-1");
        assert!(spec.open_ports.is_empty() && spec.data_disk_gib.is_none());
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let mut input = ClusterInput::flags(
            "My Cluster",
            &[
                (&NUM_NODES, "2"),
                (&VM_SIZE, "Large"),
                (&LOCATION, "west-europe"),
                (&RESOURCE_GROUP, "group."),
                (&VM_NAME_PREFIX, "-"),
                (&SSH, "65534"),
                (&SSH_CERT, "missing.pub"),
                (&NOHTTPS, "true"),
                (&DATA_DISK, "1"),
                (&COREOS_IMAGE, "flatcar:nightly"),
                (&NTP_SERVERS, "a b"),
            ],
        );
        let missing = InputFile { path: "missing.pub".into(), content: Err("no such file".into()) };
        input.files.insert(SSH_CERT.key, missing);
        let user = InputFile { path: "user.yaml".into(), content: Ok("#cloud-config\nhost-name: x\n".into()) };
        input.files.insert(CUSTOM_DATA.key, user);
        let messages = messages(&input, None);
        for part in [
            "`NAME`: cluster name `My Cluster` has `M`",
            "`--num-nodes`: must be at least 3, found 2: etcd",
            "`--resource-group`: resource group name `group.` must not end with a full stop",
            "`--location`: location `west-europe` is not",
            "`--vm-name-prefix`: machine name prefix `-`",
            "`--vm-size`: size `Large`",
            "`--coreos-image`: image `flatcar:nightly`",
            "`--ssh-cert`: reading `missing.pub`: no such file",
            "`user.yaml` line 2: `host-name`",
            "`--nohttps`: takes what carries TLS",
            "`--ssh`: 2 nodes need ports 65534 to 65535; ports end at 65534",
            "`--data-disk`: must be 4 to 32767 GiB, found 1",
            "`--ntp-server`: `a b`",
        ] {
            assert!(messages.iter().any(|message| message.starts_with(part)), "{part}\n{messages:#?}");
        }
        assert_eq!(messages.len(), 13, "{messages:#?}");
    }

    /// What a value that cannot be read stands for is not known, so nothing more is said of it.
    #[test]
    fn one_mistake_is_told_once() {
        let mut first = input(&[(&NUM_NODES, "4"), (&DATA_DISK, "50"), (&LOCATION, "eastus"), (&ZONES, "1,2")]);
        first.values.insert(&DISCOVERY_SERVICE_URL, vec!["https://host/0123".into()], Origin::Default);
        first.values.insert(&VIRTUAL_NETWORK_NAME, vec!["shared/hub".into()], Origin::Default);
        first.values.insert(&SUBNET_NAMES, vec!["a".into()], Origin::Default);
        let made = resolve(&first, None, &key()).unwrap();
        let (afresh, later, both): (&[_], &[_], &[_]) = (&[None], &[Some(&made)], &[None, Some(&made)]);
        let hub = (&VIRTUAL_NETWORK_NAME, "shared/hub");
        type Case<'c> = (&'c [(&'c Parameter, &'c str)], &'c [Option<&'c ClusterSpec>], &'c str);
        let cases: [Case; 14] = [
            (&[(&DISCOVERY_SERVICE_URL, "host/0123")], both, "discovery URL `host/0123` is no URL"),
            (&[(&DISCOVERY_SERVICE_URL, "http://h/new?size=5"), (&NUM_NODES, "many")], both, "must be 1 to 1000"),
            (&[(&LOCATION, "east-us")], both, "location `east-us` is not"),
            (&[(&ZONES, "4")], both, "zone `4`"),
            (&[(&SSH, "70000"), (&OPEN, "22002")], both, "must be 1 to 65534, found 70000"),
            (&[(&SSH_CERT, "missing.pub")], both, "reading `missing.pub`"),
            (&[(&DATA_DISK, "1"), (&DATA_DISK_COUNT, "2")], afresh, "must be 4 to 32767 GiB, found 1"),
            (&[(&VM_SIZE, "Large"), (&DATA_DISK, "50"), (&DATA_DISK_TYPE, "Premium_LRS")], afresh, "size `Large`"),
            (&[(&BLOB_CONTAINER_URL, "http://x"), (&COREOS_IMAGE, "flatcar.vhd")], both, "`http://x` is no https"),
            (&[hub, (&SUBNET_NAMES, "GatewaySubnet")], both, "subnet `GatewaySubnet` is kept"),
            (&[(&VIRTUAL_NETWORK_NAME, "a/b/c"), (&SUBNET_NAMES, "a")], both, "virtual network `a/b/c`"),
            (&[hub, (&SUBNET_NAMES, "big,BIG")], afresh, "subnet `BIG` is named twice"),
            (&[(&SUBNET_NAMES, "-")], later, "subnet `-` must start"),
            (&[(&SSH_SOURCES, "*,10.0.0.0/8")], both, "`*` is everybody and stands alone"),
        ];
        for (flags, runs, part) in cases {
            let mut input = input(flags);
            if input.values.get(&SSH_CERT).is_some() {
                let missing = InputFile { path: "missing.pub".into(), content: Err("no such file".into()) };
                input.files.insert(SSH_CERT.key, missing);
            }
            for earlier in runs {
                let found = messages(&input, *earlier);
                assert!(found.len() == 1 && found[0].contains(part), "{flags:?}\n{found:#?}");
            }
        }
    }

    #[test]
    fn small_clusters_need_a_word() {
        for (nodes, allow_small, members) in [
            ("1", "true", Some(1)),
            ("2", "true", Some(1)),
            ("1", "false", None),
            ("0", "true", None),
            ("201", "true", None),
        ] {
            let input = input(&[(&NUM_NODES, nodes), (&ALLOW_SMALL, allow_small)]);
            let found = resolve(&input, None, &key()).ok().map(|spec| spec.etcd_member_count);
            assert_eq!(found, members, "{nodes} {allow_small}");
        }
    }

    #[test]
    fn a_name_is_missed_only_where_all_was_read() {
        let key = crate::pki::generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        for (file_is_unread, expected) in [(false, "`NAME`: a cluster needs a name"), (true, "")] {
            let input = ClusterInput { file_is_unread, ..ClusterInput::default() };
            assert_eq!(resolve(&input, None, &key).unwrap_err().to_string(), expected);
        }
    }
}
