//! Every configuration that is rendered is accepted by the real `ignition-validate`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use coreos_cluster::config::{ClusterInput, InputFile};
use coreos_cluster::pki::{Authority, Material, NodeMaterial};
use coreos_cluster::spec::ClusterSpec;
use coreos_cluster::userdata::{self, Dialect};

use crate::golden::spec;
use crate::sandbox::fixture;

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
    type Change = fn(&mut ClusterInput);
    let changes: [(&str, Change); 8] = [
        ("defaults", |_| {}),
        ("data disk", |input| input.data_disk = Some(100)),
        ("nvme", |input| {
            input.data_disk = Some(100);
            input.vm_size = Some("Standard_D2as_v6".into());
        }),
        ("clients", |input| input.num_nodes = Some(7)),
        ("ntp", |input| input.ntp_servers = vec!["time.example.test".into()]),
        ("cloud-config", |input| {
            input.custom_data = Some(InputFile { path: "x".into(), content: Ok(fixture("overlay.yaml")) });
        }),
        ("every key", |input| {
            input.data_disk = Some(100);
            input.custom_data = Some(InputFile { path: "x".into(), content: Ok(fixture("every-key.yaml")) });
        }),
        ("ignition", |input| {
            input.custom_data = Some(InputFile { path: "x".into(), content: Ok(fixture("overlay.ign")) });
        }),
    ];
    for (name, change) in changes {
        let mut spec = spec(change);
        spec.data_disk_count = 3;
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
