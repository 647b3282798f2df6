//! Everything that is rendered, compared with files. `UPDATE_GOLDEN=1` writes them anew.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use coreos_cluster::cli::open_ports;
use coreos_cluster::config::parameter::{
    COREOS_IMAGE, CUSTOM_DATA, DATA_DISK, DATA_DISK_COUNT, DEIS, DISCOVERY_SERVICE_URL, NTP_SERVERS, NUM_NODES,
    Parameter, VM_SIZE,
};
use coreos_cluster::config::{self, ClusterInput, InputFile, resolve};
use coreos_cluster::outputs::{self};
use coreos_cluster::pki::{Authority, Certificate, Material, NodeMaterial, SshKeyPair};
use coreos_cluster::plan::{FirstBoot, Observed, ResourceNames, desired, plan};
use coreos_cluster::spec::{Answers, ClusterSpec, Dialect, SettledSpec, TemplateSet, settle};
use coreos_cluster::userdata::{self};
use nodes::inventory::Inventory;
use platform::bundle::deis_ports;

use crate::sandbox::{Sandbox, fixture};

/// Compares `text` with the golden file.
#[track_caller]
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == text,
        "{name} differs; UPDATE_GOLDEN=1 writes it anew\n--- expected\n{expected}\n--- found\n{text}"
    );
}

/// A spec from flags, and a fixture as the user's own configuration, with a key that is the same in every run.
pub(crate) fn spec(flags: &[(&Parameter, &str)], custom_data: Option<&str>) -> SettledSpec {
    settled(asked(flags, custom_data))
}

/// The same before it is settled.
pub(crate) fn asked(flags: &[(&Parameter, &str)], custom_data: Option<&str>) -> ClusterSpec {
    let default_platform_ports = open_ports(&deis_ports());
    let mut input = ClusterInput { default_platform_ports, ..ClusterInput::flags("mycluster", flags) };
    if let Some(name) = custom_data {
        let file = InputFile { path: name.into(), content: Ok(fixture(name).into_bytes()) };
        input.files.insert(CUSTOM_DATA.key, file);
    }
    resolve(&input, None, &fixture("operator.pub").parse().unwrap()).unwrap()
}

/// The spec with free addresses of the network that it names, if it names one.
pub(crate) fn settled(asked: ClusterSpec) -> SettledSpec {
    let addresses = (0..asked.node_count as u8).map(|index| Ipv4Addr::new(10, 1, 0, 4 + index)).collect();
    settle(asked, Answers { addresses, ..Answers::default() }).unwrap()
}

/// Key material that is the same in every run: words, where the real one has keys.
pub(crate) fn material(spec: &SettledSpec) -> Material {
    let certificate =
        |what: &str| Certificate { certificate: format!("{what} certificate\n"), key: format!("{what} key\n") };
    let nodes = spec.nodes().into_iter().map(|node| {
        let keys = NodeMaterial {
            member: certificate(&format!("{} member", node.name)),
            client: certificate(&format!("{} client", node.name)),
            ssh_host_key: SshKeyPair {
                private: format!("{} host key\n", node.name),
                public: format!("ssh-ed25519 AAAA{} {}\n", node.index, node.name),
            },
        };
        (node.name, keys)
    });
    let Certificate { certificate, key } = certificate("authority");
    Material::new(Authority { certificate, key }, nodes.collect::<BTreeMap<_, _>>())
}

fn user_data(spec: &SettledSpec, index: usize) -> String {
    userdata::render(spec, &spec.nodes()[index], &material(spec), Dialect::Ignition).unwrap() + "\n"
}

fn cloud_config(spec: &SettledSpec, index: usize) -> String {
    userdata::render(spec, &spec.nodes()[index], &material(spec), Dialect::CloudConfig).unwrap()
}

#[test]
fn user_data_per_role() {
    let plain = spec(&[], None);
    assert_golden("user-data-member.json", &user_data(&plain, 0));
    let client = spec(&[(&NUM_NODES, "4")], None);
    assert_golden("user-data-client.json", &user_data(&client, 3));
    let full = [(&DATA_DISK, "100"), (&NTP_SERVERS, "time.example.test,192.0.2.1")];
    let full = spec(&full, Some("overlay.yaml"));
    assert_golden("user-data-full.json", &user_data(&full, 1));
    let nvme = spec(&[(&DATA_DISK, "100"), (&VM_SIZE, "Standard_D2as_v6")], Some("overlay.ign"));
    assert_golden("user-data-nvme.json", &user_data(&nvme, 0));
}

#[test]
fn fedora_coreos() {
    let spec = spec(&[(&COREOS_IMAGE, "fcos:/CommunityGalleries/ours/Images/fcos"), (&DATA_DISK, "100")], None);
    assert_golden("user-data-fedora-coreos.json", &user_data(&spec, 1));
}

#[test]
fn cloud_config_per_role() {
    let plain = spec(&[], None);
    assert_golden("user-data-member.yaml", &cloud_config(&plain, 0));
    let client = spec(&[(&NUM_NODES, "4")], None);
    assert_golden("user-data-client.yaml", &cloud_config(&client, 3));
    let full = [(&DATA_DISK, "100"), (&NTP_SERVERS, "time.example.test,192.0.2.1")];
    assert_golden("user-data-full.yaml", &cloud_config(&spec(&full, Some("overlay.yaml")), 1));
}

