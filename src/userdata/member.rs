//! Of a node's user-data the part that makes it a member of etcd: for a node that runs already.

use super::cloud_config::WriteFile;
use super::{ETCD_UNIT, UserDataError, fedora_coreos, node_user_data};
use crate::pki::Material;
use crate::spec::{Node, SettledSpec};

/// A member's own certificate and key.
const MEMBER_FILES: &str = "/etc/ssl/etcd/member.";
const UNITS: &str = "/etc/systemd/system";

/// Files as they would be on a machine that is made as this member; what the user's own file changes of them is not in them.
pub fn etcd_member_files(
    spec: &SettledSpec,
    node: &Node,
    material: &Material,
) -> Result<Vec<WriteFile>, UserDataError> {
    let mut user_data = node_user_data(spec, node, material)?;
    if spec.image.is_fedora_coreos() {
        fedora_coreos::adapt(&mut user_data, &spec.templates)?;
    }
    let config = user_data.cloud_config;
    let mut files: Vec<WriteFile> =
        config.write_files.into_iter().filter(|file| file.path.starts_with(MEMBER_FILES)).collect();
    let file = |path: String, content: String| WriteFile { path, content, ..WriteFile::default() };
    for unit in config.coreos.units.into_iter().filter(|unit| unit.name == ETCD_UNIT) {
        files.extend(unit.content.map(|content| file(format!("{UNITS}/{ETCD_UNIT}"), content)));
        let drop_ins = unit.drop_ins.into_iter();
        files.extend(drop_ins.map(|part| file(format!("{UNITS}/{ETCD_UNIT}.d/{}", part.name), part.content)));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{ALLOW_SMALL, COREOS_IMAGE, NUM_NODES, Parameter};
    use crate::config::{ClusterInput, resolve};
    use crate::pki::{Authority, NodeMaterial, generate_ssh_key_pair};
    use crate::spec::{Answers, settle};
    use std::collections::BTreeMap;

    /// A cluster that began with so many nodes and has more now, and what its last member is given.
    fn joining(began: &str, now: &str, more: &[(&Parameter, &str)]) -> (Node, Vec<WriteFile>) {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let input =
            |count| ClusterInput::flags("demo", &[&[(&NUM_NODES, count), (&ALLOW_SMALL, "true")], more].concat());
        let began = resolve(&input(began), None, &key).unwrap();
        let grown = settle(resolve(&input(now), Some(&began), &key).unwrap(), Answers::default()).unwrap();
        let authority = Authority::generate("demo").unwrap();
        let nodes = grown.nodes();
        let keys = nodes.iter().map(|node| (node.name.clone(), NodeMaterial::generate(&authority, node).unwrap()));
        let keys: BTreeMap<_, _> = keys.collect();
        let material = Material::new(authority, keys);
        let last = nodes.into_iter().rfind(|node| node.etcd_member).unwrap();
        let files = etcd_member_files(&grown, &last, &material).unwrap();
        (last, files)
    }

    #[test]
    fn whoever_joins_is_told_of_those_before_it() {
        for (began, now, last, told_of, fedora) in [
            ("3", "5", 4, 5, false),
            ("4", "9", 4, 5, false),
            ("1", "3", 2, 3, false),
            ("1", "3", 2, 3, true),
            ("5", "100", 6, 7, false),
        ] {
            let more = [(&COREOS_IMAGE, "fcos:/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/f")];
            let (node, files) = joining(began, now, if fedora { &more } else { &[] });
            assert!(node.index == last && node.etcd_joins, "{began} {now}: {node:?}");
            let text = |end: &str| &files.iter().find(|file| file.path.ends_with(end)).expect(end).content;
            let settings = text("/etcd-member.service.d/20-cluster.conf");
            assert!(settings.contains("ETCD_INITIAL_CLUSTER_STATE=existing"), "{settings}");
            let list = settings.lines().find(|line| line.contains("ETCD_INITIAL_CLUSTER=")).unwrap();
            assert_eq!(list.matches(":2380").count(), told_of, "{settings}");
            assert!(text("member.key").contains("PRIVATE KEY"));
            assert_eq!(files.iter().any(|file| file.path.ends_with("system/etcd-member.service")), fedora);
        }
    }
}
