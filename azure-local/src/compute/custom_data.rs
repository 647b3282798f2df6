//! What a VM's image does with `osProfile.customData`: whether the machine would come up at all.
//!
//! Ignition runs before the machine's first boot and ends in an emergency shell when it refuses its configuration; Azure
//! then waits in vain for the machine's report. Programs that run later (coreos-cloudinit) cannot keep a machine from it.

use cloudinit_rules::vocabulary::{has_header, is_multipart, is_script};
use serde_json::Value;

use crate::arm::document::text;
use crate::compute::{ignition, image};

/// Why a machine of this image would never report to Azure; none when it would, or when nothing is known of its image.
pub(crate) fn refusal(vm: &Value, custom_data: Option<&[u8]>) -> Option<String> {
    let custom_data = custom_data.filter(|bytes| !bytes.is_empty())?;
    let publisher = text(vm, "/properties/storageProfile/imageReference/publisher");
    let is_flatcar = publisher.is_some_and(|publisher| publisher.eq_ignore_ascii_case(image::PUBLISHER));
    if is_flatcar && is_for_cloudinit(custom_data) {
        return None;
    }
    // What an image of one's own reads is known from what it is given alone.
    if !is_flatcar && !custom_data.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let document: Value = match serde_json::from_slice(custom_data) {
        Ok(document) => document,
        Err(error) => return Some(format!("it is neither a cloud-config, a script, nor JSON: {error}")),
    };
    // JSON for some other program.
    if !is_flatcar && document.get("ignition").is_none() && document.get("ignitionVersion").is_none() {
        return None;
    }
    let newest = if is_flatcar { ignition::NEWEST_ON_FLATCAR } else { ignition::NEWEST };
    ignition::refusal(&document, newest)
}

/// Flatcar's Ignition leaves these to coreos-cloudinit, compressed or not, and knows them as it does.
/// <https://github.com/flatcar/scripts/tree/main/sdk_container/src/third_party/coreos-overlay/sys-apps/ignition/files>
fn is_for_cloudinit(custom_data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(custom_data);
    custom_data.starts_with(&[0x1f, 0x8b]) || has_header(&text) || is_script(&text) || is_multipart(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_keeps_a_machine_from_coming_up() {
        let flatcar = json!({"properties": {"storageProfile": {"imageReference": {"publisher": "Kinvolk"}}}});
        let own = json!({"properties": {"storageProfile": {"imageReference": {"id": "/subscriptions/s/x"}}}});
        let document = r#"{"ignition": {"version": "3.3.0"}}"#;
        let bracket = r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/a", "contents": {"source": "data:,[x]"}}]}}"#;
        let newest = r#"{"ignition": {"version": "3.6.0"}}"#;
        for (custom_data, on_flatcar, on_own) in [
            ("", true, true),
            (document, true, true),
            (bracket, false, false),
            (newest, false, true),
            ("#cloud-config\nx: [\n", true, true),
            ("#!/bin/sh\n", true, true),
            ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n", true, true),
            ("Content-Type: multipart/mixed; boundary=a\n", false, true),
            ("#cloud-configuration\n", false, true),
            ("hello", false, true),
            ("{}", false, true),
            ("{", false, false),
        ] {
            for (vm, comes_up) in [(&flatcar, on_flatcar), (&own, on_own)] {
                let refusal = refusal(vm, Some(custom_data.as_bytes()));
                assert_eq!(refusal.is_none(), comes_up, "{custom_data} {vm}: {refusal:?}");
            }
        }
        assert_eq!(refusal(&flatcar, None), None);
        assert_eq!(refusal(&flatcar, Some(&[0x1f, 0x8b, 8])), None);
    }
}
