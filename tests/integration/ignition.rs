//! Every configuration that is rendered is accepted by the real `ignition-validate`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use coreos_cluster::config::parameter::{
    COREOS_IMAGE, DATA_DISK, DATA_DISK_COUNT, NTP_SERVERS, NUM_NODES, Parameter, VM_SIZE,
};
use coreos_cluster::pki::{Authority, Material, NodeMaterial};
use coreos_cluster::spec::ClusterSpec;
use coreos_cluster::spec::Dialect;
use coreos_cluster::userdata::{self};

use crate::golden::spec;

/// Debian's package `ignition` brings it; `scripts/test` installs that.
fn validate(document: &str) -> Result<(), String> {
    let mut child = Command::new("ignition-validate")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`ignition-validate` is installed");
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // Warnings count: a key that Ignition does not know is a warning only.
    if output.status.success() && said.trim().is_empty() { Ok(()) } else { Err(said) }
}

fn real_material(spec: &ClusterSpec) -> Material {
    let authority = Authority::generate(spec.name.as_str()).unwrap();
    let nodes = spec
        .nodes()
        .iter()
        .map(|node| (node.name.clone(), NodeMaterial::generate(&authority, node).unwrap()))
        .collect();
    Material::new(authority, nodes)
}

#[test]
fn every_configuration_is_accepted() {
    let (disk, disks) = ((&DATA_DISK, "100"), (&DATA_DISK_COUNT, "3"));
    type Flags<'a> = &'a [(&'a Parameter, &'a str)];
    let fedora = (&COREOS_IMAGE, "fcos:/CommunityGalleries/ours/Images/fcos");
    let cases: [(&str, Flags, Option<&str>); 10] = [
        ("defaults", &[], None),
        ("data disk", &[disk], None),
        ("data disks", &[disk, disks], None),
        ("nvme", &[disk, disks, (&VM_SIZE, "Standard_D2as_v6")], None),
        ("clients", &[(&NUM_NODES, "7")], None),
        ("ntp", &[(&NTP_SERVERS, "time.example.test")], None),
        ("cloud-config", &[], Some("overlay.yaml")),
        ("every key", &[disk], Some("every-key.yaml")),
        ("ignition", &[], Some("overlay.ign")),
        ("fedora coreos", &[fedora, disk, disks, (&NUM_NODES, "4")], Some("every-key.yaml")),
    ];
    for (name, flags, custom_data) in cases {
        let spec = spec(flags, custom_data);
        let material = real_material(&spec);
        for node in spec.nodes() {
            let document = userdata::render(&spec, &node, &material, Dialect::Ignition).unwrap();
            assert_eq!(validate(&document), Ok(()), "{name}: {}", node.name);
        }
    }
}

#[test]
fn the_validator_refuses_what_is_wrong() {
    for wrong in [
        r#"{"ignition": {"version": "9.9.9"}}"#,
        r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "relative"}]}}"#,
        r#"{"ignition": {"version": "3.3.0"}, "systemd": {"units": [{"name": "x.service", "drop_ins": []}]}}"#,
    ] {
        assert!(validate(wrong).is_err(), "{wrong}");
    }
}
