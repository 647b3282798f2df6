//! What one node of a cluster gets, before the user's own file: the base file plus rendered templates.

use minijinja::context;

use super::cloud_config::{CORE_USER, DropIn, Filesystem, Unit, UserData, WriteFile};
use super::{Purpose, UserDataError, address, read};
use crate::pki::Material;
use crate::spec::{Node, SettledSpec};

/// `etcd` has this number in Flatcar and in the image of its container.
const ETCD_USER: &str = "232";
/// `core` has this number in Flatcar, whose coreos-cloudinit knows numbers only; Fedora CoreOS has another.
const CORE_GROUP: &str = "500";

/// The configuration of `node`; `material` must hold every node's keys.
pub fn node_user_data(spec: &SettledSpec, node: &Node, material: &Material) -> Result<UserData, UserDataError> {
    let templates = &spec.templates;
    let render = |name, context| templates.render(name, context);
    let base = read::cloud_config(super::BASE_FILE, templates.text(super::BASE_FILE), Purpose::default())
        .map_err(|problems| UserDataError::Template(super::BASE_FILE, problems.to_string()))?;
    let mut config = address::put_in(&base, node.address);
    config.hostname = Some(node.name.clone());
    config.ssh_authorized_keys.insert(0, spec.ssh_public_key.to_string());

    let members: Vec<Node> = spec.nodes().into_iter().filter(|node| node.etcd_member).collect();
    // Those that were there from the beginning, so that a node's user-data is the same when etcd has grown; whoever makes it
    // grow tells the nodes that run.
    let founders = members.iter().filter(|member| !member.etcd_joins);
    let endpoints = nodes::etcd::endpoints(founders.map(|member| member.address));

    let keys = material.node(&node.name);
    let file = |path: &str, content: &str, owner: &str, permissions: &str| WriteFile {
        path: path.into(),
        content: content.into(),
        owner: (owner != "root").then(|| owner.into()),
        permissions: Some(permissions.into()),
        encoding: None,
    };
    let core_only = match spec.image.is_fedora_coreos() {
        true => format!("root:{CORE_USER}"),
        false => format!("root:{CORE_GROUP}"),
    };
    config.write_files.extend([
        file("/etc/ssh/ssh_host_ed25519_key", &keys.ssh_host_key.private, "root", "0600"),
        file("/etc/ssh/ssh_host_ed25519_key.pub", &keys.ssh_host_key.public, "root", "0644"),
        file("/etc/ssl/etcd/ca.crt", &material.authority.certificate, "root", "0644"),
        file("/etc/ssl/etcd/client.crt", &keys.client.certificate, "root", "0644"),
        file("/etc/ssl/etcd/client.key", &keys.client.key, &core_only, "0440"),
        file("/etc/environment", &render("environment", context! { endpoints })?, "root", "0644"),
    ]);
    if node.etcd_member {
        config.write_files.extend([
            file("/etc/ssl/etcd/member.crt", &keys.member.certificate, "root", "0644"),
            file("/etc/ssl/etcd/member.key", &keys.member.key, &format!("{ETCD_USER}:{ETCD_USER}"), "0400"),
        ]);
        // Discovery is for those who begin.
        let discovery_url = spec.discovery_url.as_ref().filter(|_| !node.etcd_joins).map(ToString::to_string);
        let content = render(
            "etcd-member.conf",
            context! {
                name => node.name.as_str(),
                cluster => spec.name.as_str(),
                address => node.address.to_string(),
                initial_cluster => initial_cluster(&members, node),
                initial_cluster_state => if node.etcd_joins { "existing" } else { "new" },
                discovery_url,
            },
        )?;
        config.coreos.units.push(Unit {
            name: super::ETCD_UNIT.into(),
            enable: true,
            drop_ins: vec![DropIn { name: "20-cluster.conf".into(), content }],
            ..Unit::default()
        });
    }
    if !spec.ntp_servers.is_empty() {
        let sources = render("chrony.sources", context! { servers => spec.ntp_servers.clone() })?;
        config.write_files.push(file("/etc/chrony/sources.d/azure-coreos-cluster.sources", &sources, "root", "0644"));
    }

    let mut docker = Unit { name: "docker.service".into(), enable: true, ..Unit::default() };
    let mut filesystems = Vec::new();
    for lun in 0..spec.data_disks() {
        let device = spec.vm_size.data_disk_device(lun);
        // Docker's disk is the first; the others have their number for a name.
        let (label, content) = match lun {
            0 => ("docker".to_owned(), render("var-lib-docker.mount", context! { device => device.as_str() })?),
            _ => {
                let label = format!("data{lun}");
                let content =
                    render("var-lib-data.mount", context! { device => device.as_str(), label => label.as_str() })?;
                (label, content)
            }
        };
        let mount_unit = format!("var-lib-{label}.mount");
        config.coreos.units.push(Unit {
            name: mount_unit.clone(),
            enable: true,
            content: Some(content),
            ..Unit::default()
        });
        filesystems.push(Filesystem { device, label, mount_unit });
    }
    if !filesystems.is_empty() {
        docker.drop_ins.push(DropIn {
            name: "10-data-disk.conf".into(),
            content: render("docker-requires-data-disk.conf", context! {})?,
        });
    }
    config.coreos.units.push(docker);
    Ok(UserData { cloud_config: config, filesystems })
}

/// Whom a member is told of: one that begins, all that begin; one that joins, all that were there before it, and itself.
/// etcd refuses another list. <https://etcd.io/docs/v3.5/op-guide/runtime-configuration/#add-a-new-member>
fn initial_cluster(members: &[Node], node: &Node) -> String {
    let is_told = |member: &&Node| if node.etcd_joins { member.index <= node.index } else { !member.etcd_joins };
    let pairs = members.iter().filter(is_told).map(|member| format!("{}=https://{}:2380", member.name, member.address));
    pairs.collect::<Vec<_>>().join(",")
}