#[test]
fn members_that_find_each_other_by_a_service() {
    let url = "https://discovery.example.test/0123456789abcdef0123456789abcdef";
    let spec = spec(&[(&DISCOVERY_SERVICE_URL, url)], None);
    assert_golden("user-data-discovery.json", &user_data(&spec, 1));
    assert_golden("user-data-discovery.yaml", &cloud_config(&spec, 1));
}

#[test]
fn a_users_file_with_every_key() {
    let spec = spec(&[(&DATA_DISK, "100"), (&NUM_NODES, "4")], Some("every-key.yaml"));
    assert_golden("user-data-every-key.json", &user_data(&spec, 3));
    assert_golden("user-data-every-key.yaml", &cloud_config(&spec, 3));
}

#[test]
fn several_data_disks() {
    for (size, name) in [("Standard_D2as_v5", "scsi"), ("Standard_D2as_v6", "nvme")] {
        let disks = [(&DATA_DISK, "100"), (&DATA_DISK_COUNT, "3"), (&NUM_NODES, "4"), (&VM_SIZE, size)];
        let spec = spec(&disks, None);
        assert_golden(&format!("user-data-disks-{name}.json"), &user_data(&spec, 3));
        assert_golden(&format!("user-data-disks-{name}.yaml"), &cloud_config(&spec, 3));
    }
}

#[test]
fn replaced_templates() {
    let mut spec = asked(&[(&NUM_NODES, "4")], None);
    let base = "#cloud-config\ncoreos: {update: {reboot_strategy: reboot}}\n\
                write_files: [{path: /etc/mine, content: $private_ipv4}]\n";
    let files = [("base.yaml", base), ("environment", "ETCDCTL_ENDPOINTS={{ endpoints }}\n")];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    spec.templates = TemplateSet::with_overrides(files.into()).unwrap();
    let spec = settled(spec);
    assert_golden("user-data-templates.yaml", &cloud_config(&spec, 3));
    // A later run reads the spec from the cluster's directory.
    let stored: SettledSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
    assert_eq!(cloud_config(&stored, 3), cloud_config(&spec, 3));
}

#[test]
fn what_describes_parameters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in
        [("docs/cluster.schema.json", config::schema_text()), ("docs/parameters.md", config::reference())]
    {
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(root.join(path), &text).unwrap();
        }
        let checked_in = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(checked_in == text, "{path} is not what the parameters say; UPDATE_GOLDEN=1 writes it anew");
    }
}

#[test]
fn request_bodies() {
    let spec = spec(&[(&DEIS, "true"), (&DATA_DISK, "100")], None);
    let first_boot = FirstBoot { user_data: "{}".into(), keys: Some("host-key=SHA256:x authority=y".into()) };
    let wanted = desired(&spec, &ResourceNames::new("s", &spec), &vec![first_boot; 3]);
    let plan = plan(&spec, wanted, &Observed::new()).unwrap();
    let bodies: serde_json::Map<String, serde_json::Value> = plan
        .steps
        .iter()
        .filter(|step| !step.id.name().contains("-1") && !step.id.name().contains("-2"))
        .map(|step| (step.id.path().to_owned(), step.body.clone()))
        .collect();
    assert_golden("request-bodies.json", &(serde_json::to_string_pretty(&bodies).unwrap() + "\n"));
}

#[test]
fn what_a_user_goes_on_with() {
    let inventory: Inventory = serde_json::from_str(&fixture("inventory.json")).unwrap();
    assert_golden("summary.txt", &outputs::summary(&inventory));
    assert_golden("ssh_config", &outputs::ssh_config(&inventory, Path::new("/state/mycluster/known_hosts")).unwrap());
    assert_golden("known_hosts", &outputs::known_hosts(&inventory));
    let without_identity =
        Inventory { ssh: nodes::inventory::InventorySsh { identity: None, ..inventory.ssh.clone() }, ..inventory };
    let config = outputs::ssh_config(&without_identity, Path::new("/state/mycluster/known_hosts")).unwrap();
    assert_golden("ssh_config-agent", &config);
}

#[test]
fn help_and_plan() {
    let sandbox = Sandbox::with_emulator(&[]);
    for (name, arguments) in [
        ("help-create.txt", vec!["-h"]),
        ("help-plan.txt", vec!["plan", "-h"]),
        ("help-destroy.txt", vec!["destroy", "-h"]),
        ("help-stop.txt", vec!["stop", "-h"]),
        ("help-start.txt", vec!["start", "-h"]),
        ("help-restart.txt", vec!["restart", "-h"]),
        ("help-status.txt", vec!["status", "-h"]),
        ("help-user-data.txt", vec!["user-data", "-h"]),
        ("help-discovery-serve.txt", vec!["discovery", "serve", "-h"]),
        ("help-local.txt", vec!["local", "-h"]),
        ("help-local-up.txt", vec!["local", "up", "-h"]),
        ("plan.txt", vec!["plan", "mycluster", "--deis", "--local"]),
    ] {
        assert_golden(name, &sandbox.succeed(&arguments).stdout);
    }
    assert_golden("help-platformctl.txt", &sandbox.platformctl(&["-h"]).demand(0).stdout);
}
