//! What the image makes of `osProfile.customData`.

use cloudinit_rules::vocabulary::{has_header, is_multipart, is_script};

use super::cloud_config;
use crate::machine::{MachineError, MachineSpec};

/// The Ignition configuration of a machine, if there is any: the customData itself, or what takes the steps that
/// coreos-cloudinit would take. Other kinds of user-data are refused, because nothing would consume them: a machine that
/// ignored its configuration would look healthy.
pub(super) fn ignition(spec: &MachineSpec) -> Result<Option<Vec<u8>>, MachineError> {
    let Some(bytes) = spec.custom_data.as_deref().filter(|bytes| !bytes.trim_ascii().is_empty()) else {
        return Ok(None);
    };
    let unusable = |what: &str| {
        Err(MachineError::Unusable(format!(
            "customData is {what}; the local image takes Ignition (a JSON document with `ignition.version`), and what \
             coreos-cloudinit takes: `#cloud-config`, `#!` scripts, and headers with `Content-Type: multipart/mixed`"
        )))
    };
    let start = bytes.trim_ascii_start();
    if start.starts_with(&[0x1f, 0x8b]) {
        return unusable("compressed with gzip, which the agent on Azure takes for UTF-8 text");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if has_header(text) || is_script(text) || is_multipart(text) => {
            return Ok(Some(cloud_config::configuration(text, spec).to_string().into_bytes()));
        }
        _ => {}
    }
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(document) if document["ignition"]["version"].is_string() => Ok(Some(bytes.to_owned())),
        Ok(_) => unusable("JSON without `ignition.version`"),
        Err(error) if start.starts_with(b"{") => unusable(&format!("not valid JSON ({error})")),
        Err(_) => unusable("of an unknown kind"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Disk;

    fn spec(custom_data: Option<&[u8]>) -> MachineSpec {
        MachineSpec {
            id: "/x/node".to_owned(),
            name: "node".to_owned(),
            computer_name: "node".to_owned(),
            custom_data: custom_data.map(<[u8]>::to_vec),
            administrator: None,
            os_disk: Disk { id: "/x/os".to_owned(), size_gib: None },
            data_disks: Vec::new(),
            network_interfaces: Vec::new(),
        }
    }

    #[test]
    fn what_is_taken() {
        let config = br#"{"ignition":{"version":"3.3.0"}}"#;
        assert_eq!(ignition(&spec(Some(config))).expect("Ignition"), Some(config.to_vec()));
        assert_eq!(ignition(&spec(None)).expect("nothing"), None);
        assert_eq!(ignition(&spec(Some(b" \n"))).expect("nothing"), None);
        for text in [
            "#cloud-config\nhostname: a\n",
            "#cloud-config\nusers: x\n",
            "#!/bin/sh\n",
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n",
        ] {
            let document = ignition(&spec(Some(text.as_bytes()))).expect("taken").expect("a configuration");
            let document: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
            assert_eq!(document["systemd"]["units"][0]["name"], "azure-local-user-data.service", "{text}");
        }
        for (bytes, named) in [
            (&[0x1f, 0x8b, 8, 0][..], "gzip"),
            (b"#cloud-configuration\n", "unknown kind"),
            (b"MIME-Version: 1.0\n", "unknown kind"),
            (b"{\"a\":1}", "without `ignition.version`"),
            (b"{\"ignition\":", "not valid JSON"),
            (b"hello", "unknown kind"),
        ] {
            match ignition(&spec(Some(bytes))) {
                Err(MachineError::Unusable(message)) => {
                    assert!(message.contains(named), "{message}");
                }
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
    }
}
