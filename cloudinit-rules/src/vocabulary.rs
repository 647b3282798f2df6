//! The words that coreos-cloudinit knows.

use crate::mime::headers;

/// The first line of a cloud-config, whatever blanks come after it.
/// `config/config.go:52`
pub const HEADER: &str = "#cloud-config";
/// The account that exists before coreos-cloudinit runs.
pub const CORE_USER: &str = "core";
/// What the content's type of several parts has in it.
const MULTIPART: &str = "multipart/mixed";
/// What is run of a unit. `system/systemd.go:80`
pub const COMMANDS: [&str; 7] =
    ["start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart"];
/// How content may be written down. `config/config.go:87`, `DecodeContent`
pub const ENCODINGS: [&str; 8] = ["b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"];
/// When a machine reboots for an update. `config/update.go:18`
pub const REBOOT_STRATEGIES: [&str; 3] = ["off", "reboot", "etcd-lock"];
/// What is a file of systemd-networkd instead of a unit. `system/unit.go:52`
pub const NETWORK_SUFFIXES: [&str; 3] = [".network", ".netdev", ".link"];

/// Whether the text is taken for a cloud-config.
pub fn has_header(text: &str) -> bool {
    text.split('\n').next().is_some_and(|line| line.trim_end() == HEADER)
}

/// Whether the text is taken for a script. `initialize/user_data.go:224`
pub fn is_script(text: &str) -> bool {
    text.starts_with("#!")
}

/// Whether the text is taken for several parts: headers up to an empty line, in any order. `config/config.go:61`
pub fn is_multipart(text: &str) -> bool {
    headers(text).is_some_and(|(headers, _)| headers.get("Content-Type").is_some_and(|kind| kind.contains(MULTIPART)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, is) in [
            ("#cloud-config \r\nx", "cloud-config"),
            ("#cloud-configuration\n", ""),
            ("\n#cloud-config\n", ""),
            ("#!\n", "script"),
            (" #!/bin/sh\n", ""),
            ("Content-Type: multipart/mixed; boundary=x\n\n", "multipart"),
            ("content-type:multipart/mixed\r\n\r\n", "multipart"),
            ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n", "multipart"),
            ("Content-Type: multipart/mixed; boundary=x\n", ""),
            ("Content-Type: multipart/alternative; boundary=x\n\n", ""),
            ("hello\nContent-Type: multipart/mixed; boundary=x\n\n", ""),
            ("", ""),
        ] {
            let found = match (has_header(text), is_script(text), is_multipart(text)) {
                (true, false, false) => "cloud-config",
                (false, true, false) => "script",
                (false, false, true) => "multipart",
                (false, false, false) => "",
                found => panic!("{text}: {found:?}"),
            };
            assert_eq!(found, is, "{text}");
        }
    }
}
