//! What the image can make of `osProfile.customData`.

use crate::machine::MachineError;

/// The Ignition configuration in `custom_data`, if there is any. Other kinds of user-data are refused, because the image
/// has no program that would consume them: a machine that ignored its configuration would look healthy.
pub(super) fn ignition(custom_data: Option<&[u8]>) -> Result<Option<Vec<u8>>, MachineError> {
    let Some(bytes) = custom_data.filter(|bytes| !bytes.trim_ascii().is_empty()) else {
        return Ok(None);
    };
    let unusable = |what: &str| {
        Err(MachineError::Unusable(format!(
            "customData is {what}; the local image is configured with Ignition alone (a JSON document with \
             `ignition.version`)"
        )))
    };
    let start = bytes.trim_ascii_start();
    if start.starts_with(&[0x1f, 0x8b]) {
        return unusable("compressed with gzip");
    }
    if start.starts_with(b"#cloud-config") {
        return unusable("a `#cloud-config` document");
    }
    if start.starts_with(b"#!") {
        return unusable("a script");
    }
    let head = String::from_utf8_lossy(&start[..start.len().min(512)]).to_ascii_lowercase();
    if head.starts_with("content-type: multipart/") || head.starts_with("mime-version:") {
        return unusable("a MIME archive");
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

    #[test]
    fn only_ignition_is_taken() {
        let config = br#"{"ignition":{"version":"3.3.0"}}"#;
        assert_eq!(ignition(Some(config)).expect("Ignition"), Some(config.to_vec()));
        assert_eq!(ignition(None).expect("nothing"), None);
        assert_eq!(ignition(Some(b" \n")).expect("nothing"), None);
        for (bytes, named) in [
            (&b"#cloud-config\nhostname: a\n"[..], "`#cloud-config`"),
            (b"#!/bin/sh\n", "a script"),
            (&[0x1f, 0x8b, 8, 0], "gzip"),
            (b"Content-Type: multipart/mixed; boundary=x\n", "MIME"),
            (b"MIME-Version: 1.0\n", "MIME"),
            (b"{\"a\":1}", "without `ignition.version`"),
            (b"{\"ignition\":", "not valid JSON"),
            (b"hello", "unknown kind"),
        ] {
            match ignition(Some(bytes)) {
                Err(MachineError::Unusable(message)) => {
                    assert!(message.contains(named), "{message}");
                }
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
    }
}
