//! User-data for coreos-cloudinit on an image that has none: turns it into an Ignition configuration with a service that
//! takes, at every boot, the steps that coreos-cloudinit would take. The steps are those of `cloudinit-rules`.

use cloudinit_rules::action::steps;
use cloudinit_rules::script::script;
use serde_json::{Value, json};

use super::data_url::data_url;
use crate::machine::MachineSpec;

/// Holds whatever secrets the user-data has.
const SCRIPT: &str = "/var/lib/azure-local/user-data";
/// Beside everything else of the boot, as Flatcar's `oem-cloudinit.service`.
/// <https://github.com/flatcar/init/blob/flatcar-master/systemd/system/oem-cloudinit.service>
const SERVICE: &str = "\
[Unit]
Description=Apply user-data by the rules of coreos-cloudinit
RequiresMountsFor=/var/lib/azure-local

[Service]
Type=oneshot
ExecStart=/bin/bash /var/lib/azure-local/user-data
StandardOutput=journal+console
StandardError=journal+console

[Install]
WantedBy=multi-user.target
";
/// Where the image has Docker start with the machine. On Flatcar it starts with its first use, so that user-data can bring
/// the disk below `/var/lib/docker` before it; a link to nothing is how systemd is told of no such want.
/// <https://www.flatcar.org/docs/latest/container-runtimes/use-a-custom-docker-or-containerd-version/>
const DOCKER_WANTED: &str = "/etc/systemd/system/multi-user.target.wants/docker.service";
/// The first boot would put the want back.
const PRESET: &str = "/etc/systemd/system-preset/10-azure-local.preset";

/// The configuration of a machine with this user-data.
pub(super) fn configuration(user_data: &str, spec: &MachineSpec) -> Value {
    let address = spec.network_interfaces.first().map(|interface| interface.address.to_string());
    let script = script(&steps(user_data, &address.unwrap_or_default()), "");
    let administrator = spec
        .administrator
        .iter()
        .map(|administrator| json!({"name": administrator.name, "sshAuthorizedKeys": administrator.ssh_public_keys}));
    json!({
        "ignition": {"version": "3.3.0"},
        "passwd": {"users": administrator.collect::<Vec<_>>()},
        "storage": {
            "files": [file(SCRIPT, 0o700, &script), file(PRESET, 0o644, "disable docker.service\n")],
            "links": [{"path": DOCKER_WANTED, "target": "/dev/null", "overwrite": true}],
        },
        "systemd": {"units": [{"name": "azure-local-user-data.service", "enabled": true, "contents": SERVICE}]},
    })
}

fn file(path: &str, mode: u32, content: &str) -> Value {
    json!({"path": path, "mode": mode, "contents": {"source": data_url(content)}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Administrator, Disk, NetworkInterface};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn the_machine_takes_the_steps_at_every_boot() {
        let interface = NetworkInterface {
            network: "/x/vnet".to_owned(),
            address: "10.0.0.4".parse().expect("an address"),
            prefix_length: 20,
            mac_address: "00-0D-3A-00-00-01".to_owned(),
        };
        let spec = MachineSpec {
            id: "/x/node".to_owned(),
            name: "node".to_owned(),
            computer_name: "node".to_owned(),
            custom_data: None,
            administrator: Some(Administrator { name: "core".to_owned(), ssh_public_keys: vec!["key".to_owned()] }),
            os_disk: Disk { id: "/x/os".to_owned(), size_gib: None },
            data_disks: Vec::new(),
            network_interfaces: vec![interface],
        };
        let document = configuration("#cloud-config\nhostname: h$private_ipv4\n", &spec);
        let source = document["storage"]["files"][0]["contents"]["source"].as_str().expect("a script");
        let script = STANDARD.decode(source.trim_start_matches("data:;base64,")).expect("base64");
        let script = String::from_utf8(script).expect("text");
        assert!(script.contains("\nroot=''\n") && script.contains("\nhostnamectl set-hostname 'h10'\n"), "{script}");
        assert!(script.contains("set_environment '10.0.0.4'"), "{script}");
        assert_eq!(document["passwd"]["users"], json!([{"name": "core", "sshAuthorizedKeys": ["key"]}]));
        assert!(SERVICE.contains(&format!("ExecStart=/bin/bash {SCRIPT}\n")));
    }
}
